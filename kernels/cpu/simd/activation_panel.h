// SPDX-License-Identifier: Apache-2.0
//
// How a row of activations becomes a row of a panel of Q8Chunks (kernels/quant/q8_activation.h).
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

constexpr int kChunk = kQ8ChunkElements;
constexpr int kBlocksPerChunk = 8;

/// Up to this many tokens every weight row is multiplied while it is unpacked; more pass by an unpacked tile.
constexpr std::int64_t kFewTokens = kQ8FewRows;

/// How a lone token's weights are read: rows of so many places of the range in turn, each asked for so many bytes ahead, because
/// the processor itself asks for nothing beyond a page and not enough within it (docs/performance.md has the measurements).
constexpr int kReadStreams = 4;
constexpr std::int64_t kReadAhead = 2048;

/// Asks for the `Bytes` that are read kReadAhead after those at p, but not for what lies behind `end`, where another place begins.
template <int Bytes>
HEARTH_ALWAYS void askAhead(const void* p, const void* end) {
    constexpr int kLine = 64;
    const auto ahead = reinterpret_cast<std::uintptr_t>(p) + kReadAhead;
    const auto last = reinterpret_cast<std::uintptr_t>(end);
    const auto first = ahead < last ? ahead : last;
#pragma GCC unroll 16
    for (int at = 0; at < Bytes; at += kLine) _mm_prefetch(reinterpret_cast<const char*>(first + at), _MM_HINT_NTA);
}

HEARTH_ALWAYS int sumOfDwords(__m256i words) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

/// quantizeRowToQ8() of 32 values into block `at` of a chunk, bit for bit on finite input. `flip` is 0 or 128 in each byte.
/// `pieces`, where not null, gets the numbers in the panel's second order.
HEARTH_ALWAYS void packBlock(Q8Chunk& chunk, std::int64_t at, const float* x, __m256i flip, float* rest, std::uint8_t* pieces) {
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256 v[4];
    __m256 top = _mm256_setzero_ps();
    for (int i = 0; i < 4; ++i) {
        v[i] = _mm256_loadu_ps(x + i * 8);
        top = _mm256_max_ps(_mm256_and_ps(v[i], magnitude), top);
    }
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(top), _mm256_extractf128_ps(top, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_movehdup_ps(m));
    const float largest = _mm_cvtss_f32(m);
    const bool empty = !(largest >= kQ8SmallestMagnitude && largest <= 3.4e38f);
    const __m256 inverse = _mm256_set1_ps(empty ? 0.0f : 127.0f / largest);
    const float scale = empty ? 0.0f : largest / 127.0f;
    __m256i q[4];
    for (int i = 0; i < 4; ++i) {
        // An infinity times zero is not a number: an empty block is zero whatever it held.
        const __m256 scaled = _mm256_mul_ps(v[i], inverse);
        q[i] = empty ? _mm256_setzero_si256() : _mm256_cvtps_epi32(scaled);
    }
    if (rest != nullptr) {
        for (int i = 0; i < 4; ++i) {
            _mm256_storeu_ps(rest + i * 8, _mm256_fnmadd_ps(_mm256_set1_ps(scale), _mm256_cvtepi32_ps(q[i]), v[i]));
        }
    }
    const int first = sumOfDwords(_mm256_add_epi32(q[0], q[1]));
    const int second = sumOfDwords(_mm256_add_epi32(q[2], q[3]));
    // The packs work within 128-bit halves: afterwards dwords stand as 0 2 4 6 | 1 3 5 7.
    const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    const __m256i bytes = _mm256_xor_si256(_mm256_permutevar8x32_epi32(packed, order), flip);
    _mm256_store_si256(reinterpret_cast<__m256i*>(chunk.q + at * 32), bytes);
    if (pieces != nullptr) {
        std::uint8_t* to = pieces + at % 2 * 128 + at / 2 * 16;
        _mm_store_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(bytes));
        _mm_store_si128(reinterpret_cast<__m128i*>(to + 64), _mm256_extracti128_si256(bytes, 1));
    }
    chunk.scale[at] = scale;
    chunk.sum32[at] = scale * static_cast<float>(first + second);
    chunk.sum16[2 * at] = scale * static_cast<float>(first);
    chunk.sum16[2 * at + 1] = scale * static_cast<float>(second);
}

/// MatmulKernels::packRow; `Raised` as the instruction set wants panels of many tokens.
template <bool Raised>
void packRow(Q8Chunk* panel, std::int64_t nTokens, std::int64_t token, const float* x, std::int64_t cols, float* rest) {
    const bool raised = Raised && nTokens > kFewTokens;
    const bool pieces = Raised && nTokens <= kFewTokens;
    const __m256i flip = raised ? _mm256_set1_epi8(-128) : _mm256_setzero_si256();
    const std::int64_t blocks = cols / kQ8Elements;
    Q8Chunk* second = panel + q8ChunksFor(cols) * nTokens;
    if (blocks % kBlocksPerChunk != 0) { // scales of zero: the numbers do not count
        const std::int64_t last = blocks / kBlocksPerChunk * nTokens + token;
        std::memset(static_cast<void*>(panel + last), 0, sizeof(Q8Chunk));
        if (pieces) std::memset(static_cast<void*>(second + last), 0, sizeof(Q8Chunk));
    }
    for (std::int64_t b = 0; b < blocks; ++b) {
        const std::int64_t at = b / kBlocksPerChunk * nTokens + token;
        packBlock(panel[at], b % kBlocksPerChunk, x + b * kQ8Elements, flip, rest != nullptr ? rest + b * kQ8Elements : nullptr,
                  pieces ? second[at].q : nullptr);
    }
}

} // namespace

} // namespace hearth::kernels
