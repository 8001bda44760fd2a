// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/library_worker.h"

#include "core/base/log.h"

#include <QFile>

#include <exception>
#include <filesystem>

namespace hearth::ui {

void LibraryWorker::scan(RequestId id, const QStringList& folders, const std::stop_token& stop) {
    std::vector<std::filesystem::path> paths;
    for (const QString& folder : folders)
        paths.emplace_back(QFile::encodeName(folder).toStdString());
    ModelCards cards;
    try {
        cards = core::ModelLibrary::scan(paths, stop);
    } catch (const std::exception& exception) {
        spdlog::warn("model folders: {}", exception.what());
    }
    emit scanned(id, cards);
}

void LibraryWorker::inspect(const QString& path) {
    try {
        emit inspected(core::ModelLibrary::inspect(QFile::encodeName(path).toStdString()));
    } catch (const std::exception& exception) {
        spdlog::warn("{}: {}", path.toStdString(), exception.what());
    }
}

LibraryClient::LibraryClient(QObject* parent)
    : TaskReceiver(parent)
    , m_worker(new LibraryWorker) {
    m_thread.setObjectName("library");
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    relay(m_worker, &LibraryWorker::scanned, this, [this](RequestId id, const ModelCards& cards) {
        if (id == m_current) emit scanned(cards);
    });
    relay(m_worker, &LibraryWorker::inspected, this, [this](const core::ModelCard& card) { emit inspected(card); });
    m_thread.start(QThread::LowPriority);
}

LibraryClient::~LibraryClient() {
    shutdown();
}

void LibraryClient::scan(const QStringList& folders) {
    m_stop.request_stop();
    m_stop = std::stop_source{};
    emit scanStarted();
    postTask(m_worker, [worker = m_worker, id = ++m_current, folders, stop = m_stop.get_token()] {
        worker->scan(id, folders, stop);
    });
}

void LibraryClient::inspect(const QString& path) {
    postTask(m_worker, [worker = m_worker, path] { worker->inspect(path); });
}

void LibraryClient::shutdown() {
    m_stop.request_stop();
    m_thread.quit();
    m_thread.wait();
}

QString LibraryClient::defaultFolder() {
    return QFile::decodeName(core::ModelLibrary::defaultFolder().string().c_str());
}

} // namespace hearth::ui
