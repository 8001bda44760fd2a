// SPDX-License-Identifier: Apache-2.0
//
// hearth-cli: the engine without the window. Parses the command line and hands over to one command.
#include "app/cli/commands.h"
#include "core/engine/gpu_marker.h"

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <functional>

using namespace hearth;
using namespace hearth::app::cli;

namespace {

void addModelOptions(CLI::App& command, ModelArguments& arguments) {
    command.add_option("-m,--model", arguments.model, "GGUF file (default: the first usable one of the models folder)");
    command.add_option("-t,--threads", arguments.threads, "Threads (default: one per physical core)")->check(CLI::Range(0, 1024));
    command.add_option("-c,--context", arguments.context, "Context length in tokens (default: the model's, at most 8192)")->check(CLI::Range(0, 1 << 24));
    command.add_option("--path", arguments.path, "CPU path: portable, avx2, avx512 (default: the best this CPU has)")
        ->check(CLI::IsMember({"portable", "avx2", "avx512"}));
}

void addDeviceOptions(CLI::App& command, ModelArguments& arguments) {
    command.add_option("--device", arguments.device, "cpu, gpu or a device's id (default: the best that works)");
    command.add_option("--gpu-layers", arguments.gpuLayers, "Layers on the GPU; -1 = as many as fit")->check(CLI::Range(-1, 1 << 16));
}

/// "-d 0,4096": one argument, parts by commas.
void addCounts(CLI::App& command, const std::string& names, std::vector<int>& counts, const std::string& help) {
    command.add_option(names, counts, help)->delimiter(',')->allow_extra_args(false)->check(CLI::Range(0, 1 << 20));
}

void addSamplingOptions(CLI::App& command, hearth::core::SamplingSettings& sampling) {
    command.add_option("--temp", sampling.temperature, "Temperature; 0 always takes the most likely token")->check(CLI::Range(0.0, 10.0));
    command.add_option("--top-k", sampling.topK, "Top-k; 0 = off")->check(CLI::Range(0, 1'000'000));
    command.add_option("--top-p", sampling.topP, "Top-p; 1 = off")->check(CLI::Range(0.0, 1.0));
    command.add_option("--min-p", sampling.minP, "Min-p; 0 = off")->check(CLI::Range(0.0, 1.0));
    command.add_option("--repeat-penalty", sampling.repeatPenalty, "Repetition penalty; 1 = off")->check(CLI::Range(0.1, 10.0));
    command.add_option("--seed", sampling.seed, "Seed; -1 = a fresh one");
}

/// The user ends the program: that is no crash of a driver, so the mark of its use goes.
void onEnd(int number) {
    core::GpuMarker::removeNow();
    std::signal(number, SIG_DFL);
    std::raise(number);
}

} // namespace

int main(int argc, char** argv) {
    // Standard output belongs to the answer.
    spdlog::set_default_logger(spdlog::stderr_logger_mt("hearth-cli"));
    spdlog::set_level(spdlog::level::warn);

    CLI::App app("Runs GGUF language models on this machine, without a window.");
    app.set_version_flag("--version", "hearth-cli 0.1.0");
    app.require_subcommand(1);
    std::function<int()> action;

    ChatArguments chatArguments;
    CLI::App* command = app.add_subcommand("chat", "Answers a prompt, or holds a conversation over standard input");
    addModelOptions(*command, chatArguments);
    addDeviceOptions(*command, chatArguments);
    addSamplingOptions(*command, chatArguments.sampling);
    command->add_option("-n,--max-tokens", chatArguments.maxTokens, "Longest reply in tokens (default: until the context is full)")->check(CLI::Range(0, 1 << 24));
    command->add_option("--system", chatArguments.system, "System prompt");
    CLI::Option* grammarOption = command->add_option("--grammar", chatArguments.grammar, "File with a GBNF grammar that every answer follows")->check(CLI::ExistingFile);
    command->add_option("--json-schema", chatArguments.jsonSchema, "File with a JSON schema that every answer follows")->check(CLI::ExistingFile)->excludes(grammarOption);
    command->add_flag("--stats", chatArguments.stats, "Speeds after each reply, on standard error");
    command->add_option("prompt", chatArguments.prompt, "The user's message");
    command->callback([&] { action = [&] { return chat(chatArguments); }; });

    LogitsArguments logitsArguments;
    command = app.add_subcommand("logits", "Computes the logits at every position of a list of token ids");
    addModelOptions(*command, logitsArguments);
    addDeviceOptions(*command, logitsArguments);
    command->add_option("--ids", logitsArguments.ids, "Token ids, separated by commas")->required();
    command->add_option("-o,--out", logitsArguments.out, "File of little-endian float32 [ids][vocabulary]")->required();
    command->callback([&] { action = [&] { return logits(logitsArguments); }; });

    ScoreArguments scoreArguments;
    const auto addScoreOptions = [&](CLI::App& scored) {
        addModelOptions(scored, scoreArguments);
        addDeviceOptions(scored, scoreArguments);
        scored.add_option("--window", scoreArguments.window, "Tokens computed at once; the second half is scored")->check(CLI::Range(2, 1 << 20));
        scored.add_option("--windows", scoreArguments.windows, "At most so many windows (default: the whole text)")->check(CLI::Range(0, 1 << 20));
        scored.add_option("text", scoreArguments.text, "Text file")->required();
    };
    command = app.add_subcommand("perplexity", "Measures how well the model predicts a text");
    addScoreOptions(*command);
    command->callback([&] { action = [&] { return perplexity(scoreArguments); }; });
    command = app.add_subcommand("kl", "Measures how far the model's predictions are from those of another version of it");
    addScoreOptions(*command);
    command->add_option("--base", scoreArguments.base, "GGUF file of the version that is right, usually F32 or F16")->required();
    command->callback([&] { action = [&] { return klDivergence(scoreArguments); }; });

    TokenizeArguments tokenizeArguments;
    command = app.add_subcommand("tokenize", "Prints the token ids of a text");
    addModelOptions(*command, tokenizeArguments);
    command->add_flag("--parse-special", tokenizeArguments.parseSpecial, "Control tokens written in the text become their ids");
    command->add_flag("--pieces", tokenizeArguments.pieces, "Each id with its text, a line each");
    command->add_option("text", tokenizeArguments.text, "The text; '-' reads standard input")->required();
    command->callback([&] { action = [&] { return tokenize(tokenizeArguments); }; });

    TemplateArguments templateArguments;
    command = app.add_subcommand("template", "Prints a conversation as the model's chat template renders it");
    addModelOptions(*command, templateArguments);
    command->add_option("--system", templateArguments.system, "System prompt");
    command->add_option("--messages", templateArguments.messages, "JSON file: [{\"role\": ..., \"content\": ...}, ...]");
    command->add_option("user", templateArguments.user, "The user's message");
    command->callback([&] { action = [&] { return renderTemplate(templateArguments); }; });

    std::string inspected;
    bool inspectJson = false;
    command = app.add_subcommand("inspect", "Prints what a GGUF file says of itself: metadata and tensors");
    command->add_flag("--json", inspectJson, "As JSON");
    command->add_option("file", inspected, "GGUF file")->required();
    command->callback([&] { action = [&] { return inspect(inspected, inspectJson); }; });

    BenchArguments benchArguments;
    command = app.add_subcommand("bench", "Measures prompt and generation speed, choice of the token included, against the memory bandwidth of the device that runs the model");
    addModelOptions(*command, benchArguments);
    addDeviceOptions(*command, benchArguments);
    addCounts(*command, "-p,--prompt", benchArguments.prompts, "Prompt tokens, or several counts (128,512); 0 = none");
    addCounts(*command, "-n,--generate", benchArguments.generates, "Tokens to generate, or several counts; 0 = none");
    addCounts(*command, "-d,--depth", benchArguments.depths, "Tokens in the context when generation starts, or several counts (0,4096)");
    command->add_option("--temp", benchArguments.temperature, "Temperature of the choice of each generated token, which is measured with it (default: 0, greedy)")
        ->check(CLI::Range(0.0, 10.0));
    command->add_option("-r,--repeats", benchArguments.repeats, "Runs of each; the median and the best are told")->check(CLI::Range(1, 100));
    command->add_option("--bandwidth-mb", benchArguments.bandwidthMegabytes, "Megabytes per thread read for measuring the bandwidth (default: 128)")
        ->check(CLI::Range(1, 1 << 16));
    command->add_flag("--json", benchArguments.json, "As JSON");
    command->callback([&] { action = [&] { return bench(benchArguments); }; });

    MakeModelArguments makeModelArguments;
    command = app.add_subcommand("make-model", "Writes a model file with random weights, for measuring speed");
    command->add_option("--shape", makeModelArguments.shape, "Sizes of a known model")->required()->check(CLI::IsMember(makeModelShapes()));
    command->add_option("--type", makeModelArguments.type, "Quantisation")->required()->check(CLI::IsMember(makeModelTypes()));
    command->add_option("-o,--out", makeModelArguments.out, "GGUF file to write; one of that name is replaced")->required();
    command->add_option("--seed", makeModelArguments.seed, "Seed; the same one gives the same file");
    command->add_option("--layers", makeModelArguments.layers, "Layers (default: the shape's)")->check(CLI::Range(1, 1024));
    command->add_option("-t,--threads", makeModelArguments.threads, "Threads (default: all of the machine)")->check(CLI::Range(0, 1024));
    command->callback([&] { action = [&] { return makeModel(makeModelArguments); }; });

    bool tryAgain = false;
    command = app.add_subcommand("devices", "Lists the CPU and every GPU, and says what is used and why not");
    command->add_flag("--try-again", tryAgain, "Tests again what crashed or failed before");
    command->callback([&] { action = [&] { return devices(tryAgain); }; });

    std::vector<std::string> skippedIds;
    command = app.add_subcommand("probe-gpu", "Answers the engine's question about the GPUs")->group("");
    command->add_option("--skip", skippedIds, "Devices that are not to be touched")->allow_extra_args(false);
    command->callback([&] { action = [&] { return probeGpu(skippedIds); }; });

    bool quiet = false;
    command = app.add_subcommand("models", "Lists the models of the models folder; status 1 when none is usable");
    command->add_flag("-q,--quiet", quiet, "Status only");
    command->callback([&] { action = [&] { return models(quiet); }; });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 1; // --help and --version come this way too
    }
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, onEnd);
    return action();
}
