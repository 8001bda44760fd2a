// SPDX-License-Identifier: Apache-2.0
#include "ui/windows/export_document.h"

#include <QAbstractTextDocumentLayout>
#include <QMarginsF>
#include <QPageSize>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>

namespace hearth::ui {

namespace {

constexpr int kResolution = 96; ///< dots an inch: sizes in px are the screen's
constexpr int kFootHeight = 36;

// What a model wrote is text: no HTML of its own is interpreted.
constexpr auto kDialect = QTextDocument::MarkdownFeatures(QTextDocument::MarkdownDialectGitHub | QTextDocument::MarkdownNoHTML);

/// A document that fetches nothing: an address in a picture's place stays an address.
class QuietDocument : public QTextDocument {
public:
    using QTextDocument::QTextDocument;

protected:
    QVariant loadResource(int, const QUrl&) override { return {}; }
};

void fill(QTextDocument& document, const QString& markdown) {
    QFont font(QStringLiteral("Inter"));
    font.setStyleHint(QFont::SansSerif);
    font.setPixelSize(13);
    document.setDefaultFont(font);
    document.setMarkdown(markdown, kDialect);
    for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
        QTextCursor cursor(block);
        QTextBlockFormat format = block.blockFormat();
        const bool code = format.hasProperty(QTextFormat::BlockCodeFence) || format.hasProperty(QTextFormat::BlockCodeLanguage) ||
                          format.nonBreakableLines();
        format.setLineHeight(code ? 125 : 145, QTextBlockFormat::ProportionalHeight);
        if (code) format.setBackground(QColor(0xF3, 0xF1, 0xED));
        if (format.headingLevel() > 1) format.setTopMargin(18);
        cursor.setBlockFormat(format);
    }
}

} // namespace

QString toHtmlPage(const QString& title, const QString& markdown) {
    QuietDocument document;
    fill(document, markdown);
    document.setMetaInformation(QTextDocument::DocumentTitle, title);
    QString page = document.toHtml();
    const QString head = QStringLiteral("<meta name=\"viewport\" content=\"width=device-width\" />"
                                        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\" />"
                                        "<style type=\"text/css\">body { max-width: 46em; margin: 2em auto; padding: 0 1em; } "
                                        "@media print { body { max-width: none; margin: 0; } }</style></head>");
    return page.replace(QStringLiteral("</head>"), head);
}

core::Result<void> writePdf(const QString& path, const QString& title, const QString& markdown) {
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly)) return core::fail(core::ErrorCode::IoError, file.errorString().toStdString());
    {
        QPdfWriter writer(&file);
        writer.setTitle(title);
        writer.setCreator(QStringLiteral("Hearth"));
        writer.setPageSize(QPageSize(QPageSize::A4));
        writer.setPageMargins(QMarginsF(20, 18, 20, 14), QPageLayout::Millimeter);
        writer.setResolution(kResolution);
        QuietDocument document;
        document.documentLayout()->setPaintDevice(&writer);
        fill(document, markdown);
        const QSizeF page(writer.width(), writer.height() - kFootHeight);
        document.setPageSize(page);
        QPainter painter(&writer);
        const int pages = document.pageCount();
        for (int i = 0; i < pages; ++i) {
            if (i > 0) writer.newPage();
            painter.save();
            painter.translate(0, -i * page.height());
            QAbstractTextDocumentLayout::PaintContext context;
            context.clip = QRectF(0, i * page.height(), page.width(), page.height());
            context.palette.setColor(QPalette::Text, Qt::black);
            painter.setClipRect(context.clip);
            document.documentLayout()->draw(&painter, context);
            painter.restore();
            painter.setPen(QColor(0x6E, 0x69, 0x62));
            painter.drawText(QRectF(0, page.height(), page.width(), kFootHeight), Qt::AlignBottom | Qt::AlignHCenter,
                             QStringLiteral("%1 / %2").arg(i + 1).arg(pages));
        }
    }
    if (!file.commit()) return core::fail(core::ErrorCode::IoError, file.errorString().toStdString());
    return {};
}

core::Result<void> writeFile(const QString& path, const QByteArray& bytes) {
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit()) {
        return core::fail(core::ErrorCode::IoError, file.errorString().toStdString());
    }
    return {};
}

} // namespace hearth::ui
