// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/engine_worker.h"

#include <exception>
#include <new>

namespace hearth::ui {

namespace {

/// The one place where exceptions of the engine end (style: caught once, at the worker's slot).
template <class T, class Work>
core::Result<T> guarded(const std::stop_token& stop, Work work) {
    if (stop.stop_requested()) return core::fail(core::ErrorCode::Cancelled, "cancelled before it began");
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return core::fail(core::ErrorCode::OutOfMemory, "an allocation failed in the engine");
    } catch (const std::exception& exception) {
        return core::fail(core::ErrorCode::Internal, exception.what());
    }
}

} // namespace

EngineWorker::EngineWorker(EngineFactory factory)
    : m_factory(std::move(factory)) {}

core::TextGenerator& EngineWorker::generator() {
    if (!m_generator) m_generator = m_factory();
    return *m_generator;
}

void EngineWorker::load(RequestId id, const core::LoadRequest& request, const std::stop_token& stop) {
    const auto progress = [this, id](const core::LoadProgress& value) { emit loadProgressed(id, value); };
    const auto info = guarded<core::ModelInfo>(stop, [&] { return generator().load(request, progress, stop); });
    if (info) {
        emit modelLoaded(id, *info);
    } else {
        emit modelLoadFailed(id, info.error());
    }
}

void EngineWorker::generate(const core::GenerationRequest& request, const std::stop_token& stop) {
    const RequestId id = request.id;
    core::GenerationEvents events;
    events.promptProgress = [this, id](const core::PromptProgress& value) { emit promptProgressed(id, value); };
    events.text = [this, id](std::string_view text) {
        emit textGenerated(id, QString::fromUtf8(text.data(), qsizetype(text.size())));
    };
    events.stats = [this, id](const core::GenerationStats& value) { emit statsUpdated(id, value); };
    events.backendChanged = [this, id](const core::ModelInfo& info) { emit backendChanged(id, info); };
    const auto result =
        guarded<core::GenerationResult>(stop, [&] { return generator().generate(request, events, stop); });
    if (result) {
        emit generationFinished(id, *result);
    } else {
        emit generationFailed(id, result.error());
    }
}

void EngineWorker::listDevices(RequestId id, const std::string& wanted, bool tryAgain, const std::stop_token& stop) {
    const auto list = guarded<core::DeviceList>(stop, [&] {
        if (tryAgain) generator().retryGpus();
        return generator().devices(wanted, stop);
    });
    emit devicesListed(id, list ? *list : core::DeviceList{});
}

void EngineWorker::countTokens(RequestId id, const std::vector<core::ChatMessage>& messages, const std::stop_token& stop) {
    const auto tokens = guarded<std::int32_t>(stop, [&] { return generator().countTokens(messages); });
    emit tokensCounted(id, tokens ? *tokens : -1);
}

void EngineWorker::unload(RequestId id) {
    if (m_generator) m_generator->unload();
    emit modelUnloaded(id);
}

} // namespace hearth::ui
