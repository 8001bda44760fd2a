// SPDX-License-Identifier: Apache-2.0
#include "app/cli/commands.h"
#include "app/cli/engine_setup.h"
#include "core/engine/gpu_marker.h"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <stop_token>
#include <string>

namespace hearth::app::cli {

namespace {

std::atomic<bool> g_interrupted = false; // Ctrl+C ends the reply, a second one the program

void onInterrupt(int) {
    if (!g_interrupted.exchange(true)) return;
    core::GpuMarker::removeNow();
    std::_Exit(130);
}

std::string_view reasonText(core::FinishReason reason) {
    switch (reason) {
    case core::FinishReason::EndOfText: return "finished";
    case core::FinishReason::StopString: return "finished at a stop string";
    case core::FinishReason::TokenLimit: return "stopped at the token limit";
    case core::FinishReason::ContextFull: return "stopped: the context is full";
    case core::FinishReason::Cancelled: return "stopped";
    }
    return "";
}

void printStats(const core::GenerationResult& result) {
    const core::GenerationStats& stats = result.stats;
    const int computed = stats.promptTokens - stats.cachedTokens;
    fmt::print(stderr, "[{}; prompt {} tokens, {} from the cache, {:.1f} tokens/s; first token {:.2f} s; generated {} at {:.1f} tokens/s; context {} / {}]\n",
               reasonText(result.reason), stats.promptTokens, stats.cachedTokens, stats.promptSeconds > 0 ? computed / stats.promptSeconds : 0.0,
               stats.firstTokenSeconds, stats.generatedTokens, stats.generationSeconds > 0 ? stats.generatedTokens / stats.generationSeconds : 0.0,
               stats.contextUsed, stats.contextLength);
}

/// One reply to `messages`; its text is printed as it comes and returned.
core::Result<std::string> answer(core::Engine& engine, const std::vector<core::ChatMessage>& messages, const ChatArguments& arguments) {
    core::GenerationRequest request;
    request.messages = messages;
    request.sampling = arguments.sampling;
    request.maxTokens = arguments.maxTokens;
    for (const auto& [file, text] : {std::pair(&arguments.grammar, &request.grammar), std::pair(&arguments.jsonSchema, &request.jsonSchema)}) {
        if (file->empty()) continue;
        auto read = readText(*file);
        if (!read) return std::unexpected(read.error());
        *text = std::move(*read);
    }
    std::string reply;
    std::stop_source stop;
    core::GenerationEvents events;
    events.text = [&reply](std::string_view text) {
        reply += text;
        fmt::print("{}", text);
        std::fflush(stdout);
    };
    events.promptProgress = [&stop](const core::PromptProgress&) {
        if (g_interrupted) stop.request_stop();
    };
    events.stats = [&stop](const core::GenerationStats&) {
        if (g_interrupted) stop.request_stop();
    };
    g_interrupted = false;
    auto result = engine.generate(request, events, stop.get_token());
    fmt::print("\n");
    if (!result) return std::unexpected(result.error());
    for (const std::string& notice : result->notices) fmt::print(stderr, "[{}]\n", notice);
    if (arguments.stats) printStats(*result);
    if (result->reason == core::FinishReason::ContextFull) fmt::print(stderr, "[the context of {} tokens is full]\n", result->stats.contextLength);
    if (result->stats.droppedMessages > 0) fmt::print(stderr, "[the oldest {} messages no longer fit the context and were left out]\n", result->stats.droppedMessages);
    return reply;
}

} // namespace

int chat(const ChatArguments& arguments) {
    auto loaded = loadEngine(arguments);
    if (!loaded) return report(loaded.error());
    for (const std::string& notice : loaded->info.notices) fmt::print(stderr, "[{}]\n", notice);
    if (loaded->info.fallback) fmt::print(stderr, "[{}]\n", loaded->info.backendReason);
    std::signal(SIGINT, onInterrupt);

    std::vector<core::ChatMessage> messages;
    if (!arguments.system.empty()) messages.push_back({core::Role::System, arguments.system});
    if (!arguments.prompt.empty()) {
        messages.push_back({core::Role::User, arguments.prompt});
        auto reply = answer(*loaded->engine, messages, arguments);
        return reply ? 0 : report(reply.error());
    }
    fmt::print(stderr, "{} ({}). Ctrl+D ends.\n", loaded->info.name, loaded->info.quantization);
    std::string line;
    while (fmt::print(stderr, "> "), std::getline(std::cin, line)) {
        if (line.empty()) continue;
        messages.push_back({core::Role::User, line});
        auto reply = answer(*loaded->engine, messages, arguments);
        if (!reply) {
            report(reply.error());
            messages.pop_back();
            continue;
        }
        messages.push_back({core::Role::Assistant, *reply});
    }
    return 0;
}

} // namespace hearth::app::cli
