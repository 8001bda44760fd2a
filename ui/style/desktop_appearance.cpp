// SPDX-License-Identifier: Apache-2.0
#include "ui/style/desktop_appearance.h"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QEvent>
#include <QFileInfo>
#include <QPalette>
#include <QTimer>

namespace hearth::ui {

namespace {

const auto kPortalPath = QStringLiteral("/org/freedesktop/portal/desktop");
const auto kPortalSettings = QStringLiteral("org.freedesktop.portal.Settings");
const auto kAppearanceGroup = QStringLiteral("org.freedesktop.appearance");
const auto kSchemeKey = QStringLiteral("color-scheme");

/// Without a bus, QDBusConnection would try to launch one, and the window would wait for it.
bool sessionBusExists() {
    if (qEnvironmentVariableIsSet("DBUS_SESSION_BUS_ADDRESS")) return true;
    const QString runtime = qEnvironmentVariable("XDG_RUNTIME_DIR");
    return !runtime.isEmpty() && QFileInfo::exists(runtime + QStringLiteral("/bus"));
}

} // namespace

DesktopAppearance::DesktopAppearance(QObject* parent) : QObject(parent) {
    readPalette();
    qApp->installEventFilter(this);
    // The window comes first; the portal's word corrects it a moment later.
    if (sessionBusExists()) QTimer::singleShot(0, this, &DesktopAppearance::askPortal);
}

void DesktopAppearance::readPalette() {
    const QPalette palette = QGuiApplication::palette();
    m_paletteDark = palette.color(QPalette::Window).lightnessF() < palette.color(QPalette::WindowText).lightnessF();
}

bool DesktopAppearance::eventFilter(QObject* watched, QEvent* event) {
    // Our own palette hides the platform's, so it is lifted for the moment of reading; whoever listens sets it again.
    if (event->type() == QEvent::ThemeChange && watched->isWindowType()) {
        const bool before = prefersDark();
        const QPalette ours = QApplication::palette();
        QApplication::setPalette(QPalette());
        readPalette();
        QApplication::setPalette(ours);
        if (prefersDark() != before) emit prefersDarkChanged();
    }
    return QObject::eventFilter(watched, event);
}

void DesktopAppearance::askPortal() {
    QDBusConnection bus = QDBusConnection::sessionBus();
    if (!bus.isConnected()) return;
    // No service name in the match: with one, connect() would ask the bus for its owner and wait for the answer.
    bus.connect(QString(), kPortalPath, kPortalSettings, QStringLiteral("SettingChanged"), this,
                SLOT(onPortalSettingChanged(QString, QString, QDBusVariant)));

    QDBusMessage question = QDBusMessage::createMethodCall(QStringLiteral("org.freedesktop.portal.Desktop"), kPortalPath,
                                                           kPortalSettings, QStringLiteral("Read"));
    question << kAppearanceGroup << kSchemeKey;
    auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(question), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this, [this](QDBusPendingCallWatcher* done) {
        const QDBusPendingReply<QVariant> reply = *done;
        if (reply.isValid()) setPortalScheme(reply.value());
        done->deleteLater();
    });
}

void DesktopAppearance::onPortalSettingChanged(const QString& group, const QString& key, const QDBusVariant& value) {
    if (group == kAppearanceGroup && key == kSchemeKey) setPortalScheme(value.variant());
}

void DesktopAppearance::setPortalScheme(const QVariant& scheme) {
    QVariant value = scheme;
    // "Read" wraps its variant in a second one.
    while (value.canConvert<QDBusVariant>()) value = value.value<QDBusVariant>().variant();
    bool isNumber = false;
    const uint number = value.toUInt(&isNumber);
    if (!isNumber) return;

    const bool before = prefersDark();
    m_portalDark = number == 1 ? std::optional(true) : number == 2 ? std::optional(false) : std::nullopt;
    if (prefersDark() != before) emit prefersDarkChanged();
}

} // namespace hearth::ui
