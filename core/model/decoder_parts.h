// SPDX-License-Identifier: Apache-2.0
//
// The parts that decoder.cpp puts together: norms, attention and feed-forward of one block. Inside the decoder only.
#pragma once

#include "core/model/decoder.h"

namespace hearth::core {

/// What every part needs to know of the pass that it belongs to.
struct Pass {
    const Segment& segment;
    DecodeStep& step;
    kernels::Backend& backend;
    Scratch& scratch;
    const ModelConfig& config;
};

[[nodiscard]] inline bool present(const kernels::TensorView& weight) {
    return weight.data != nullptr;
}

/// The last `count` rows.
[[nodiscard]] inline kernels::TensorView lastRows(const kernels::TensorView& view, std::int64_t count) {
    return view.rowRange(view.rows() - count, count);
}

/// The same numbers seen as rows of another width.
[[nodiscard]] inline kernels::TensorView asRowsOf(const kernels::TensorView& view, std::int64_t cols) {
    kernels::TensorView rows = view;
    rows.shape = {1, view.elements() / cols, cols};
    return rows;
}

/// The first rows of scratch memory, seen as narrower than it was laid out.
[[nodiscard]] inline kernels::TensorView narrowed(const kernels::TensorView& view, std::int64_t rows, std::int64_t cols) {
    kernels::TensorView narrow = view;
    narrow.shape = {1, rows, cols};
    return narrow;
}

/// Who reads a norm's result.
enum class NormReaders : std::uint8_t {
    Any,
    Products, ///< matrix products alone, before x changes (Backend::rmsNormForProducts)
};

/// out = norm(x) as the configuration says, after x += sum where there is one. out may be x, unless only products read it.
void addThenNorm(const Pass& pass, const kernels::TensorView& out, const kernels::TensorView& x,
                 const kernels::TensorView& sum, const NormWeights& weights, NormReaders readers = NormReaders::Any);
inline void norm(const Pass& pass, const kernels::TensorView& out, const kernels::TensorView& x,
                 const NormWeights& weights) {
    addThenNorm(pass, out, x, {}, weights);
}

/// Stores the keys and values of h [tokens, embedding] and computes what the attention of its last `rows` tokens gives, before
/// the output matrix: [rows, ...] in scratch memory. With no rows only the cache is written.
[[nodiscard]] kernels::TensorView attend(const Pass& pass, std::int32_t layer, const kernels::TensorView& h,
                                         std::int64_t rows);
[[nodiscard]] kernels::TensorView attendLatent(const Pass& pass, std::int32_t layer, const kernels::TensorView& h,
                                               std::int64_t rows);

/// The rotation of one layer for this cache's length.
[[nodiscard]] kernels::RopeParams ropeOf(const Pass& pass, std::int32_t layer);
/// Scale, cap, window and sinks of one layer.
[[nodiscard]] kernels::AttentionParams attentionOf(const Pass& pass, std::int32_t layer);

/// The dense feed-forward's product of activations [rows, feedForward], which its last matrix is still to be multiplied with.
[[nodiscard]] kernels::TensorView denseActivations(const Pass& pass, const LayerWeights& layer,
                                                   const kernels::TensorView& h);
/// out = mixture of experts of h, the shared one added. h may be overwritten.
void mixExperts(const Pass& pass, const LayerWeights& layer, const kernels::TensorView& out,
                const kernels::TensorView& h);

} // namespace hearth::core
