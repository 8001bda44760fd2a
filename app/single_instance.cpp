// SPDX-License-Identifier: Apache-2.0
#include "app/single_instance.h"

#include "core/base/log.h"

#include <QCryptographicHash>
#include <QDir>
#include <QLocalSocket>
#include <QStandardPaths>

#include <unistd.h>

namespace hearth::app {

namespace {

constexpr int kPatienceMs = 2000; ///< the first window may be busy, or still starting
constexpr qint64 kLongestWish = 64 * 1024;
constexpr char kAnswer = '!';

} // namespace

SingleInstance::SingleInstance(const QString& identity, QObject* parent)
    : QObject(parent) {
    // A short name in the user's own runtime folder: a socket's path is limited to about 100 bytes.
    const QByteArray hash = QCryptographicHash::hash(identity.toUtf8(), QCryptographicHash::Sha256).toHex().left(16);
    const QString runtime = QStandardPaths::writableLocation(QStandardPaths::RuntimeLocation);
    const QString folder = runtime.isEmpty() ? QDir::tempPath() : runtime;
    m_socket = QStringLiteral("%1/hearth-%2-%3").arg(folder).arg(getuid()).arg(QString::fromLatin1(hash));
    m_server.setSocketOptions(QLocalServer::UserAccessOption);
    connect(&m_server, &QLocalServer::newConnection, this, &SingleInstance::accept);
}

SingleInstance::Role SingleInstance::claim(const QString& modelPath) {
    if (handOver(modelPath)) return Role::Second;
    if (m_server.listen(m_socket)) return Role::First;
    // The socket file of a process that was killed: nobody answered, so it may go.
    QLocalServer::removeServer(m_socket);
    if (m_server.listen(m_socket)) return Role::First;
    spdlog::warn("no single-instance socket at {}: {}", m_socket.toStdString(), m_server.errorString().toStdString());
    return Role::Alone;
}

bool SingleInstance::handOver(const QString& modelPath) const {
    QLocalSocket socket;
    socket.connectToServer(m_socket);
    if (!socket.waitForConnected(kPatienceMs)) return false;
    socket.write(modelPath.toUtf8() + '\n');
    if (!socket.waitForBytesWritten(kPatienceMs)) return false;
    // Only an answer proves that somebody listens.
    return socket.waitForReadyRead(kPatienceMs) && socket.read(1) == QByteArray(1, kAnswer);
}

void SingleInstance::accept() {
    while (QLocalSocket* socket = m_server.nextPendingConnection()) {
        connect(socket, &QLocalSocket::disconnected, socket, &QObject::deleteLater);
        connect(socket, &QLocalSocket::readyRead, this, [this, socket] {
            if (!socket->canReadLine()) {
                if (socket->bytesAvailable() > kLongestWish) socket->abort();
                return;
            }
            const QString wish = QString::fromUtf8(socket->readLine(kLongestWish)).chopped(1);
            socket->write(QByteArray(1, kAnswer));
            socket->flush();
            socket->disconnectFromServer();
            emit secondStarted(wish);
        });
    }
}

} // namespace hearth::app
