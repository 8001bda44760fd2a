// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/store_client.h"

namespace hearth::ui {

StoreClient::StoreClient(std::filesystem::path path, QObject* parent)
    : TaskReceiver(parent)
    , m_worker(new StoreWorker) {
    m_thread.setObjectName("store");
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    m_thread.start();
    postTask(m_worker, [this, worker = m_worker, path = std::move(path)] {
        const StoreOpening opening = worker->open(path);
        postTask(this, [this, opening] { emit opened(opening); });
    });
}

StoreClient::~StoreClient() {
    shutdown();
}

void StoreClient::shutdown() {
    if (!m_thread.isRunning()) return;
    // Queued last, so everything asked for before is on disk when the thread ends.
    postTask(m_worker, [thread = &m_thread] { thread->quit(); });
    m_thread.wait();
    runPostedTasks();
}

} // namespace hearth::ui
