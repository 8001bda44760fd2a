// SPDX-License-Identifier: Apache-2.0
//
// bench: tokens per second, each against what the machine could do at most in the same run. Decoding reads every weight
// (and the cached keys and values) once per token, so its bound is the measured read bandwidth over those bytes.
#include "app/cli/commands.h"
#include "app/cli/engine_setup.h"
#include "app/cli/memory_bandwidth.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace hearth::app::cli {

namespace {

double secondsOf(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Any ids do: the arithmetic does not depend on them. A fixed pattern makes runs comparable.
std::vector<core::TokenId> someIds(int count, int vocabulary) {
    std::vector<core::TokenId> ids(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<core::TokenId>((i * 7919 + 13) % static_cast<std::size_t>(vocabulary));
    return ids;
}

} // namespace

int bench(const BenchArguments& arguments) {
    auto loaded = loadEngine(arguments, std::max(arguments.prompt, arguments.depth + arguments.generate) + 1);
    if (!loaded) return report(loaded.error());
    core::Engine& engine = *loaded->engine;
    const core::ModelInfo& info = loaded->info;
    const double bandwidth = measureReadBandwidth(info.threads, arguments.bandwidthMegabytes);

    double promptSpeed = 0.0;
    double generationSpeed = 0.0;
    core::Result<void> status;
    const auto promptIds = someIds(arguments.prompt, info.vocabularySize);
    const auto depthIds = someIds(std::max(arguments.depth, 1), info.vocabularySize);
    const auto generatedIds = someIds(arguments.generate, info.vocabularySize);
    for (int run = 0; run < arguments.repeats; ++run) {
        const double promptSeconds = secondsOf([&] { status = engine.prefill(promptIds); });
        if (!status) return report(status.error());
        promptSpeed = std::max(promptSpeed, arguments.prompt / promptSeconds);

        if (status = engine.prefill(depthIds); !status) return report(status.error());
        const double generationSeconds = secondsOf([&] {
            for (const core::TokenId id : generatedIds) {
                if (auto row = engine.decodeStep(id); !row) status = std::unexpected(row.error());
            }
        });
        if (!status) return report(status.error());
        generationSpeed = std::max(generationSpeed, arguments.generate / generationSeconds);
    }

    const double kvBytesPerToken = static_cast<double>(info.kvBytes) / std::max(info.contextLength, 1);
    const double bytesPerToken = static_cast<double>(engine.weightBytesPerToken()) + kvBytesPerToken * (arguments.depth + arguments.generate / 2.0);
    const double limit = bandwidth / bytesPerToken;
    if (arguments.json) {
        const nlohmann::ordered_json out{
            {"model", info.name}, {"quantization", info.quantization}, {"backend", info.backend}, {"path", info.backendDetail}, {"threads", info.threads},
            {"promptTokens", arguments.prompt}, {"promptTokensPerSecond", promptSpeed},
            {"generatedTokens", arguments.generate}, {"depth", arguments.depth}, {"generationTokensPerSecond", generationSpeed},
            {"bytesPerToken", bytesPerToken}, {"readBandwidthBytesPerSecond", bandwidth}, {"generationLimitTokensPerSecond", limit},
            {"generationFractionOfBandwidth", generationSpeed / limit}, {"loadSeconds", info.loadSeconds}};
        fmt::print("{}\n", out.dump(1));
        return 0;
    }
    fmt::print("{} {} on {} ({}, {} threads)\n", info.name, info.quantization, info.backend, info.backendDetail, info.threads);
    fmt::print("  prompt {:>6} tokens          {:>8.1f} tokens/s\n", arguments.prompt, promptSpeed);
    fmt::print("  generation {:>4} at depth {:>5} {:>8.2f} tokens/s = {:.0f} % of what memory allows ({:.1f} tokens/s: {:.1f} GB/s read, {:.0f} MB per token)\n",
               arguments.generate, arguments.depth, generationSpeed, 100.0 * generationSpeed / limit, limit, bandwidth / 1e9, bytesPerToken / 1e6);
    return 0;
}

} // namespace hearth::app::cli
