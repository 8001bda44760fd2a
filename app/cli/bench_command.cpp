// SPDX-License-Identifier: Apache-2.0
//
// bench: tokens per second, each against what the device that runs the model can do at most, measured in the same run.
// Generating a token reads every weight and the keys and values of all tokens before it, so its bound is the read
// bandwidth over those bytes. On a shared machine limits change from second to second: they are measured before and after every run, and a
// run is held against the mean of the two. A prompt must read the weights at least once; what bounds it in truth is arithmetic, so its
// rate of operations stands beside, on the CPU against the rate of 8-bit (or bf16) products that it reaches with nothing else to do.
// A generated token is measured as a reply computes it (Engine::chooseStep): the forward pass, the choice of the next token, where the
// engine makes it, and its id at hand. Only what is fed next is not what was chosen but a fixed pattern, so that runs are comparable.
#include "app/cli/commands.h"
#include "app/cli/cpu_limits.h"
#include "app/cli/engine_setup.h"
#include "core/base/units.h"
#include "core/engine/sampler.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

namespace hearth::app::cli {

namespace {

constexpr int kWarmUpPrompt = 16;
constexpr int kWarmUpSteps = 3;
/// The cache has whole steps of positions: with a context of whole steps too, its bytes over the context are a token's.
constexpr int kContextStep = 256;

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

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

/// What the device can do at most, as far as it is measured: always again on the CPU, once on a GPU, whose driver shares it with nobody.
class LimitMeter {
public:
    LimitMeter(core::Engine& engine, const core::ModelInfo& info, int megabytesPerThread) {
        if (const auto measured = engine.deviceReadBandwidth()) {
            m_device.readBytes = *measured;
            m_measuredOn = info.backend;
        } else if (info.backend == "CPU") { // the processor's memory says nothing of a GPU's
            m_cpu.emplace(info.threads > 0 ? info.threads : static_cast<int>(std::thread::hardware_concurrency()), megabytesPerThread);
            m_measuredOn = info.backend;
            measure();
        }
    }

    CpuLimits measure() {
        if (!m_cpu) return m_device;
        const CpuLimits now = m_cpu->measure();
        m_device = {std::max(m_device.readBytes, now.readBytes), std::max(m_device.int8, now.int8), std::max(m_device.bf16, now.bf16),
                    std::max(m_device.f32, now.f32)};
        return now;
    }
    /// The most that was ever measured; zeros: nothing was.
    [[nodiscard]] const CpuLimits& best() const { return m_device; }
    [[nodiscard]] const std::string& measuredOn() const { return m_measuredOn; }

private:
    std::optional<CpuMeter> m_cpu;
    CpuLimits m_device;
    std::string m_measuredOn = "nothing: this back end does not measure it";
};

CpuLimits meanOf(const CpuLimits& a, const CpuLimits& b) {
    return {(a.readBytes + b.readBytes) / 2.0, (a.int8 + b.int8) / 2.0, (a.bf16 + b.bf16) / 2.0, (a.f32 + b.f32) / 2.0};
}

struct Measurement {
    int tokens = 0;
    int depth = 0;
    double bytes = 0.0;            ///< that the whole run must read at least
    std::vector<double> seconds{}; ///< of each run
    std::vector<CpuLimits> limits{}; ///< around each run

    [[nodiscard]] double speed() const { return tokens / median(seconds); } ///< tokens/s
    [[nodiscard]] double bestSpeed() const { return tokens / std::ranges::min(seconds); }
    /// Of each run: what limitOf tells of its limits.
    [[nodiscard]] std::vector<double> ofRuns(const auto& limitOf) const {
        std::vector<double> values;
        for (std::size_t i = 0; i < seconds.size(); ++i) values.push_back(limitOf(limits[i], seconds[i]));
        return values;
    }
    [[nodiscard]] double limit() const { ///< tokens/s
        return median(ofRuns([&](const CpuLimits& around, double) { return around.readBytes / bytes * tokens; }));
    }
    [[nodiscard]] std::vector<double> fractions() const {
        return ofRuns([&](const CpuLimits& around, double taken) { return bytes / taken / around.readBytes; });
    }
};

class Bench {
public:
    Bench(core::Engine& engine, LimitMeter& meter, const core::ModelInfo& info, const core::SamplingSettings& sampling, int repeats)
        : m_engine(engine)
        , m_meter(meter)
        , m_info(info)
        , m_sampling(sampling)
        , m_repeats(repeats)
        , m_weightBytes(static_cast<double>(engine.weightBytesPerToken()))
        , m_kvBytes(static_cast<double>(info.kvBytes) / std::max(info.contextLength, 1)) {}

    /// The first steps of a run pay for what is done once: pages, kernels, recorded steps.
    core::Result<void> warmUp() {
        if (auto done = m_engine.prefill(someIds(kWarmUpPrompt, m_info.vocabularySize)); !done) return done;
        return generateFrom(someIds(kWarmUpSteps, m_info.vocabularySize));
    }

    core::Result<Measurement> prompt(int tokens) {
        Measurement measured{.tokens = tokens, .bytes = m_weightBytes + m_kvBytes * tokens};
        const auto ids = someIds(tokens, m_info.vocabularySize);
        for (int run = 0; run < m_repeats; ++run) {
            if (auto status = addRun(measured, [&] { return m_engine.prefill(ids); }); !status) return std::unexpected(status.error());
        }
        return measured;
    }

    core::Result<Measurement> generation(int tokens, int depth) {
        // Step i reads what `depth + i` tokens and its own left in the cache.
        Measurement measured{.tokens = tokens, .depth = depth, .bytes = tokens * (m_weightBytes + m_kvBytes * (depth + (tokens + 1) / 2.0))};
        m_engine.clearSession();
        if (depth > 0) {
            if (auto status = m_engine.prefill(someIds(depth, m_info.vocabularySize)); !status) return std::unexpected(status.error());
        }
        const auto ids = someIds(tokens, m_info.vocabularySize);
        for (int run = 0; run < m_repeats; ++run) {
            if (auto status = addRun(measured, [&] { return generateFrom(ids); }); !status) return std::unexpected(status.error());
            m_engine.clearSession(static_cast<std::size_t>(depth));
        }
        return measured;
    }

    [[nodiscard]] double weightBytes() const { return m_weightBytes; }
    [[nodiscard]] double kvBytes() const { return m_kvBytes; } ///< per token in the context
    [[nodiscard]] const core::SamplingSettings& sampling() const { return m_sampling; }
    [[nodiscard]] const char* sampledOn() const { return m_engine.choosesOnGpu(sampler()) ? "GPU" : "CPU"; }

private:
    [[nodiscard]] core::Sampler sampler() const { return {m_sampling, static_cast<std::uint64_t>(m_sampling.seed)}; }
    /// `work` returns a Result<void>.
    core::Result<void> addRun(Measurement& measured, const auto& work) {
        core::Result<void> status;
        const CpuLimits before = m_meter.measure();
        measured.seconds.push_back(secondsOf([&] { status = work(); }));
        measured.limits.push_back(meanOf(before, m_meter.measure()));
        return status;
    }
    core::Result<void> generateFrom(const std::vector<core::TokenId>& ids) {
        core::Sampler chooser = sampler();
        for (const core::TokenId id : ids) {
            const auto chosen = m_engine.chooseStep(id, chooser);
            if (!chosen) return std::unexpected(chosen.error());
            chooser.accept(*chosen);
        }
        return {};
    }

    core::Engine& m_engine;
    LimitMeter& m_meter;
    const core::ModelInfo& m_info;
    core::SamplingSettings m_sampling;
    int m_repeats;
    double m_weightBytes;
    double m_kvBytes;
};

/// What bounds a prompt: 8-bit products where the model's matrices are quantised, else float ones.
struct PromptBound {
    double CpuLimits::* operations = nullptr; ///< null: not measured
    std::string_view name;
};

PromptBound promptBound(const CpuLimits& limits, bool quantised) {
    if (limits.int8 == 0.0) return {};
    if (quantised) return {&CpuLimits::int8, "int8"};
    return limits.bf16 > limits.f32 ? PromptBound{&CpuLimits::bf16, "bf16"} : PromptBound{&CpuLimits::f32, "f32"};
}

nlohmann::ordered_json toJson(const Measurement& measured, bool limited) {
    // Null where the limit was not measured.
    const auto against = [&](const auto& value) { return limited ? nlohmann::ordered_json(value()) : nlohmann::ordered_json(nullptr); };
    return {{"tokens", measured.tokens},
            {"depth", measured.depth},
            {"tokensPerSecond", measured.speed()},
            {"bestTokensPerSecond", measured.bestSpeed()},
            {"secondsOfRuns", measured.seconds},
            {"bytesPerToken", measured.bytes / measured.tokens},
            {"bytesPerSecond", measured.bytes / measured.tokens * measured.speed()},
            {"readBandwidthOfRuns", against([&] { return measured.ofRuns([](const CpuLimits& around, double) { return around.readBytes; }); })},
            {"limitTokensPerSecond", against([&] { return measured.limit(); })},
            {"fractionOfLimit", against([&] { return median(measured.fractions()); })},
            {"bestFractionOfLimit", against([&] { return std::ranges::max(measured.fractions()); })}};
}

struct Report {
    const core::ModelInfo& info;
    const Bench& bench;
    const LimitMeter& limits;
    PromptBound promptBound;
    double operationsPerPromptToken = 0.0;
    int repeats = 0;
    std::vector<Measurement> prompts;
    std::vector<Measurement> generations;

    /// Median over the runs; call it only where there is a bound.
    [[nodiscard]] double fractionOfOperations(const Measurement& prompt) const {
        return median(prompt.ofRuns([&](const CpuLimits& around, double taken) {
            return operationsPerPromptToken * prompt.tokens / taken / (around.*promptBound.operations);
        }));
    }
};

void printJson(const Report& report) {
    const core::ModelInfo& info = report.info;
    const bool limited = report.limits.best().readBytes > 0.0;
    nlohmann::ordered_json out{{"model", info.name},
                               {"quantization", info.quantization},
                               {"backend", info.backend},
                               {"path", info.backendDetail},
                               {"backendReason", info.backendReason},
                               {"threads", info.threads},
                               {"contextLength", info.contextLength},
                               {"loadSeconds", info.loadSeconds},
                               {"weightBytesPerToken", report.bench.weightBytes()},
                               {"kvBytesPerPosition", report.bench.kvBytes()},
                               {"readBandwidthBytesPerSecond", report.limits.best().readBytes},
                               {"readBandwidthMeasuredOn", report.limits.measuredOn()},
                               {"int8OperationsPerSecond", report.limits.best().int8},
                               {"bf16OperationsPerSecond", report.limits.best().bf16},
                               {"f32OperationsPerSecond", report.limits.best().f32},
                               {"repeats", report.repeats},
                               {"generationIncludes", {{"choiceOfTheNextTokenOn", report.bench.sampledOn()}, {"temperature", report.bench.sampling().temperature}}},
                               {"prompt", nlohmann::ordered_json::array()},
                               {"generation", nlohmann::ordered_json::array()}};
    for (const Measurement& measured : report.prompts) {
        out["prompt"].push_back(toJson(measured, limited));
        out["prompt"].back()["operationsPerSecond"] = report.operationsPerPromptToken * measured.speed();
        out["prompt"].back()["operationsOf"] = report.promptBound.name;
        out["prompt"].back()["fractionOfOperations"] =
            report.promptBound.operations != nullptr ? nlohmann::ordered_json(report.fractionOfOperations(measured)) : nlohmann::ordered_json(nullptr);
    }
    for (const Measurement& measured : report.generations) out["generation"].push_back(toJson(measured, limited));
    fmt::print("{}\n", out.dump(1));
}

void printTable(const Report& report) {
    const core::ModelInfo& info = report.info;
    const CpuLimits& device = report.limits.best();
    const double bandwidth = device.readBytes;
    fmt::print("{} {} on {} ({}{})\n{}\n", info.name, info.quantization, info.backend, info.backendDetail,
               info.threads > 0 ? fmt::format(", {} threads", info.threads) : std::string(), info.backendReason);
    const bool limited = bandwidth > 0.0;
    fmt::print("limit: {}; a token reads {} of weights and {} for each token before it\n\n",
               limited ? fmt::format("{} reads {:.1f} GB/s at best", report.limits.measuredOn(), bandwidth / 1e9) : std::string("not measured on this back end"),
               core::formatBytes(static_cast<std::uint64_t>(report.bench.weightBytes())),
               core::formatBytes(static_cast<std::uint64_t>(report.bench.kvBytes())));
    if (device.int8 > 0.0) {
        fmt::print("products from registers, in TOP/s (two operations each): int8 {:.2f}, bf16 {}, f32 {:.2f}\n\n", device.int8 / 1e12,
                   device.bf16 > 0.0 ? fmt::format("{:.2f}", device.bf16 / 1e12) : std::string("none"), device.f32 / 1e12);
    }
    fmt::print("{:<10} {:>7} {:>7} {:>11} {:>11} {:>9} {:>11} {:>9}\n", "", "tokens", "depth", "tokens/s", "best", "GB/s", "limit", "of limit");
    const auto row = [&](std::string_view what, const Measurement& measured) {
        fmt::print("{:<10} {:>7} {:>7} {:>11.2f} {:>11.2f} {:>9.1f} {:>11} {:>9}", what, measured.tokens, measured.depth, measured.speed(),
                   measured.bestSpeed(), measured.bytes / measured.tokens * measured.speed() / 1e9,
                   limited ? fmt::format("{:.1f}", measured.limit()) : "-",
                   limited ? fmt::format("{:.1f} %", 100.0 * median(measured.fractions())) : "-");
    };
    for (const Measurement& measured : report.prompts) {
        row("prompt", measured);
        fmt::print("  {:.3f} TOP/s{}\n", report.operationsPerPromptToken * measured.speed() / 1e12,
                   report.promptBound.operations != nullptr
                       ? fmt::format(" = {:.1f} % of {}", 100.0 * report.fractionOfOperations(measured), report.promptBound.name)
                       : std::string());
    }
    for (const Measurement& measured : report.generations) {
        row("generation", measured);
        fmt::print("\n");
    }
    fmt::print("\ntokens/s: median of {} runs. limit: the bytes that must be read, at the bandwidth around each run; prompts are bound by "
               "arithmetic before.\n",
               report.repeats);
    if (report.generations.empty()) return;
    const float temperature = report.bench.sampling().temperature;
    fmt::print("generation: forward pass and choice of the next token ({}, on the {}).\n",
               temperature > 0.0f ? fmt::format("temperature {}", temperature) : std::string("greedy"), report.bench.sampledOn());
}

struct PromptWork {
    double operationsPerToken = 0.0; ///< multiplications and additions of the layers' matrices, without attention and logits
    bool quantised = false;          ///< most of them with quantised weights
};

core::Result<PromptWork> promptWork(const core::ModelInfo& info) {
    const auto file = core::GgufFile::open(info.path);
    if (!file) return std::unexpected(file.error());
    const auto number = [&](std::string_view suffix) { return file->metadata().uint(fmt::format("{}.{}", info.architecture, suffix)).value_or(0); };
    double elements = 0.0;
    double quantised = 0.0;
    for (const core::GgufTensor& tensor : file->tensors()) {
        if (tensor.rank < 2 || !tensor.name.starts_with("blk.")) continue;
        const double share = tensor.rank == 3 ? static_cast<double>(number("expert_used_count")) / static_cast<double>(std::max<std::uint64_t>(number("expert_count"), 1)) : 1.0;
        const double here = static_cast<double>(tensor.elements()) * share;
        elements += here;
        if (kernels::info(tensor.dtype).elementsPerBlock > 1) quantised += here;
    }
    return PromptWork{2.0 * elements, quantised > elements / 2.0};
}

/// Without zeros, which mean "leave out".
std::vector<int> wanted(std::vector<int> counts) {
    std::erase(counts, 0);
    return counts;
}

} // namespace

int bench(const BenchArguments& arguments) {
    const std::vector<int> prompts = wanted(arguments.prompts);
    const std::vector<int> generates = wanted(arguments.generates);
    if (prompts.empty() && generates.empty()) return report({core::ErrorCode::InvalidArgument, "--prompt and --generate are both 0: nothing to measure"});
    int context = kWarmUpPrompt + kWarmUpSteps;
    if (!prompts.empty()) context = std::max(context, std::ranges::max(prompts));
    if (!generates.empty()) context = std::max(context, std::ranges::max(arguments.depths) + std::ranges::max(generates));

    auto loaded = loadEngine(arguments, context / kContextStep * kContextStep + kContextStep);
    if (!loaded) return report(loaded.error());
    const core::ModelInfo& info = loaded->info;
    const auto work = promptWork(info);
    if (!work) return report(work.error());

    LimitMeter meter(*loaded->engine, info, arguments.bandwidthMegabytes);
    Bench measuring(*loaded->engine, meter, info, {.temperature = arguments.temperature, .seed = 1}, arguments.repeats);
    Report result{.info = info,
                  .bench = measuring,
                  .limits = meter,
                  .promptBound = promptBound(meter.best(), work->quantised),
                  .operationsPerPromptToken = work->operationsPerToken,
                  .repeats = arguments.repeats};
    if (auto warm = measuring.warmUp(); !warm) return report(warm.error());
    for (const int tokens : prompts) {
        auto measured = measuring.prompt(tokens);
        if (!measured) return report(measured.error());
        result.prompts.push_back(std::move(*measured));
    }
    for (const int depth : arguments.depths) {
        for (const int tokens : generates) {
            auto measured = measuring.generation(tokens, depth);
            if (!measured) return report(measured.error());
            result.generations.push_back(std::move(*measured));
        }
    }
    if (arguments.json) {
        printJson(result);
    } else {
        printTable(result);
    }
    return 0;
}

} // namespace hearth::app::cli
