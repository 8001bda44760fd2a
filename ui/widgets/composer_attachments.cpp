// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/composer_attachments.h"

#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QEvent>
#include <QFile>
#include <QFileInfo>
#include <QLabel>
#include <QLocale>
#include <QResizeEvent>
#include <QToolButton>

#include <algorithm>

namespace hearth::ui {
namespace {

constexpr int kGap = 6;
constexpr int kIcon = 14;
constexpr int kMaxNameWidth = 260;

} // namespace

ComposerAttachments::ComposerAttachments(QWidget* parent) : QWidget(parent), m_problem(new QLabel(this))
{
    setObjectName(QStringLiteral("composerAttachments"));
    m_problem->setObjectName(QStringLiteral("attachmentProblem"));
    m_problem->setWordWrap(true);
    m_problem->setTextFormat(Qt::PlainText);
    connect(&Theme::instance(), &Theme::themeChanged, this, &ComposerAttachments::rebuild);
    rebuild();
}

void ComposerAttachments::addFiles(const QStringList& paths)
{
    m_problems.clear();
    for (const QString& path : paths) {
        const QString name = QFileInfo(path).fileName();
        QFile file(path);
        if (QFileInfo(path).isDir() || !file.open(QFile::ReadOnly)) {
            addProblem(QFileInfo(path).isDir() ? tr("%1 is a folder. Attach the files in it.").arg(name) : tr("%1 could not be read: %2.").arg(name, file.errorString()));
            continue;
        }
        const QByteArray bytes = file.read(kMaxAttachmentBytes + 1); // no more, however large the file says it is
        const auto read = readAttachment(name, bytes);
        if (read)
            add(*read);
        else
            addProblem(describeProblem(read.error(), name));
    }
    rebuild();
}

void ComposerAttachments::add(const Attachment& attachment)
{
    if (m_attachments.size() >= std::size_t(kMaxAttachments)) {
        addProblem(tr("A message takes %1 files at most.").arg(kMaxAttachments));
        return rebuild();
    }
    Attachment unique = attachment;
    const auto taken = [this](const QString& name) { return std::ranges::any_of(m_attachments, [&](const Attachment& a) { return a.name == name; }); };
    for (int number = 2; taken(unique.name); ++number) {
        const qsizetype dot = attachment.name.lastIndexOf(u'.');
        unique.name = attachment.name;
        unique.name.insert(dot > 0 ? dot : unique.name.size(), QStringLiteral(" %1").arg(number));
    }
    m_attachments.push_back(std::move(unique));
    rebuild();
    emit changed();
}

void ComposerAttachments::setAttachments(const std::vector<Attachment>& attachments)
{
    m_problems.clear();
    m_attachments = attachments;
    rebuild();
    emit changed();
}

void ComposerAttachments::clearProblem()
{
    if (m_problems.isEmpty())
        return;
    m_problems.clear();
    rebuild();
}

void ComposerAttachments::addProblem(const QString& words)
{
    m_problems << words;
}

void ComposerAttachments::rebuild()
{
    for (QToolButton* chip : m_chips)
        chip->deleteLater(); // one of them may be the sender
    m_chips.clear();
    QFont caption = font();
    if (caption.pixelSize() > 0)
        caption.setPixelSize(caption.pixelSize() * metrics::kCaptionPx / metrics::kTextPx);
    for (std::size_t i = 0; i < m_attachments.size(); ++i) {
        const Attachment& attachment = m_attachments[i];
        auto* chip = new QToolButton(this);
        const QString size = QLocale().formattedDataSize(attachment.text.toUtf8().size(), 1, QLocale::DataSizeSIFormat);
        chip->setFont(caption);
        chip->setText(QStringLiteral("%1 · %2").arg(QFontMetrics(caption).elidedText(attachment.name, Qt::ElideMiddle, kMaxNameWidth), size));
        chip->setIcon(icon(IconName::Close, IconTone::Mute));
        chip->setIconSize({kIcon, kIcon});
        chip->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        chip->setObjectName(QStringLiteral("attachmentChip"));
        chip->setAccessibleName(tr("Remove %1").arg(attachment.name));
        chip->setToolTip(tr("Remove %1").arg(attachment.name).toHtmlEscaped());
        chip->setCursor(Qt::PointingHandCursor);
        connect(chip, &QToolButton::clicked, this, [this, i] {
            if (i >= m_attachments.size())
                return;
            m_attachments.erase(m_attachments.begin() + std::ptrdiff_t(i));
            m_problems.clear();
            rebuild();
            emit changed();
        });
        m_chips.push_back(chip);
        chip->show();
    }
    QPalette palette = m_problem->palette();
    palette.setColor(QPalette::WindowText, Theme::current().warning);
    m_problem->setPalette(palette);
    m_problem->setFont(caption);
    m_problem->setText(m_problems.join(u'\n'));
    setVisible(!m_attachments.empty() || !m_problems.isEmpty());
    place();
}

/// Chips in lines that wrap, the problem under them.
void ComposerAttachments::place()
{
    int x = 0;
    int y = 0;
    int line = 0;
    for (QToolButton* chip : m_chips) {
        const QSize size = chip->sizeHint();
        const int chipWidth = std::min(size.width(), std::max(60, width()));
        if (x > 0 && x + chipWidth > width()) {
            x = 0;
            y += line + kGap;
        }
        chip->setGeometry(x, y, chipWidth, size.height());
        x += chipWidth + kGap;
        line = size.height();
    }
    int height = m_chips.empty() ? 0 : y + line;
    m_problem->setVisible(!m_problems.isEmpty());
    if (!m_problems.isEmpty()) {
        const int problem = m_problem->heightForWidth(std::max(60, width()));
        m_problem->setGeometry(0, height + (height > 0 ? kGap : 0), width(), problem);
        height = m_problem->geometry().bottom() + 1;
    }
    setFixedHeight(height);
}

void ComposerAttachments::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange && m_problem)
        rebuild();
}

void ComposerAttachments::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    if (event->size().width() != event->oldSize().width())
        place();
}

} // namespace hearth::ui
