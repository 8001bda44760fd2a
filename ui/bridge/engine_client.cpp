// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/engine_client.h"

#include <utility>

namespace hearth::ui {

EngineClient::EngineClient(EngineFactory factory, QObject* parent)
    : TaskReceiver(parent)
    , m_worker(new EngineWorker(std::move(factory))) {
    m_thread.setObjectName("engine");
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    connectWorker();
    connect(&m_coalescer, &TokenCoalescer::textReady, this, &EngineClient::textGenerated);
    connect(&m_coalescer, &TokenCoalescer::statsReady, this, &EngineClient::statsUpdated);
    m_thread.start();
}

EngineClient::~EngineClient() {
    shutdown();
}

void EngineClient::connectWorker() {
    relay(m_worker, &EngineWorker::loadProgressed, this, [this](RequestId id, const core::LoadProgress& progress) {
        if (id == m_currentLoad) emit loadProgressed(id, progress);
    });
    relay(m_worker, &EngineWorker::modelLoaded, this, [this](RequestId id, const core::ModelInfo& info) {
        const bool current = id == m_currentLoad; // else a newer load or unload was asked for meanwhile
        if (!end(id)) return;
        if (!current) return finishCancelled(id, Kind::Load);
        m_model = info;
        emit modelLoaded(id, info);
    });
    relay(m_worker, &EngineWorker::modelLoadFailed, this, [this](RequestId id, const core::Error& error) {
        if (end(id)) emit modelLoadFailed(id, error);
    });
    relay(m_worker, &EngineWorker::modelUnloaded, this, [this](RequestId id) {
        if (end(id)) emit modelUnloaded(id);
    });
    relay(m_worker, &EngineWorker::devicesListed, this, [this](RequestId id, const core::DeviceList& list) {
        if (end(id)) emit devicesListed(id, list);
    });
    relay(m_worker, &EngineWorker::tokensCounted, this, [this](RequestId id, int tokens) {
        if (end(id)) emit tokensCounted(id, tokens);
    });
    relay(m_worker, &EngineWorker::promptProgressed, this, [this](RequestId id, const core::PromptProgress& progress) {
        if (m_pending.contains(id)) emit promptProgressed(id, progress);
    });
    relay(m_worker, &EngineWorker::textGenerated, this, [this](RequestId id, const QString& text) {
        if (m_pending.contains(id)) m_coalescer.addText(id, text);
    });
    relay(m_worker, &EngineWorker::statsUpdated, this, [this](RequestId id, const core::GenerationStats& stats) {
        if (m_pending.contains(id)) m_coalescer.addStats(id, stats);
    });
    relay(m_worker, &EngineWorker::backendChanged, this, [this](RequestId id, const core::ModelInfo& info) {
        if (!m_model || m_currentLoad != 0) return; // another model is wanted by now
        m_model = info;
        emit backendChanged(id, info);
    });
    relay(m_worker, &EngineWorker::generationFinished, this,
          [this](RequestId id, const core::GenerationResult& result) {
              m_coalescer.flush();
              if (end(id)) emit generationFinished(id, result);
          });
    relay(m_worker, &EngineWorker::generationFailed, this, [this](RequestId id, const core::Error& error) {
        m_coalescer.flush();
        if (end(id)) emit generationFailed(id, error);
    });
}

RequestId EngineClient::begin(Kind kind) {
    m_pending.emplace(++m_lastId, Pending{kind, std::stop_source{}});
    return m_lastId;
}

bool EngineClient::end(RequestId id) {
    if (id == m_currentLoad) m_currentLoad = 0;
    return m_pending.erase(id) > 0;
}

RequestId EngineClient::load(const core::LoadRequest& request) {
    if (!m_thread.isRunning()) return 0;
    cancelAll();
    const RequestId id = begin(Kind::Load);
    m_currentLoad = id;
    m_model.reset(); // the engine drops the old model first
    emit loadStarted(id, QString::fromStdString(request.path));
    postTask(m_worker, [worker = m_worker, id, request, stop = m_pending.at(id).stop.get_token()] {
        worker->load(id, request, stop);
    });
    return id;
}

RequestId EngineClient::generate(core::GenerationRequest request) {
    if (!m_thread.isRunning()) return 0;
    request.id = begin(Kind::Generate);
    const RequestId id = request.id;
    postTask(m_worker, [worker = m_worker, request = std::move(request), stop = m_pending.at(id).stop.get_token()] {
        worker->generate(request, stop);
    });
    return id;
}

RequestId EngineClient::unload() {
    if (!m_thread.isRunning()) return 0;
    cancelAll();
    const RequestId id = begin(Kind::Unload);
    m_currentLoad = 0;
    m_model.reset();
    postTask(m_worker, [worker = m_worker, id] { worker->unload(id); });
    return id;
}

RequestId EngineClient::listDevices(const QString& wanted, GpuTry gpuTry) {
    if (!m_thread.isRunning()) return 0;
    const RequestId id = begin(Kind::Devices);
    postTask(m_worker, [worker = m_worker, id, wanted = wanted.toStdString(), again = gpuTry == GpuTry::Again, stop = m_pending.at(id).stop.get_token()] {
        worker->listDevices(id, wanted, again, stop);
    });
    return id;
}

RequestId EngineClient::countTokens(std::vector<core::ChatMessage> messages) {
    if (!m_thread.isRunning()) return 0;
    const RequestId id = begin(Kind::Count);
    postTask(m_worker, [worker = m_worker, id, messages = std::move(messages), stop = m_pending.at(id).stop.get_token()] {
        worker->countTokens(id, messages, stop);
    });
    return id;
}

void EngineClient::cancel(RequestId id) {
    if (const auto found = m_pending.find(id); found != m_pending.end()) found->second.stop.request_stop();
}

void EngineClient::cancelAll() {
    for (auto& [id, pending] : m_pending)
        pending.stop.request_stop();
}

void EngineClient::finishCancelled(RequestId id, Kind kind) {
    const core::Error cancelled{core::ErrorCode::Cancelled, "replaced by a newer request, or the program is closing"};
    switch (kind) {
    case Kind::Load:
        emit modelLoadFailed(id, cancelled);
        break;
    case Kind::Generate:
        emit generationFailed(id, cancelled);
        break;
    case Kind::Unload:
        emit modelUnloaded(id);
        break;
    case Kind::Devices:
        emit devicesListed(id, {});
        break;
    case Kind::Count:
        emit tokensCounted(id, -1);
        break;
    }
}

void EngineClient::shutdown() {
    if (!m_thread.isRunning()) return;
    cancelAll();
    m_thread.quit();
    m_thread.wait();
    // What the worker sent before it ended still waits in our queue: deliver it, so that no word of a reply is lost.
    runPostedTasks();
    m_coalescer.flush();
    m_currentLoad = 0;
    m_model.reset();
    for (const auto& [id, pending] : std::exchange(m_pending, {}))
        finishCancelled(id, pending.kind);
}

} // namespace hearth::ui
