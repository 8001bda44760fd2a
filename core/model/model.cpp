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

namespace {

std::unexpected<Error> errorOf(const kernels::Status& status) {
    switch (status.code) {
    case kernels::StatusCode::Cancelled:
        return fail(ErrorCode::Cancelled, "computing was cancelled");
    case kernels::StatusCode::OutOfMemory:
        return fail(ErrorCode::OutOfMemory, fmt::format("no memory in {}", status.place));
    case kernels::StatusCode::DeviceLost:
        return fail(ErrorCode::DeviceLost, fmt::format("device lost in {}", status.place));
    case kernels::StatusCode::InvalidShape:
        return fail(ErrorCode::Internal, fmt::format("{}: shapes do not fit", status.place));
    case kernels::StatusCode::UnsupportedType:
        return fail(ErrorCode::Internal, fmt::format("{}: unsupported type", status.place));
    case kernels::StatusCode::LaunchFailed:
        return fail(ErrorCode::Internal, fmt::format("{}: launch failed", status.place));
    case kernels::StatusCode::Ok:
        break;
    }
    return fail(ErrorCode::Internal, fmt::format("{}: status {}", status.place, static_cast<int>(status.code)));
}

} // namespace

Model::Model(GgufFile file, kernels::Backend& backend, const ModelOptions& options, ModelConfig config)
    : m_file(std::move(file))
    , m_backend(backend)
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

Result<std::unique_ptr<Model>> Model::load(GgufFile file, kernels::Backend& backend, const ModelOptions& options,
                                           const std::function<void(const WeightProgress&)>& progress,
                                           std::stop_token stop) {
    if (options.prefillChunk < 1)
        return fail(ErrorCode::InvalidArgument, fmt::format("prefill chunk {}", options.prefillChunk));
    const auto architecture = findArchitecture(file.metadata());
    if (!architecture) return std::unexpected(architecture.error());
    auto config = (*architecture)->readConfig(file.metadata());
    if (!config) return std::unexpected(std::move(config.error()));

    std::unique_ptr<Model> model(new Model(std::move(file), backend, options, std::move(*config)));
    const std::vector<TensorSpec> specs = (*architecture)->listTensors(model->m_config, model->m_weights);
    const auto matched = matchTensors(model->m_file, specs);
    if (!matched) return std::unexpected(matched.error());
    if (auto loaded = loadTensors(model->m_file, *matched, backend, progress, std::move(stop)); !loaded) {
        return std::unexpected(std::move(loaded.error()));
    }
    ModelWeights& weights = model->m_weights;
    if (weights.output.data == nullptr) weights.output = weights.tokenEmbedding;
    if (!weights.ropeFrequencyFactors.empty())
        model->m_config.rope.frequencyFactors = weights.ropeFrequencyFactors.data();

    model->m_scratch = Scratch::create(model->m_config, backend, options.prefillChunk);
    if (model->m_scratch == nullptr) {
        return fail(ErrorCode::OutOfMemory,
                    fmt::format("no memory for the activations: {}",
                                formatBytes(Scratch::bytesFor(model->m_config, options.prefillChunk))));
    }
    return model;
}

Result<KvCache> Model::makeCache(std::int32_t contextLength) const {
    return KvCache::create(m_config, m_backend, contextLength);
}

std::uint64_t Model::scratchBytes() const {
    return m_scratch->bytes();
}

Result<void> Model::checkFile() const {
    if (m_file.damaged() || m_file.changedOnDisk()) {
        return fail(ErrorCode::FileChanged,
                    fmt::format("{}: is no longer the file that was loaded", m_file.path().string()));
    }
    return {};
}

/// One token is the same step every time, but for the token and its position; longer inputs are never repeated.
std::uint64_t Model::stepSignature(const KvCache& cache, const DecodeStep& step) const {
    if (step.tokens.size() != 1 || m_observer) return 0;
    return m_serial << 32 | cache.serial() << 1 | static_cast<std::uint64_t>(step.logitRows);
}

Result<void> Model::forward(KvCache& cache, std::span<const std::int32_t> tokens, LogitsWanted wanted,
                            std::span<float> logits, std::stop_token stop) {
    const auto vocabulary = static_cast<std::size_t>(m_config.vocabulary);
    const std::size_t rowsWanted =
        wanted == LogitsWanted::All ? tokens.size() : (wanted == LogitsWanted::Last && !tokens.empty() ? 1 : 0);
    if (logits.size() < rowsWanted * vocabulary) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("logits hold {} floats, {} needed", logits.size(), rowsWanted * vocabulary));
    }
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

    const auto chunk = static_cast<std::size_t>(m_options.prefillChunk);
    for (std::size_t start = 0; start < tokens.size(); start += chunk) {
        const std::span<const std::int32_t> part = tokens.subspan(start, std::min(chunk, tokens.size() - start));
        const bool last = start + part.size() == tokens.size();
        DecodeStep step{m_config, m_weights, *m_scratch, cache, part, cache.length(), 0, {}, m_observer};
        if (wanted == LogitsWanted::All) {
            step.logitRows = static_cast<std::int32_t>(part.size());
            step.logits = logits.subspan(start * vocabulary, part.size() * vocabulary);
        } else if (wanted == LogitsWanted::Last && last) {
            step.logitRows = 1;
            step.logits = logits.first(vocabulary);
        }
        m_backend.beginStep(stop);
        const kernels::StepInfo info{stepSignature(cache, step), part, step.firstPosition, std::as_writable_bytes(step.logits)};
        if (!m_backend.replayStep(info)) decode(m_backend, step);
        if (const kernels::Status status = m_backend.endStep(); !status.ok()) return errorOf(status);
        if (m_file.damaged())
            return fail(ErrorCode::FileChanged, fmt::format("{}: shrank while it was in use", m_file.path().string()));
        cache.advance(static_cast<std::int32_t>(part.size()));
    }
    return {};
}

} // namespace hearth::core
