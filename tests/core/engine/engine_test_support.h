// SPDX-License-Identifier: Apache-2.0
//
// Shared by the engine's tests: a request, and what came back for it.
#pragma once

#include "core/engine/engine.h"

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace hearth::test {

inline core::ChatMessage fromSystem(std::string text) { return {core::Role::System, std::move(text)}; }
inline core::ChatMessage fromUser(std::string text) { return {core::Role::User, std::move(text)}; }
inline core::ChatMessage fromAssistant(std::string text) { return {core::Role::Assistant, std::move(text)}; }

/// Greedy, so that two replies can be compared.
inline core::GenerationRequest request(std::vector<core::ChatMessage> messages, std::int32_t maxTokens = 24) {
    core::GenerationRequest request;
    request.messages = std::move(messages);
    request.sampling.temperature = 0.0f;
    request.maxTokens = maxTokens;
    return request;
}

struct Reply {
    core::Result<core::GenerationResult> result;
    std::string text;
    std::vector<core::PromptProgress> progress;
    int pieces = 0;
    core::ReplyParts parts; ///< as they came

    [[nodiscard]] bool ok() const { return result.has_value(); }
    [[nodiscard]] const core::GenerationStats& stats() const { return result->stats; }
    [[nodiscard]] int reason() const { return result ? static_cast<int>(result->reason) : -1; }
    [[nodiscard]] int error() const { return result ? -1 : static_cast<int>(result.error().code); }
};

/// What a test does at a moment of the generation, for example requesting the stop.
struct Hooks {
    std::function<void(const core::PromptProgress&)> promptProgress;
    std::function<void(std::string_view)> text;
};

inline Reply ask(core::Engine& engine, const core::GenerationRequest& request, std::stop_token stop = {}, const Hooks& hooks = {}) {
    Reply reply{.result = core::fail(core::ErrorCode::Internal, "not asked yet"), .text = {}, .progress = {}};
    core::GenerationEvents events;
    events.promptProgress = [&](const core::PromptProgress& progress) {
        reply.progress.push_back(progress);
        if (hooks.promptProgress) hooks.promptProgress(progress);
    };
    events.text = [&](std::string_view text) {
        reply.text += text;
        ++reply.pieces;
        if (hooks.text) hooks.text(text);
    };
    events.part = [&](const core::ReplyDelta& delta) { reply.parts.add(delta); };
    reply.result = engine.generate(request, events, std::move(stop));
    return reply;
}

inline core::Result<core::ModelInfo> load(core::Engine& engine, const std::filesystem::path& path, std::int32_t context = 0) {
    return engine.load({.path = path.string(), .contextLength = context, .threads = 1}, {}, {});
}

/// The answer of an engine that has seen nothing else.
inline Reply askFresh(const std::filesystem::path& path, const core::GenerationRequest& request, std::int32_t context = 0) {
    core::Engine engine;
    if (auto loaded = load(engine, path, context); !loaded) return {.result = std::unexpected(loaded.error()), .text = {}, .progress = {}};
    return ask(engine, request);
}

constexpr int code(core::ErrorCode value) { return static_cast<int>(value); }
constexpr int code(core::FinishReason value) { return static_cast<int>(value); }

template <class T>
int errorOf(const core::Result<T>& result) {
    return result ? -1 : static_cast<int>(result.error().code);
}

} // namespace hearth::test
