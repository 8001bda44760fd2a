// SPDX-License-Identifier: Apache-2.0
//
// EngineClient: the window's hand on the engine thread. Commands return at once with a request id; the answer comes as
// signals with that id. Every id gets exactly one final signal (modelLoaded | modelLoadFailed, generationFinished |
// generationFailed, modelUnloaded, devicesListed, tokensCounted), also when it is cancelled and when the client is shut down. Signals of an id that
// has ended, and progress of a load that a newer one replaced, are dropped. After shutdown commands do nothing and
// return 0. Thread: GUI. The only thing that both threads touch is each request's std::stop_source.
#pragma once

#include "ui/bridge/engine_worker.h"
#include "ui/bridge/token_coalescer.h"

#include <QObject>
#include <QThread>

#include <map>
#include <optional>
#include <stop_token>

namespace hearth::ui {

class EngineClient : public TaskReceiver {
    Q_OBJECT
public:
    explicit EngineClient(EngineFactory factory, QObject* parent = nullptr);
    ~EngineClient() override;

    /// Stops whatever runs or waits, then loads.
    RequestId load(const core::LoadRequest& request);
    /// Runs after what was asked before it. `request.id` is filled in here.
    RequestId generate(core::GenerationRequest request);
    RequestId unload();
    enum class GpuTry { AsKnown, Again };
    /// Every device, with the one for `wanted` marked (core/engine/devices.h). Again: forget first what failed.
    RequestId listDevices(const QString& wanted, GpuTry gpuTry = GpuTry::AsKnown);
    /// Tokens of these messages as a prompt of the loaded model, after what was asked before it.
    RequestId countTokens(std::vector<core::ChatMessage> messages);
    /// Reaches the engine directly, not through its queue: < 250 ms in every phase.
    void cancel(RequestId id);
    void cancelAll();

    /// Stops everything, joins the thread, delivers the outstanding final signals. The destructor does it too.
    void shutdown();

    [[nodiscard]] const std::optional<core::ModelInfo>& model() const { return m_model; }
    [[nodiscard]] bool isLoading() const { return m_currentLoad != 0; }
    [[nodiscard]] RequestId currentLoad() const { return m_currentLoad; }

signals:
    void loadStarted(hearth::ui::RequestId id, const QString& path);
    void loadProgressed(hearth::ui::RequestId id, const hearth::core::LoadProgress& progress);
    void modelLoaded(hearth::ui::RequestId id, const hearth::core::ModelInfo& info);
    void modelLoadFailed(hearth::ui::RequestId id, const hearth::core::Error& error);
    void modelUnloaded(hearth::ui::RequestId id);
    /// Empty when it was cancelled, or the engine has no devices to choose from.
    void devicesListed(hearth::ui::RequestId id, const hearth::core::DeviceList& list);

    /// -1 = unknown: no model, or it was cancelled.
    void tokensCounted(hearth::ui::RequestId id, int tokens);
    void promptProgressed(hearth::ui::RequestId id, const hearth::core::PromptProgress& progress);
    /// At most one per 16 ms.
    void textGenerated(hearth::ui::RequestId id, const QString& text);
    void statsUpdated(hearth::ui::RequestId id, const hearth::core::GenerationStats& stats);
    /// The GPU failed in this reply; the CPU carries it on. model() is the new one.
    void backendChanged(hearth::ui::RequestId id, const hearth::core::ModelInfo& info);
    void generationFinished(hearth::ui::RequestId id, const hearth::core::GenerationResult& result);
    void generationFailed(hearth::ui::RequestId id, const hearth::core::Error& error);

private:
    enum class Kind { Load, Generate, Unload, Devices, Count };
    struct Pending {
        Kind kind;
        std::stop_source stop;
    };

    RequestId begin(Kind kind);
    /// Forgets the request; false when its final signal was given before.
    bool end(RequestId id);
    void connectWorker();
    void finishCancelled(RequestId id, Kind kind);

    QThread m_thread;
    EngineWorker* m_worker; ///< lives on m_thread and is deleted there
    TokenCoalescer m_coalescer;
    std::map<RequestId, Pending> m_pending;
    RequestId m_lastId = 0;
    RequestId m_currentLoad = 0;
    std::optional<core::ModelInfo> m_model;
};

} // namespace hearth::ui
