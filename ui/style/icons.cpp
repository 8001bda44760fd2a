// SPDX-License-Identifier: Apache-2.0
#include "ui/style/icons.h"

#include "ui/style/theme.h"

#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>

#include <array>

// The resources live in a static library: without this call the linker would leave them out.
static void initializeResources() {
    Q_INIT_RESOURCE(resources);
}

namespace hearth::ui {

namespace {

constexpr std::array<const char*, kIconCount> kFileNames{
    "archive", "check", "chevron-down", "chevron-left", "chevron-right", "chevron-up", "close", "copy", "cpu",
    "error", "folder", "gpu", "info", "minus", "model", "more", "new-chat", "open", "pencil", "pin", "plus",
    "refresh", "search", "send", "settings", "sidebar-left", "sidebar-right", "star", "star-filled", "stop", "trash",
    "undo", "warning",
};

QColor toneColor(IconTone tone, QIcon::Mode mode) {
    const ThemeColors& colors = Theme::current();
    QColor color;
    switch (tone) {
    case IconTone::Text: color = colors.text; break;
    case IconTone::Mute: color = colors.mute; break;
    case IconTone::Accent: color = colors.accent; break;
    case IconTone::OnAccent: color = colors.accentText; break;
    case IconTone::Good: color = colors.good; break;
    case IconTone::Warning: color = colors.warning; break;
    case IconTone::Error: color = colors.error; break;
    }
    if (mode == QIcon::Disabled) color.setAlphaF(0.4f);
    return color;
}

class LineIconEngine : public QIconEngine {
public:
    LineIconEngine(IconName name, IconTone tone) : m_name(name), m_tone(tone) {}

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
        QFile file(QStringLiteral(":/hearth/icons/%1.svg").arg(iconFileName(m_name)));
        if (!file.open(QIODevice::ReadOnly)) return;
        const QColor color = toneColor(m_tone, mode);
        QByteArray drawing = file.readAll();
        drawing.replace("currentColor", color.name(QColor::HexRgb).toLatin1());
        QSvgRenderer renderer(drawing);
        painter->save();
        painter->setOpacity(painter->opacity() * color.alphaF());
        renderer.render(painter, rect);
        painter->restore();
    }

    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
        const QString key = QStringLiteral("hearth-%1-%2-%3x%4")
                                .arg(iconFileName(m_name), toneColor(m_tone, mode).name(QColor::HexArgb))
                                .arg(size.width())
                                .arg(size.height());
        QPixmap image;
        if (QPixmapCache::find(key, &image)) return image;
        image = QPixmap(size);
        image.fill(Qt::transparent);
        QPainter painter(&image);
        paint(&painter, QRect(QPoint(0, 0), size), mode, state);
        painter.end();
        QPixmapCache::insert(key, image);
        return image;
    }

    QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State state, qreal) override { return pixmap(size, mode, state); }
    QString key() const override { return QStringLiteral("HearthLineIcon"); }
    QIconEngine* clone() const override { return new LineIconEngine(m_name, m_tone); }

private:
    IconName m_name;
    IconTone m_tone;
};

} // namespace

QIcon icon(IconName name, IconTone tone) {
    initializeResources();
    return QIcon(new LineIconEngine(name, tone));
}

QString iconFileName(IconName name) {
    return QString::fromLatin1(kFileNames[static_cast<std::size_t>(name)]);
}

QIcon applicationIcon() {
    initializeResources();
    return QIcon(QStringLiteral(":/hearth/org.hearth.Hearth.svg"));
}

} // namespace hearth::ui
