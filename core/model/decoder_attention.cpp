// SPDX-License-Identifier: Apache-2.0
#include "core/model/decoder_parts.h"

#include <array>

namespace hearth::core {

using kernels::Backend;
using kernels::TensorView;

namespace {

void normQueriesAndKeys(const Pass& pass, const LayerWeights& layer, const TensorView& q, const TensorView& k) {
    if (pass.config.queryKeyNorm == QueryKeyNorm::None) return;
    const bool whole = pass.config.queryKeyNorm == QueryKeyNorm::Whole;
    const TensorView qRows = whole ? q : asRowsOf(q, pass.config.headDim);
    const TensorView kRows = whole ? k : asRowsOf(k, pass.config.headDim);
    pass.backend.rmsNorm(qRows, qRows, layer.qNorm, pass.config.normEpsilon);
    pass.backend.rmsNorm(kRows, kRows, layer.kNorm, pass.config.normEpsilon);
}

const LayerWeights& weightsOf(const Pass& pass, std::int32_t layer) {
    return pass.step.weights.layers[static_cast<std::size_t>(layer)];
}

} // namespace

kernels::RopeParams ropeOf(const Pass& pass, std::int32_t layer) {
    const LayerKind& kind = pass.config.kind(layer);
    kernels::RopeParams rope = kind.sliding ? pass.config.slidingRope : pass.config.rope;
    if (!kind.rotated) rope.dims = 0;
    if (kind.sliding) return rope;
    const ModelWeights& weights = pass.step.weights;
    const bool longer = pass.step.cache.capacity() > pass.config.originalContext;
    const std::vector<float>& factors = longer ? weights.ropeLongFactors : weights.ropeShortFactors;
    if (rope.frequencyFactors == nullptr && !factors.empty()) rope.frequencyFactors = factors.data();
    return rope;
}

kernels::AttentionParams attentionOf(const Pass& pass, std::int32_t layer) {
    const ModelConfig& config = pass.config;
    return {.heads = config.heads,
            .scale = config.attentionScale,
            .softcap = config.attentionSoftcap,
            .window = config.kind(layer).sliding ? config.slidingWindow : 0,
            .sinks = weightsOf(pass, layer).sinks};
}

TensorView attend(const Pass& pass, std::int32_t layer, const TensorView& h, std::int64_t rows) {
    Backend& backend = pass.backend;
    const LayerWeights& weights = weightsOf(pass, layer);
    const std::array qkv{pass.scratch.q.firstRows(h.rows()), pass.scratch.k.firstRows(h.rows()),
                         pass.scratch.v.firstRows(h.rows())};
    backend.matmulShared(qkv, std::array{weights.q, weights.k, weights.v}, h);
    const std::array biases{weights.qBias, weights.kBias, weights.vBias};
    for (std::size_t i = 0; i < qkv.size(); ++i) {
        if (present(biases[i])) backend.addBias(qkv[i], biases[i]);
    }
    normQueriesAndKeys(pass, weights, qkv[0], qkv[1]);
    const kernels::KvView kv = pass.step.cache.layer(layer);
    const kernels::RopeParams rope = ropeOf(pass, layer);
    if (rows == 0) {
        backend.ropeAndAppend(qkv[0], qkv[1], qkv[2], kv, pass.step.firstPosition, rope);
        return {};
    }
    const TensorView attended = pass.scratch.attention.firstRows(rows);
    backend.ropeAppendAttention(attended, qkv[0], qkv[1], qkv[2], kv, pass.step.firstPosition, rope,
                                attentionOf(pass, layer));
    return attended;
}

/// Heads are laid out rotated part first, since a rotation turns leading elements; scores do not mind the order. Values are
/// padded to the width of a key by zeros (scratch memory starts so, and nobody writes there), which stay out of the result.
/// Not absorbed: key of head i = (rotated, up_i), value = (up_i, 0). Absorbed: one key and value for all heads, the latent
/// vector itself, and query i = (rotated, keyUp_i * query_i); what it attends to goes through valueUp_i.
TensorView attendLatent(const Pass& pass, std::int32_t layer, const TensorView& h, std::int64_t rows) {
    Backend& backend = pass.backend;
    const LayerWeights& weights = weightsOf(pass, layer);
    const LatentAttention& latent = pass.config.latent;
    const std::int64_t tokens = h.rows();
    const std::int64_t heads = pass.config.heads;
    const std::int64_t rotated = pass.config.rope.dims;
    const std::int64_t keyDim = latent.nopeDim + rotated;
    const std::int64_t headDim = pass.config.headDim;
    const LatentScratch& scratch = pass.scratch.latent;

    TensorView queryInput = h;
    if (latent.queryRank > 0) {
        queryInput = scratch.queryDown.firstRows(tokens);
        backend.matmul(queryInput, weights.latent.queryDown, h);
        norm(pass, queryInput, queryInput, weights.latent.queryNorm);
    }
    const TensorView query = scratch.query.firstRows(tokens * heads); // (nope, rotated)
    backend.matmul(asRowsOf(query, heads * keyDim), weights.q, queryInput);
    const TensorView down = scratch.down.firstRows(tokens); // (latent, rotated)
    backend.matmul(down, weights.latent.down, h);
    const TensorView vectors = scratch.latent.firstRows(tokens);
    backend.copyColumns(vectors, 0, down, 0, latent.rank);
    norm(pass, vectors, vectors, weights.latent.norm);

    const TensorView q = pass.scratch.q.firstRows(tokens);
    const TensorView k = pass.scratch.k.firstRows(tokens);
    const TensorView v = pass.scratch.v.firstRows(tokens);
    const TensorView qHeads = asRowsOf(q, headDim);
    const TensorView kHeads = asRowsOf(k, headDim);
    const TensorView vHeads = asRowsOf(v, headDim);
    backend.copyColumns(qHeads, 0, query, latent.nopeDim, rotated);
    backend.copyColumns(kHeads, 0, down, latent.rank, rotated);
    if (latent.absorbed) {
        const TensorView nope = scratch.queryNope.firstRows(tokens * heads);
        const TensorView up = scratch.queryUp.firstRows(tokens * heads);
        backend.copyColumns(nope, 0, query, 0, latent.nopeDim);
        backend.matmulExperts(up, weights.latent.keyUp, nope, scratch.headIds.firstRows(tokens));
        backend.copyColumns(qHeads, rotated, up, 0, latent.rank);
        backend.copyColumns(kHeads, rotated, vectors, 0, latent.rank);
        backend.copyColumns(vHeads, 0, vectors, 0, latent.rank);
    } else {
        const TensorView up = scratch.up.firstRows(tokens * heads); // (nope, value)
        backend.matmul(asRowsOf(up, heads * up.cols()), weights.latent.up, vectors);
        backend.copyColumns(qHeads, rotated, query, 0, latent.nopeDim);
        backend.copyColumns(kHeads, rotated, up, 0, latent.nopeDim);
        backend.copyColumns(vHeads, 0, up, latent.nopeDim, latent.valueDim);
    }
    const kernels::KvView kv = pass.step.cache.layer(layer);
    backend.ropeAndAppend(q, k, v, kv, pass.step.firstPosition, ropeOf(pass, layer));
    if (rows == 0) return {};

    const TensorView padded = pass.scratch.attention.firstRows(rows);
    backend.attention(padded, lastRows(q, rows), kv, pass.step.firstPosition + static_cast<std::int32_t>(tokens - rows),
                      attentionOf(pass, layer));
    const TensorView attended = scratch.attended.firstRows(rows * heads);
    backend.copyColumns(attended, 0, asRowsOf(padded, headDim), 0, attended.cols());
    if (!latent.absorbed) return asRowsOf(attended, heads * latent.valueDim);
    const TensorView values = scratch.values.firstRows(rows * heads);
    backend.matmulExperts(values, weights.latent.valueUp, attended, scratch.headIds.firstRows(rows));
    return asRowsOf(values, heads * latent.valueDim);
}

} // namespace hearth::core
