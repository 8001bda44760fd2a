// SPDX-License-Identifier: Apache-2.0
//
// EngineWorker: runs a TextGenerator on the engine thread and turns its results into signals. Every command ends in
// exactly one final signal with its id: modelLoaded or modelLoadFailed, generationFinished or generationFailed,
// modelUnloaded, devicesListed, tokensCounted.
// Thread: engine. Only EngineClient talks to it.
#pragma once

#include "core/engine/text_generator.h"
#include "ui/bridge/meta_types.h"
#include "ui/bridge/task_event.h"

#include <QObject>
#include <QString>

#include <functional>
#include <memory>
#include <stop_token>

namespace hearth::ui {

/// Called on the engine thread at the first command, so that nothing is probed before the window stands.
using EngineFactory = std::function<std::unique_ptr<core::TextGenerator>()>;

class EngineWorker : public TaskReceiver {
    Q_OBJECT
public:
    explicit EngineWorker(EngineFactory factory);

    void load(RequestId id, const core::LoadRequest& request, const std::stop_token& stop);
    void generate(const core::GenerationRequest& request, const std::stop_token& stop);
    void unload(RequestId id);
    void listDevices(RequestId id, const std::string& wanted, bool tryAgain, const std::stop_token& stop);

    void countTokens(RequestId id, const std::vector<core::ChatMessage>& messages, const std::stop_token& stop);

signals:
    /// -1 = unknown.
    void tokensCounted(hearth::ui::RequestId id, int tokens);
    void loadProgressed(hearth::ui::RequestId id, const hearth::core::LoadProgress& progress);
    void modelLoaded(hearth::ui::RequestId id, const hearth::core::ModelInfo& info);
    void modelLoadFailed(hearth::ui::RequestId id, const hearth::core::Error& error);
    void modelUnloaded(hearth::ui::RequestId id);
    void devicesListed(hearth::ui::RequestId id, const hearth::core::DeviceList& list);

    void promptProgressed(hearth::ui::RequestId id, const hearth::core::PromptProgress& progress);
    void textGenerated(hearth::ui::RequestId id, const QString& text);
    void statsUpdated(hearth::ui::RequestId id, const hearth::core::GenerationStats& stats);
    void backendChanged(hearth::ui::RequestId id, const hearth::core::ModelInfo& info);
    void generationFinished(hearth::ui::RequestId id, const hearth::core::GenerationResult& result);
    void generationFailed(hearth::ui::RequestId id, const hearth::core::Error& error);

private:
    core::TextGenerator& generator();

    EngineFactory m_factory;
    std::unique_ptr<core::TextGenerator> m_generator;
};

} // namespace hearth::ui
