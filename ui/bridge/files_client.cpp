// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/files_client.h"

namespace hearth::ui {

FilesClient::FilesClient(QObject* parent)
    : TaskReceiver(parent)
    , m_worker(new TaskReceiver) {
    m_thread.setObjectName("files");
    m_worker->moveToThread(&m_thread);
}

FilesClient::~FilesClient() {
    shutdown();
}

void FilesClient::shutdown() {
    if (m_worker == nullptr) return;
    m_thread.quit();
    m_thread.wait();
    delete std::exchange(m_worker, nullptr); // its thread has ended: nobody else touches it
}

} // namespace hearth::ui
