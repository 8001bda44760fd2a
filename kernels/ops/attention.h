// SPDX-License-Identifier: Apache-2.0
//
// Attention over the KV cache, with grouped query heads; causal unless asked otherwise.
//
// appendKv: k, v [n, kvHeads * headDim] f32 go to positions firstPosition ... firstPosition + n - 1 of the cache.
//     f16: rounded to nearest even. Beyond the range of f16 they become its largest finite value: one infinity would turn every later row
//     into NaN.
//     q8_0: every 32 neighbours x of a head become a block (kernels/quant/q8_0.h), in f32 arithmetic: d = largest |x| / 127, stored as f16;
//     q = x * (1 / d), rounded, halves away from zero. A d that rounds to 0 in f16 makes the block 0. |x| is limited to 127 * 65504 first;
//     a NaN makes its block NaN.
//
// attention, for token t at position p = firstPosition + t and query head h reading KV head g = h / (heads / kvHeads):
//     score[j] = scale * dot(q[t][h], key[g][j])                       j in max(0, p - window + 1) ... last  (window 0: from 0)
//     score[j] = softcap * tanh(score[j] / softcap)                    when softcap > 0
//     out[t][h] = sum over j of w[j] * value[g][j],   w[j] = exp(score[j]) / (sum over j of exp(score[j]) + exp(sinks[h]))
// last is p when causal, else the last position of this call, firstPosition + n - 1. Without sinks their term is absent: w is a softmax.
//
// out    [n, heads * headDim]  f32; may not be q's memory
// q      [n, heads * headDim]  f32
// cache  [kvHeads, capacity, headDim] keys and values, f16 or q8_0 (headDim a multiple of 32); positions up to firstPosition + n - 1 are
//        written
// sinks  [heads] f32, or no data; neither scaled nor capped
//
// A row whose scores are all -inf gives 0. Sums in f32; within 2e-5 of the largest |value| of the rounded cache, at thousands of positions,
// and within 1.5e-3 where a GPU computes prompts with queries and weights in f16 (tests/kernels/ops_test.cpp). One token reads (p + 1) * headDim * 4 bytes per KV head in f16, 2.125 in q8_0, once for all query heads of
// its group.
// On a GPU the same holds for up to eight rows. Prompts go through matrix tiles, which take q and w in f16: within 2e-3 of the largest |value|
// where the scores' standard deviation is at most 4, and off in proportion beyond (tests/kernels/attention_kernels_test.cpp).
// Source: Vaswani 2017, arXiv:1706.03762; Ainslie 2023, arXiv:2305.13245 (grouped heads); Milakov and Gimelshein 2018, arXiv:1805.02867
// (online softmax); Dao 2022, arXiv:2205.14135 (tiles); Xiao 2023, arXiv:2309.17453, and the gpt-oss model card 2025 (sinks).
#pragma once

#include "kernels/backend.h"
#include "kernels/ops/shapes.h"
#include "kernels/quant/q8_0.h"

namespace hearth::kernels {

[[nodiscard]] inline bool kvRangeFits(const KvView& cache, std::int32_t firstPosition, std::int64_t tokens) {
    return cache.keys != nullptr && cache.values != nullptr && cache.kvHeads > 0 && cache.headDim > 0 &&
           firstPosition >= 0 && firstPosition + tokens <= cache.capacity &&
           (cache.type == KvType::F16 || (cache.type == KvType::Q8_0 && cache.headDim % BlockQ8_0::kElements == 0));
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
           (params.sinks.data == nullptr || isF32Vector(params.sinks, params.heads)) &&
           q.cols() == static_cast<std::int64_t>(params.heads) * cache.headDim;
}

} // namespace hearth::kernels
