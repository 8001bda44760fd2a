// SPDX-License-Identifier: Apache-2.0
//
// XChunk: 256 activations of one token as the inner loops want them: numbers, scales and sums each contiguous.
// Included by the translation unit of one instruction set (all have AVX2); everything here is internal to it.
#pragma once

#include "kernels/quant/q8_activation.h"

#include <cstdint>
#include <cstring>
#include <immintrin.h>

#define HEARTH_ALWAYS inline __attribute__((always_inline))
#define HEARTH_ALWAYS_LAMBDA __attribute__((always_inline))

namespace hearth::kernels {

namespace {

constexpr int kChunk = 256;
constexpr int kBlocksPerChunk = 8;

struct alignas(64) XChunk {
    std::int8_t q[kChunk];
    float scale[8];   ///< of each 32
    float sum[16];    ///< scale * sum of q, of each 32 (then only 8 count) or each 16
};
static_assert(sizeof(XChunk) == 384);

HEARTH_ALWAYS std::int64_t chunksFor(std::int64_t blocks) {
    return (blocks + kBlocksPerChunk - 1) / kBlocksPerChunk;
}

/// Sum of the 16 bytes at q.
HEARTH_ALWAYS int sumOf16(const std::int8_t* q) {
    // psadbw adds unsigned bytes: 16 of them carry a bias of 128 each.
    const __m128i raised = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(q)), _mm_set1_epi8(-128));
    const __m128i sums = _mm_sad_epu8(raised, _mm_setzero_si128());
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4) - 16 * 128;
}

/// Packs `blocks` blocks into chunksFor(blocks) chunks with sums of groups of `Group`; what the last chunk lacks is zero.
template <int Group>
HEARTH_ALWAYS void packActivations(XChunk* out, const Q8Block* x, std::int64_t blocks) {
    if (blocks % kBlocksPerChunk != 0) std::memset(static_cast<void*>(out + blocks / kBlocksPerChunk), 0, sizeof(XChunk));
    for (std::int64_t b = 0; b < blocks; ++b) {
        XChunk& chunk = out[b / kBlocksPerChunk];
        const std::int64_t at = b % kBlocksPerChunk;
        std::memcpy(chunk.q + at * 32, x[b].q, 32);
        chunk.scale[at] = x[b].scale;
        if constexpr (Group == 32) {
            chunk.sum[at] = x[b].scale * static_cast<float>(x[b].sum);
        } else {
            const int first = sumOf16(x[b].q);
            chunk.sum[2 * at] = x[b].scale * static_cast<float>(first);
            chunk.sum[2 * at + 1] = x[b].scale * static_cast<float>(x[b].sum - first);
        }
    }
}

/// quantizeRowToQ8() with eight lanes.
void quantizeRowAvx2(Q8Block* out, const float* x, std::int64_t cols) {
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (std::int64_t b = 0; b < cols / kQ8Elements; ++b) {
        __m256 v[4];
        __m256 top = _mm256_setzero_ps();
        for (int i = 0; i < 4; ++i) {
            v[i] = _mm256_loadu_ps(x + b * 32 + i * 8);
            top = _mm256_max_ps(_mm256_and_ps(v[i], magnitude), top);
        }
        __m128 m = _mm_max_ps(_mm256_castps256_ps128(top), _mm256_extractf128_ps(top, 1));
        m = _mm_max_ps(m, _mm_movehl_ps(m, m));
        m = _mm_max_ss(m, _mm_movehdup_ps(m));
        const float largest = _mm_cvtss_f32(m);
        const bool empty = !(largest >= kQ8SmallestMagnitude && largest <= 3.4e38f);
        const __m256 inverse = _mm256_set1_ps(empty ? 0.0f : 127.0f / largest);
        __m256i q[4];
        for (int i = 0; i < 4; ++i) {
            // An infinity times zero is not a number: an empty block is zero whatever it held.
            const __m256 scaled = _mm256_mul_ps(v[i], inverse);
            q[i] = empty ? _mm256_setzero_si256() : _mm256_cvtps_epi32(scaled);
        }
        const __m256i words = _mm256_add_epi32(_mm256_add_epi32(q[0], q[1]), _mm256_add_epi32(q[2], q[3]));
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
        // The packs work within 128-bit halves: afterwards dwords stand as 0 2 4 6 | 1 3 5 7.
        const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out[b].q), _mm256_permutevar8x32_epi32(packed, order));
        out[b].scale = empty ? 0.0f : largest / 127.0f;
        out[b].sum = _mm_cvtsi128_si32(s);
    }
}

} // namespace

} // namespace hearth::kernels
