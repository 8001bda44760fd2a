// SPDX-License-Identifier: Apache-2.0
//
// The commands of hearth-cli. Each takes what the command line gave and returns the exit status: 0 done, 1 failed, with
// the reason on standard error.
#pragma once

#include "core/base/error.h"
#include "core/engine/generation.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::app::cli {

struct ModelArguments {
    std::string model;      ///< empty = the first usable one of the models folder
    int threads = 0;
    int context = 0;
    std::string path;       ///< CPU path: "", "portable", "avx2", "avx512"
    std::string device;     ///< LoadRequest::device
    int gpuLayers = -1;     ///< LoadRequest::gpuLayers
};

struct ChatArguments : ModelArguments {
    std::string prompt;     ///< empty = a conversation over standard input
    std::string system;
    core::SamplingSettings sampling;
    int maxTokens = 0;
    std::string grammar;    ///< a GBNF file
    std::string jsonSchema; ///< a file
    bool stats = false;
};

struct LogitsArguments : ModelArguments {
    std::string ids;
    std::string out;
};

struct TokenizeArguments : ModelArguments {
    std::string text;
    bool parseSpecial = false;
    bool pieces = false;
};

struct TemplateArguments : ModelArguments {
    std::string user;
    std::string system;
    std::string messages;   ///< a JSON file: [{"role": ..., "content": ...}]
};

struct MakeModelArguments {
    std::string shape;      ///< one of makeModelShapes()
    std::string type;       ///< one of makeModelTypes()
    std::string out;
    std::uint64_t seed = 1;
    int layers = 0;         ///< 0 = the shape's
    int threads = 0;        ///< 0 = all of the machine
};

struct BenchArguments : ModelArguments {
    std::vector<int> prompts{512}; ///< tokens; 0 = leave out
    std::vector<int> generates{64};///< tokens; 0 = leave out
    std::vector<int> depths{0};    ///< tokens in the context when generation starts
    float temperature = 0.0f;      ///< of the choice of each token; 0 = greedy
    int repeats = 3;
    int bandwidthMegabytes = 128; ///< per thread, for measuring the read bandwidth
    bool json = false;
};

struct ScoreArguments : ModelArguments {
    std::string text;       ///< a file
    std::string base;       ///< kl: the model that is right
    int window = 512;       ///< tokens
    int windows = 0;        ///< at most so many; 0 = all
};

[[nodiscard]] int chat(const ChatArguments& arguments);
[[nodiscard]] int logits(const LogitsArguments& arguments);
[[nodiscard]] int tokenize(const TokenizeArguments& arguments);
[[nodiscard]] int renderTemplate(const TemplateArguments& arguments);
[[nodiscard]] int perplexity(const ScoreArguments& arguments);
[[nodiscard]] int klDivergence(const ScoreArguments& arguments);
[[nodiscard]] int inspect(const std::string& path, bool json);
[[nodiscard]] int bench(const BenchArguments& arguments);
[[nodiscard]] int makeModel(const MakeModelArguments& arguments);
/// tryAgain: devices that crashed or failed their test are tested again.
[[nodiscard]] int devices(bool tryAgain);
/// The child process of the engine (core/engine/gpu_probe.h); no command for people.
[[nodiscard]] int probeGpu(const std::vector<std::string>& skippedIds);
[[nodiscard]] int models(bool quiet);

/// The values of make-model's --shape and --type.
[[nodiscard]] std::vector<std::string> makeModelShapes();
[[nodiscard]] std::vector<std::string> makeModelTypes();

/// The error with the file's name in front, unless the message names it already.
[[nodiscard]] core::Error about(const std::string& path, core::Error error);

/// All of a file; FileNotFound.
[[nodiscard]] core::Result<std::string> readText(const std::string& path);

/// Prints "hearth-cli: MESSAGE" and returns 1.
int report(const core::Error& error);

/// arguments.model, or the first usable model of the models folder.
[[nodiscard]] core::Result<std::string> chooseModel(const ModelArguments& arguments);

} // namespace hearth::app::cli
