// SPDX-License-Identifier: Apache-2.0
//
// Attention over the KV cache, with grouped query heads.
//
// appendKv: k, v [n, kvHeads * headDim] f32 go to positions firstPosition ... firstPosition + n - 1 of the cache as f16, rounded to
//     nearest even. Beyond the range of f16 they become its largest finite value: one infinity would turn every later row into NaN.
//     Q8_0: each 32 values x of a head get d = maxabs / 127 as f16 (largest finite value as above), q = x * (127 / maxabs) to nearest even.
//
// attention, for token t at position p = firstPosition + t and query head h reading KV head g = h / (heads / kvHeads):
//     score[j] = scale * dot(q[t][h], key[g][j])                       j in max(0, p - window + 1) ... p  (window 0: from 0)
//     score[j] = softcap * tanh(score[j] / softcap)                    when softcap > 0
//     out[t][h] = sum over j of softmax(score)[j] * value[g][j]
//     not causal: j goes on to firstPosition + n - 1
//     sinks: the softmax's sum has another exp(sinks[h]), which has no value
//
// out    [n, heads * headDim]  f32; may not be q's memory
// q      [n, heads * headDim]  f32
// cache  [kvHeads, capacity, headDim] keys and values; positions up to firstPosition + n - 1 are written
//
// A row whose scores are all -inf gives 0. Sums in f32; within 2e-5 of the largest |value| of the rounded cache, at thousands of positions
// (tests/kernels/ops_test.cpp). The same for single rows on a GPU; its matrix tiles for prompts take q and the softmax in f16, and are within
// 2e-3 of it where the scores' standard deviation is at most 8 (larger scores are off by more, in proportion).
// One token reads (p + 1) * headDim * 4 bytes per KV head, once for all query heads of its group.
// Source: Vaswani 2017, arXiv:1706.03762; Ainslie 2023, arXiv:2305.13245 (grouped heads); Milakov and Gimelshein 2018, arXiv:1805.02867
// (online softmax); Dao 2022, arXiv:2205.14135 (tiles).
#pragma once

#include "kernels/backend.h"
#include "kernels/ops/shapes.h"

namespace hearth::kernels {

[[nodiscard]] inline bool kvRangeFits(const KvView& cache, std::int32_t firstPosition, std::int64_t tokens) {
    return cache.keys != nullptr && cache.values != nullptr && cache.kvHeads > 0 && cache.headDim > 0 &&
           firstPosition >= 0 && firstPosition + tokens <= cache.capacity;
}

[[nodiscard]] inline bool appendKvFits(const KvView& cache, const TensorView& k, const TensorView& v,
                                       std::int32_t firstPosition) {
    return isF32Matrix(k) && isF32Matrix(v) && sameShape(k, v) && kvRangeFits(cache, firstPosition, k.rows()) &&
           k.cols() == static_cast<std::int64_t>(cache.kvHeads) * cache.headDim;
}

[[nodiscard]] inline bool attentionFits(const TensorView& out, const TensorView& q, const KvView& cache,
                                        std::int32_t firstPosition, const AttentionParams& params) {
    return isF32Matrix(out) && isF32Matrix(q) && sameShape(out, q) && kvRangeFits(cache, firstPosition, q.rows()) &&
           params.heads > 0 && params.heads % cache.kvHeads == 0 && params.window >= 0 &&
           q.cols() == static_cast<std::int64_t>(params.heads) * cache.headDim;
}

} // namespace hearth::kernels
