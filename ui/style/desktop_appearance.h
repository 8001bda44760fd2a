// SPDX-License-Identifier: Apache-2.0
//
// DesktopAppearance: does the desktop ask for dark windows? Two sources: the palette that the platform plugin hands us,
// and, where a freedesktop portal answers, its setting org.freedesktop.appearance / color-scheme (0 none, 1 dark,
// 2 light), which wins. Qt 6.4 has no QStyleHints::colorScheme yet. The portal is asked asynchronously. Thread: GUI.
#pragma once

#include <QObject>
#include <QDBusVariant>
#include <QVariant>

#include <optional>

namespace hearth::ui {

class DesktopAppearance : public QObject {
    Q_OBJECT
public:
    /// Reads the platform's palette at once: make it before the application's palette is replaced.
    explicit DesktopAppearance(QObject* parent);

    [[nodiscard]] bool prefersDark() const { return m_portalDark.value_or(m_paletteDark); }

signals:
    void prefersDarkChanged();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private slots:
    void onPortalSettingChanged(const QString& group, const QString& key, const QDBusVariant& value);

private:
    void readPalette();
    void askPortal();
    void setPortalScheme(const QVariant& scheme);

    bool m_paletteDark = false;
    std::optional<bool> m_portalDark;
};

} // namespace hearth::ui
