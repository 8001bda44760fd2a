// SPDX-License-Identifier: Apache-2.0
#include "core/model/decoder.h"

#include <algorithm>
#include <array>
#include <vector>

namespace hearth::core {

using kernels::Backend;
using kernels::DType;
using kernels::TensorView;

namespace {

bool present(const TensorView& weight) {
    return weight.data != nullptr;
}

/// The same numbers seen as one row per head.
TensorView headsAsRows(const TensorView& view, std::int32_t headDim) {
    TensorView heads = view;
    heads.shape = {1, view.elements() / headDim, headDim};
    return heads;
}

/// The last `count` of the first `rows` rows.
TensorView lastRows(const TensorView& view, std::int64_t rows, std::int64_t count) {
    return view.rowRange(rows - count, count);
}

void projectQkv(Backend& backend, const ModelConfig& config, const LayerWeights& layer, const TensorView& h,
                const std::array<TensorView, 3>& qkv) {
    const std::array weights{layer.q, layer.k, layer.v};
    backend.matmulShared(qkv, weights, h);
    const std::array biases{layer.qBias, layer.kBias, layer.vBias};
    for (std::size_t i = 0; i < qkv.size(); ++i) {
        if (present(biases[i])) backend.addBias(qkv[i], biases[i]);
    }
    if (!config.queryKeyNorm) return;
    const TensorView qHeads = headsAsRows(qkv[0], config.headDim);
    const TensorView kHeads = headsAsRows(qkv[1], config.headDim);
    backend.rmsNorm(qHeads, qHeads, layer.qNorm, config.normEpsilon);
    backend.rmsNorm(kHeads, kHeads, layer.kNorm, config.normEpsilon);
}

/// x += feedForward(h)
void denseFeedForward(Backend& backend, const LayerWeights& layer, Scratch& scratch, const TensorView& x,
                      const TensorView& h) {
    const TensorView gate = scratch.gate.firstRows(h.rows());
    const TensorView up = scratch.up.firstRows(h.rows());
    if (present(layer.gateBias) || present(layer.upBias)) {
        backend.matmulShared(std::array{gate, up}, std::array{layer.gate, layer.up}, h);
        if (present(layer.gateBias)) backend.addBias(gate, layer.gateBias);
        if (present(layer.upBias)) backend.addBias(up, layer.upBias);
        backend.swiGlu(gate, gate, up);
    } else {
        backend.gatedMatmul(gate, layer.gate, layer.up, h, kernels::GatedActivation::Silu, up);
    }
    backend.matmulAdd(x, layer.down, gate, layer.downBias, scratch.projected.firstRows(h.rows()));
}

void expertFeedForward(Backend& backend, const ModelConfig& config, const LayerWeights& layer, Scratch& scratch,
                       const TensorView& out, const TensorView& h) {
    const std::int64_t rows = h.rows();
    const std::int64_t expertRows = rows * config.expertsUsed;
    const TensorView routerLogits = scratch.routerLogits.firstRows(rows);
    const TensorView ids = scratch.expertIds.firstRows(rows);
    const TensorView weights = scratch.expertWeights.firstRows(rows);
    const TensorView gate = scratch.expertGate.firstRows(expertRows);
    const TensorView up = scratch.expertUp.firstRows(expertRows);
    const TensorView expertOut = scratch.expertOut.firstRows(expertRows);

    backend.matmul(routerLogits, layer.router, h);
    backend.moeRoute(ids, weights, routerLogits, config.renormaliseExperts);
    backend.matmulExperts(gate, layer.expertGate, h, ids);
    backend.matmulExperts(up, layer.expertUp, h, ids);
    backend.swiGlu(gate, gate, up);
    backend.matmulExperts(expertOut, layer.expertDown, gate, ids);
    backend.moeCombine(out, expertOut, weights);
}

/// out = rmsNorm(x), after x += sum where there is one
void addThenNorm(Backend& backend, const TensorView& out, const TensorView& x, const TensorView& sum,
                 const TensorView& weight, float eps) {
    if (present(sum)) {
        backend.addRmsNorm(out, x, sum, weight, eps);
    } else {
        backend.rmsNorm(out, x, weight, eps);
    }
}

void computeLogits(Backend& backend, DecodeStep& step, Scratch& scratch, const TensorView& x,
                   const TensorView& mixture) {
    const TensorView h = scratch.normed.firstRows(x.rows());
    addThenNorm(backend, h, x, mixture, step.weights.outputNorm, step.config.normEpsilon);
    if (step.sampling != nullptr) {
        const TensorView logits = scratch.logits.firstRows(1);
        backend.matmul(logits, step.weights.output, h);
        backend.sample(scratch.token, logits, *step.sampling);
        backend.download(std::as_writable_bytes(std::span(&step.chosen, 1)), scratch.token);
        return;
    }
    const auto vocabulary = static_cast<std::size_t>(step.config.vocabulary);
    for (std::int64_t row = 0; row < h.rows(); row += Scratch::kLogitRows) {
        const std::int64_t count = std::min<std::int64_t>(Scratch::kLogitRows, h.rows() - row);
        const TensorView logits = scratch.logits.firstRows(count);
        backend.matmul(logits, step.weights.output, h.rowRange(row, count));
        backend.download(std::as_writable_bytes(step.logits.subspan(static_cast<std::size_t>(row) * vocabulary,
                                                                    static_cast<std::size_t>(count) * vocabulary)),
                         logits);
    }
}

void observe(Backend& backend, const DecodeStep& step, std::int32_t layer, const TensorView& x) {
    std::vector<float> residual(static_cast<std::size_t>(x.elements()));
    backend.download(std::as_writable_bytes(std::span(residual)), x);
    step.observer(layer, step.firstPosition, residual);
}

} // namespace

std::uint64_t Scratch::layOut(const ModelConfig& config, std::int32_t chunk, std::byte* base) {
    constexpr std::uint64_t kAlignment = 64;
    std::uint64_t offset = 0;
    const auto place = [&](TensorView& view, std::int64_t rows, std::int64_t cols, DType dtype = DType::F32) {
        view = kernels::matrixView(base == nullptr ? nullptr : base + offset, dtype, rows, cols);
        offset += (view.bytes() + kAlignment - 1) / kAlignment * kAlignment;
    };
    const std::int64_t expertRows = static_cast<std::int64_t>(chunk) * config.expertsUsed;
    place(residual, chunk, config.embedding);
    place(normed, chunk, config.embedding);
    place(q, chunk, config.queryWidth());
    place(k, chunk, config.kvWidth());
    place(v, chunk, config.kvWidth());
    place(attention, chunk, config.queryWidth());
    place(projected, chunk, config.embedding);
    place(gate, chunk, config.feedForward);
    place(up, chunk, config.feedForward);
    place(routerLogits, chunk, config.experts);
    place(expertIds, chunk, config.expertsUsed, DType::I32);
    place(expertWeights, chunk, config.expertsUsed);
    place(expertGate, expertRows, config.expertFeedForward);
    place(expertUp, expertRows, config.expertFeedForward);
    place(expertOut, expertRows, config.embedding);
    place(logits, std::min(chunk, kLogitRows), config.vocabulary);
    place(token, 1, 1, DType::I32);
    return offset;
}

std::uint64_t Scratch::bytesFor(const ModelConfig& config, std::int32_t chunk) {
    return Scratch().layOut(config, chunk, nullptr);
}

std::unique_ptr<Scratch> Scratch::create(const ModelConfig& config, Backend& backend, std::int32_t chunk) {
    std::unique_ptr<Scratch> scratch(new Scratch);
    scratch->m_buffer = backend.allocate(bytesFor(config, chunk));
    if (scratch->m_buffer == nullptr) return nullptr;
    scratch->layOut(config, chunk, static_cast<std::byte*>(scratch->m_buffer->data()));
    return scratch;
}

std::int64_t carriedRows(const DecodeStep& step, std::int32_t layers) {
    const bool all = layers < step.config.layers || step.observer;
    return all ? static_cast<std::int64_t>(step.tokens.size()) : step.logitRows;
}

void decode(const Segment& segment, DecodeStep& step) {
    Backend& backend = segment.backend;
    Scratch& scratch = segment.scratch;
    const ModelConfig& config = step.config;
    const auto tokens = static_cast<std::int64_t>(step.tokens.size());
    const kernels::AttentionParams attention{config.heads, config.attentionScale, 0.0f, 0};

    TensorView x = scratch.residual.firstRows(carriedRows(step, segment.firstLayer));
    TensorView mixture; // of the layer before, still to be added to x: the next norm does it in passing
    if (segment.embeds) {
        backend.embed(x, step.weights.tokenEmbedding, step.tokens, config.embeddingScale);
    } else {
        backend.upload(x, std::as_bytes(step.carried.first(static_cast<std::size_t>(x.elements()))));
    }

    for (std::int32_t i = segment.firstLayer; i < segment.endLayer; ++i) {
        const LayerWeights& layer = step.weights.layers[static_cast<std::size_t>(i)];
        const kernels::KvView kv = step.cache.layer(i);
        const TensorView h = scratch.normed.firstRows(tokens);
        const TensorView q = scratch.q.firstRows(tokens);
        const TensorView k = scratch.k.firstRows(tokens);
        const TensorView v = scratch.v.firstRows(tokens);

        addThenNorm(backend, h, x, mixture, layer.attentionNorm, config.normEpsilon);
        projectQkv(backend, config, layer, h, {q, k, v});
        const std::int64_t rows = carriedRows(step, i + 1);
        if (rows == 0) {
            backend.ropeAndAppend(q, k, v, kv, step.firstPosition, config.rope);
            return;
        }
        x = lastRows(x, tokens, rows);
        const TensorView attended = scratch.attention.firstRows(rows);
        const TensorView projected = scratch.projected.firstRows(rows);
        backend.ropeAppendAttention(attended, q, k, v, kv, step.firstPosition, config.rope, attention);
        backend.matmulAdd(x, layer.attentionOutput, attended, layer.attentionOutputBias, projected);

        const TensorView ffnInput = scratch.normed.firstRows(rows);
        backend.rmsNorm(ffnInput, x, layer.ffnNorm, config.normEpsilon);
        if (config.experts > 0) {
            expertFeedForward(backend, config, layer, scratch, projected, ffnInput);
            mixture = projected;
        } else {
            denseFeedForward(backend, layer, scratch, x, ffnInput);
        }
        if (step.observer) {
            if (present(mixture)) backend.add(x, mixture);
            mixture = {};
            observe(backend, step, i, x);
        }
    }

    if (!segment.computesLogits) {
        if (present(mixture)) backend.add(x, mixture);
        backend.download(std::as_writable_bytes(step.carried.first(static_cast<std::size_t>(x.elements()))), x);
    } else if (step.logitRows > 0) {
        if (present(mixture)) mixture = lastRows(mixture, x.rows(), step.logitRows);
        computeLogits(backend, step, scratch, lastRows(x, x.rows(), step.logitRows), mixture);
    }
}

} // namespace hearth::core
