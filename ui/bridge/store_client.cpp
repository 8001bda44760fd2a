// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/store_client.h"

#include <QCoreApplication>

namespace hearth::ui {

StoreClient::StoreClient(std::filesystem::path path, QObject* parent)
    : QObject(parent)
    , m_worker(new StoreWorker) {
    m_thread.setObjectName("store");
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    m_thread.start();
    QMetaObject::invokeMethod(
        m_worker,
        [this, worker = m_worker, path = std::move(path)] {
            const StoreOpening opening = worker->open(path);
            QMetaObject::invokeMethod(
                this, [this, opening] { emit opened(opening); }, Qt::QueuedConnection);
        },
        Qt::QueuedConnection);
}

StoreClient::~StoreClient() {
    shutdown();
}

void StoreClient::shutdown() {
    if (!m_thread.isRunning()) return;
    // Queued last, so everything asked for before is on disk when the thread ends.
    QMetaObject::invokeMethod(
        m_worker, [thread = &m_thread] { thread->quit(); }, Qt::QueuedConnection);
    m_thread.wait();
    QCoreApplication::sendPostedEvents(this, QEvent::MetaCall);
}

} // namespace hearth::ui
