// SPDX-License-Identifier: Apache-2.0
#include "core/engine/scripted_generator.h"

#include <condition_variable>
#include <mutex>

namespace hearth::core {

namespace {

using Clock = std::chrono::steady_clock;

/// False when the stop came first.
bool sleepUnlessStopped(std::chrono::milliseconds time, const std::stop_token& stop) {
    if (time.count() == 0) return !stop.stop_requested();
    std::mutex mutex;
    std::condition_variable_any wakeUp;
    std::unique_lock lock(mutex);
    wakeUp.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

} // namespace

ScriptedGenerator::ScriptedGenerator(Script script)
    : m_script(std::move(script)) {}

Result<ModelInfo> ScriptedGenerator::load(const LoadRequest& request,
                                          const std::function<void(const LoadProgress&)>& progress,
                                          std::stop_token stop) {
    constexpr int kSteps = 10;
    constexpr std::uint64_t kBytes = 1'000'000;
    m_loaded = false;
    for (int step = 1; step <= kSteps; ++step) {
        if (!sleepUnlessStopped(m_script.loadTime / kSteps, stop)) {
            return fail(ErrorCode::Cancelled, "the load was cancelled");
        }
        if (progress) progress({float(step) / kSteps, kBytes * step / kSteps, kBytes});
    }
    if (m_script.loadError) return std::unexpected(*m_script.loadError);
    m_loaded = true;
    ModelInfo info = m_script.model;
    info.path = request.path;
    if (info.contextLength == 0) info.contextLength = request.contextLength > 0 ? request.contextLength : 2048;
    return info;
}

void ScriptedGenerator::unload() {
    m_loaded = false;
}

Result<std::int32_t> ScriptedGenerator::countTokens(const std::vector<ChatMessage>& messages) {
    if (!m_loaded) return fail(ErrorCode::NoModelLoaded, "count before load");
    std::size_t tokens = 0;
    for (const ChatMessage& message : messages) tokens += 4 + (message.text.size() + 3) / 4;
    return static_cast<std::int32_t>(tokens);
}

Result<GenerationResult> ScriptedGenerator::generate(const GenerationRequest& request, const GenerationEvents& events,
                                                     std::stop_token stop) {
    if (!m_loaded) return fail(ErrorCode::NoModelLoaded, "generate before load");
    const auto start = Clock::now();
    GenerationResult result;
    GenerationStats& stats = result.stats;
    stats.promptTokens = std::int32_t(request.messages.size()) * 8; // any figure that grows with the conversation
    stats.contextUsed = stats.promptTokens;
    stats.contextLength = m_script.model.contextLength > 0 ? m_script.model.contextLength : 2048;
    stats.seed = request.sampling.seed;
    if (events.promptProgress) events.promptProgress({stats.promptTokens, stats.promptTokens});

    for (const std::string& piece : m_script.pieces) {
        if (m_script.generateError && stats.generatedTokens >= m_script.errorAfterPieces) break;
        if (request.maxTokens > 0 && stats.generatedTokens >= request.maxTokens) {
            result.reason = FinishReason::TokenLimit;
            return result;
        }
        if (!sleepUnlessStopped(m_script.perPiece, stop)) {
            result.reason = FinishReason::Cancelled;
            return result;
        }
        if (m_script.takeOver && stats.generatedTokens == 1) {
            result.notices.push_back(m_script.takeOver->backendReason);
            if (events.backendChanged) events.backendChanged(*m_script.takeOver);
        }
        if (events.text) events.text(piece);
        if (stats.generatedTokens == 0) stats.firstTokenSeconds = secondsSince(start);
        ++stats.generatedTokens;
        ++stats.contextUsed;
        stats.generationSeconds = secondsSince(start);
        if (events.stats) events.stats(stats);
    }
    if (m_script.generateError) return std::unexpected(*m_script.generateError);
    return result;
}

} // namespace hearth::core
