// SPDX-License-Identifier: Apache-2.0
#include "core/model/model.h"

#include "core/base/units.h"
#include "core/model/arch_table.h"
#include "core/model/decoder.h"
#include "core/model/weight_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::core {

Model::Model(GgufFile file, const BackendSet& backends, const ModelOptions& options, ModelConfig config)
    : m_file(std::move(file))
    , m_backends(backends)
    , m_options(options)
    , m_config(std::move(config))
    , m_serial(nextSerial()) {}

Model::~Model() = default;

Result<ModelConfig> Model::check(const GgufFile& file) {
    const auto architecture = findArchitecture(file.metadata());
    if (!architecture) return std::unexpected(architecture.error());
    auto config = (*architecture)->readConfig(file.metadata());
    if (!config) return config;
    ModelWeights weights;
    const std::vector<TensorSpec> specs = (*architecture)->listTensors(*config, weights);
    if (auto matched = matchTensors(file, specs); !matched) return std::unexpected(std::move(matched.error()));
    return config;
}

Result<std::unique_ptr<Model>> Model::load(GgufFile file, const BackendSet& backends, const ModelOptions& options,
                                           const std::function<void(const WeightProgress&)>& progress,
                                           std::stop_token stop) {
    if (options.prefillChunk < 1)
        return fail(ErrorCode::InvalidArgument, fmt::format("prefill chunk {}", options.prefillChunk));
    const auto architecture = findArchitecture(file.metadata());
    if (!architecture) return std::unexpected(architecture.error());
    auto config = (*architecture)->readConfig(file.metadata());
    if (!config) return std::unexpected(std::move(config.error()));
    if (auto right = checkPlacement(backends, config->layers); !right) return std::unexpected(std::move(right.error()));
    if (auto offered = checkOffers(backends, *config); !offered) return std::unexpected(std::move(offered.error()));

    std::unique_ptr<Model> model(new Model(std::move(file), backends, options, std::move(*config)));
    const std::vector<TensorSpec> specs = (*architecture)->listTensors(model->m_config, model->m_weights);
    if (auto loaded = model->loadWeights(specs, progress, std::move(stop)); !loaded)
        return std::unexpected(std::move(loaded.error()));
    for (const BackendSide side : {BackendSide::Gpu, BackendSide::Cpu}) {
        if (auto made = model->makeScratch(side); !made) return std::unexpected(std::move(made.error()));
    }
    model->makeSegments();
    return model;
}

Result<void> Model::loadWeights(std::span<const TensorSpec> specs,
                                const std::function<void(const WeightProgress&)>& progress, std::stop_token stop) {
    auto matched = matchTensors(m_file, specs);
    if (!matched) return std::unexpected(std::move(matched.error()));
    // A tied embedding whose rows and whose products are needed on different sides is given to both.
    const LayerPlacement& placement = m_backends.placement;
    const auto slotOf = [](const MatchedTensor& match) { return match.spec->slot; };
    const bool tied = std::ranges::find(*matched, &m_weights.output, slotOf) == matched->end();
    TensorSpec output{.name = "output.weight", .slot = &m_weights.output};
    if (tied && placement.embedding() != placement.output()) {
        const auto embedding = std::ranges::find(*matched, &m_weights.tokenEmbedding, slotOf);
        output.shape = embedding->spec->shape;
        matched->push_back({&output, embedding->tensor});
    }
    if (auto loaded = loadTensors(m_file, *matched, m_backends, progress, std::move(stop)); !loaded) return loaded;
    if (m_weights.output.data == nullptr) m_weights.output = m_weights.tokenEmbedding;
    if (!m_weights.ropeFrequencyFactors.empty())
        m_config.rope.frequencyFactors = m_weights.ropeFrequencyFactors.data();
    return {};
}

Result<void> Model::makeScratch(BackendSide side) {
    if (!m_backends.placement.uses(side, m_config.layers)) return {};
    auto& scratch = side == BackendSide::Gpu ? m_gpuScratch : m_cpuScratch;
    scratch = Scratch::create(m_config, m_backends.on(side), m_options.prefillChunk);
    if (scratch != nullptr) return {};
    return fail(ErrorCode::OutOfMemory, fmt::format("no memory for the activations: {}{}",
                                                    formatBytes(Scratch::bytesFor(m_config, m_options.prefillChunk)),
                                                    wordsFor(side)));
}

void Model::makeSegments() {
    const LayerPlacement& placement = m_backends.placement;
    const std::int32_t layers = m_config.layers;
    const auto add = [&](BackendSide side, std::int32_t first, std::int32_t end) {
        Scratch& scratch = side == BackendSide::Gpu ? *m_gpuScratch : *m_cpuScratch;
        m_segments.push_back({m_backends.on(side), scratch, side, first, end, m_segments.empty(), false});
    };
    if (placement.embedding() != placement.layer(0)) add(placement.embedding(), 0, 0);
    for (std::int32_t first = 0, end = 0; first < layers; first = end) {
        const BackendSide side = placement.layer(first);
        while (end < layers && placement.layer(end) == side)
            ++end;
        add(side, first, end);
    }
    if (m_segments.back().side != placement.output()) add(placement.output(), layers, layers);
    m_segments.back().computesLogits = true;
    if (m_segments.size() > 1) {
        m_carried.resize(static_cast<std::size_t>(m_options.prefillChunk) *
                         static_cast<std::size_t>(m_config.embedding));
    }
}

Result<KvCache> Model::makeCache(std::int32_t contextLength) const {
    if (!m_config.reaches(contextLength)) {
        return fail(ErrorCode::InvalidArgument, fmt::format("a context of {} tokens: this model has positions for {}",
                                                            contextLength, m_config.trainedContext));
    }
    return KvCache::create(m_config, m_backends, contextLength, m_options.kvType);
}

std::uint64_t Model::scratchBytes(BackendSide side) const {
    const Scratch* scratch = side == BackendSide::Gpu ? m_gpuScratch.get() : m_cpuScratch.get();
    return scratch == nullptr ? 0 : scratch->bytes();
}

Result<void> Model::checkFile() const {
    if (m_file.damaged() || m_file.changedOnDisk()) {
        return fail(ErrorCode::FileChanged,
                    fmt::format("{}: is no longer the file that was loaded", m_file.path().string()));
    }
    return {};
}

/// One token is the same step every time, but for the token and its position; longer inputs are never repeated, nor is what
/// begins with rows of another back end, nor a step that looks up more than its token. Only one segment begins with tokens, so the signature need not name it.
std::uint64_t Model::stepSignature(const KvCache& cache, const Segment& segment, const DecodeStep& step) const {
    if (step.tokens.size() != 1 || m_observer || !segment.embeds || m_config.learnedPositions) return 0;
    return m_serial << 32 | cache.serial() << 1 | static_cast<std::uint64_t>(step.logitRows);
}

Result<void> Model::run(const Segment& segment, DecodeStep& step, const std::stop_token& stop) {
    kernels::StepInfo info{.signature = stepSignature(step.cache, segment, step),
                           .tokens = step.tokens,
                           .firstPosition = step.firstPosition,
                           .results = std::as_writable_bytes(step.logits)};
    if (!segment.computesLogits) {
        const auto rows = static_cast<std::size_t>(carriedRows(step, segment.endLayer));
        info.results = std::as_writable_bytes(step.carried.first(rows * static_cast<std::size_t>(m_config.embedding)));
    } else if (step.sampling != nullptr) {
        info.results = std::as_writable_bytes(std::span(&step.chosen, 1));
        info.sampling = step.sampling;
    }
    segment.backend.beginStep(stop);
    if (!segment.backend.replayStep(info)) decode(segment, step);
    const kernels::Status status = segment.backend.endStep();
    if (status.ok()) return {};
    if (status.code != kernels::StatusCode::Cancelled) m_failedSide = segment.side;
    return std::unexpected(errorOf(status, segment.side));
}

Result<void> Model::checkTokens(const KvCache& cache, std::span<const std::int32_t> tokens) const {
    const auto room = static_cast<std::size_t>(cache.capacity() - cache.length());
    if (tokens.size() > room) {
        return fail(ErrorCode::ContextTooSmall,
                    fmt::format("{} tokens for a context with room for {}", tokens.size(), room));
    }
    for (const std::int32_t token : tokens) {
        if (token < 0 || token >= m_config.vocabulary) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("token id {} of a vocabulary of {}", token, m_config.vocabulary));
        }
    }
    return {};
}

Result<void> Model::runChunk(KvCache& cache, DecodeStep& step, const std::stop_token& stop) {
    for (const Segment& segment : m_segments) {
        if (segment.firstLayer == m_config.layers && step.logitRows == 0) break; // only the output is left
        if (auto done = run(segment, step, stop); !done) return done;
    }
    if (m_file.damaged())
        return fail(ErrorCode::FileChanged, fmt::format("{}: shrank while it was in use", m_file.path().string()));
    cache.advance(static_cast<std::int32_t>(step.tokens.size()));
    return {};
}

Result<void> Model::forward(KvCache& cache, std::span<const std::int32_t> tokens, LogitsWanted wanted,
                            std::span<float> logits, std::stop_token stop) {
    m_failedSide.reset();
    const auto vocabulary = static_cast<std::size_t>(m_config.vocabulary);
    const std::size_t rowsWanted =
        wanted == LogitsWanted::All ? tokens.size() : (wanted == LogitsWanted::Last && !tokens.empty() ? 1 : 0);
    if (logits.size() < rowsWanted * vocabulary) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("logits hold {} floats, {} needed", logits.size(), rowsWanted * vocabulary));
    }
    if (auto right = checkTokens(cache, tokens); !right) return right;

    const auto chunk = static_cast<std::size_t>(m_options.prefillChunk);
    for (std::size_t start = 0; start < tokens.size(); start += chunk) {
        const std::span<const std::int32_t> part = tokens.subspan(start, std::min(chunk, tokens.size() - start));
        const bool last = start + part.size() == tokens.size();
        DecodeStep step{m_config, m_weights, cache, part, cache.length(), 0, {}, m_carried, m_observer};
        if (wanted == LogitsWanted::All) {
            step.logitRows = static_cast<std::int32_t>(part.size());
            step.logits = logits.subspan(start * vocabulary, part.size() * vocabulary);
        } else if (wanted == LogitsWanted::Last && last) {
            step.logitRows = 1;
            step.logits = logits.first(vocabulary);
        }
        if (auto done = runChunk(cache, step, stop); !done) return done;
    }
    return {};
}

bool Model::samples() const {
    return m_segments.back().backend.samples();
}

Result<std::optional<std::int32_t>> Model::forwardAndSample(KvCache& cache, std::span<const std::int32_t> tokens,
                                                            const kernels::SampleRequest& request,
                                                            std::stop_token stop) {
    if (tokens.empty()) return fail(ErrorCode::InvalidArgument, "no tokens to choose a next one after");
    if (auto right = checkTokens(cache, tokens); !right) return std::unexpected(std::move(right.error()));
    const std::size_t before = (tokens.size() - 1) / static_cast<std::size_t>(m_options.prefillChunk) *
                               static_cast<std::size_t>(m_options.prefillChunk);
    if (auto done = forward(cache, tokens.first(before), LogitsWanted::None, {}, stop); !done)
        return std::unexpected(std::move(done.error()));
    DecodeStep step{m_config, m_weights, cache, tokens.subspan(before), cache.length(), 1, {}, m_carried, m_observer, &request};
    if (auto done = runChunk(cache, step, stop); !done) return std::unexpected(std::move(done.error()));
    if (step.chosen >= -1 && step.chosen < request.vocabulary)
        return step.chosen < 0 ? std::nullopt : std::optional(step.chosen);
    m_failedSide = m_segments.back().side;
    return fail(ErrorCode::Internal, fmt::format("sample: token {} of {} was chosen{}", step.chosen, request.vocabulary,
                                                 wordsFor(*m_failedSide)));
}

} // namespace hearth::core
