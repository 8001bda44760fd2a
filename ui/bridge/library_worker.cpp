// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/library_worker.h"

#include "core/base/log.h"
#include "core/catalog/model_stores.h"

#include <QFile>

#include <exception>
#include <filesystem>

namespace hearth::ui {

void LibraryWorker::scan(RequestId id, const QStringList& places, bool otherStores, const std::stop_token& stop) {
    std::vector<std::filesystem::path> paths;
    for (const QString& place : places)
        paths.emplace_back(QFile::encodeName(place).toStdString());
    ModelCards cards;
    try {
        const auto environment = core::StoreEnvironment::ofProcess();
        if (otherStores) {
            for (const core::ModelStore& store : core::modelStores(environment))
                paths.push_back(store.folder);
        }
        cards = core::ModelLibrary::scan(paths, stop);
        for (const core::NamedModel& model : otherStores ? core::ollamaModels(environment) : std::vector<core::NamedModel>{}) {
            if (stop.stop_requested()) break;
            core::ModelCard& card = cards.emplace_back(core::ModelLibrary::inspect(model.file));
            card.name = model.name; // the file's own name is a checksum
        }
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

void LibraryClient::scan(const QStringList& places, OtherStores otherStores) {
    m_stop.request_stop();
    m_stop = std::stop_source{};
    emit scanStarted();
    postTask(m_worker, [worker = m_worker, id = ++m_current, places, others = otherStores == OtherStores::Use, stop = m_stop.get_token()] {
        worker->scan(id, places, others, stop);
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
