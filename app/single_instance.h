// SPDX-License-Identifier: Apache-2.0
//
// SingleInstance: one window per user and data folder, because one process writes the history. A second start hands its
// wish ("open this model", or nothing but "come to the front") to the first and ends.
// Thread: GUI.
#pragma once

#include <QLocalServer>
#include <QObject>
#include <QString>

namespace hearth::app {

class SingleInstance : public QObject {
    Q_OBJECT
public:
    enum class Role { First, Second, Alone };

    /// `identity`: same for all starts that share their data.
    explicit SingleInstance(const QString& identity, QObject* parent = nullptr);

    /// First: this process now answers later starts. Second: another one got the wish; end. Alone: nobody answered and
    /// no socket could be made; go on without.
    [[nodiscard]] Role claim(const QString& modelPath);

signals:
    void secondStarted(const QString& modelPath);

private:
    [[nodiscard]] bool handOver(const QString& modelPath) const;
    void accept();

    QString m_socket;
    QLocalServer m_server;
};

} // namespace hearth::app
