// SPDX-License-Identifier: Apache-2.0
//
// Attention of many query rows of one KV head: two products of small matrices per tile of positions, with the online softmax between them.
// Keys are turned so that positions lie in the lanes: then a score needs no sum across lanes, and one product serves both,
//     scores [rows, positions] = queries [rows, dim] * keys [dim, positions],   sums [rows, dim] += weights [rows, positions] * values.
// Tiles that a group of rows does not see (the future, what a window has left behind) are skipped.
// Contract: attention.h; arguments: AttentionBlock in kernels/cpu/cpu_op_table.h.
#pragma once

#include "kernels/cpu/cpu_op_table.h"
#include "kernels/ops/attention_cpu.h"

namespace hearth::kernels {
namespace {

constexpr int kBlockPositions = kAttentionBlockPositions;

/// c [R, two vectors] = (adding: +=) a [R, inner] * b [inner, two vectors]; strides in floats.
template <typename V, int R>
HEARTH_INLINE void multiplyRows(float* c, std::int64_t cStride, const float* a, std::int64_t aStride, const float* b, std::int64_t bStride,
                                std::int64_t inner, bool adding) {
    V sums[R][2];
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
        for (int h = 0; h < 2; ++h) sums[r][h] = adding ? V::load(c + r * cStride + h * V::kWidth) : V::set(0.0f);
    }
    for (std::int64_t k = 0; k < inner; ++k) {
        const V first = V::load(b + k * bStride);
        const V second = V::load(b + k * bStride + V::kWidth);
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) {
            const V factor = V::set(a[r * aStride + k]);
            sums[r][0] = V::fma(factor, first, sums[r][0]);
            sums[r][1] = V::fma(factor, second, sums[r][1]);
        }
    }
    for (int r = 0; r < R; ++r) {
        for (int h = 0; h < 2; ++h) V::store(c + r * cStride + h * V::kWidth, sums[r][h]);
    }
}

/// Four rows of `dim` values become four neighbouring columns of a matrix with kBlockPositions columns.
HEARTH_INLINE void turnFour(float* to, const float* rows, std::int64_t dim) {
    using Four = VecPortable::Four;
    std::int64_t d = 0;
    for (; d + 4 <= dim; d += 4) {
        const Four a = VecPortable::load(rows + d).v;
        const Four b = VecPortable::load(rows + dim + d).v;
        const Four c = VecPortable::load(rows + 2 * dim + d).v;
        const Four e = VecPortable::load(rows + 3 * dim + d).v;
        const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
        const Four ce = __builtin_shufflevector(c, e, 0, 4, 1, 5);
        const Four abHigh = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        const Four ceHigh = __builtin_shufflevector(c, e, 2, 6, 3, 7);
        VecPortable::store(to + d * kBlockPositions, {__builtin_shufflevector(ab, ce, 0, 1, 4, 5)});
        VecPortable::store(to + (d + 1) * kBlockPositions, {__builtin_shufflevector(ab, ce, 2, 3, 6, 7)});
        VecPortable::store(to + (d + 2) * kBlockPositions, {__builtin_shufflevector(abHigh, ceHigh, 0, 1, 4, 5)});
        VecPortable::store(to + (d + 3) * kBlockPositions, {__builtin_shufflevector(abHigh, ceHigh, 2, 3, 6, 7)});
    }
    for (; d < dim; ++d) {
        for (int j = 0; j < 4; ++j) to[d * kBlockPositions + j] = rows[j * dim + d];
    }
}

/// One position of the cache as f32.
template <typename V, KvLayout kLayout>
HEARTH_INLINE void widenPosition(float* out, const void* rows, std::int64_t position, std::int64_t dim) {
    if constexpr (kLayout == KvLayout::Half) {
        const std::uint16_t* row = static_cast<const std::uint16_t*>(rows) + position * dim;
        std::int64_t d = 0;
        for (; d + V::kWidth <= dim; d += V::kWidth) V::store(out + d, V::loadHalf(row + d));
        for (; d < dim; ++d) out[d] = halfToFloat(row[d]);
    } else {
        const std::int64_t blocks = dim / BlockQ8_0::kElements;
        const BlockQ8_0* row = static_cast<const BlockQ8_0*>(rows) + position * blocks;
        for (std::int64_t b = 0; b < blocks; ++b) decode(row[b], out + b * BlockQ8_0::kElements);
    }
}

/// Positions [from, from + count) of keys, turned, and of values; what the tile lacks is zero.
template <typename V, KvLayout kLayout>
void loadPositions(const AttentionBlock& block, std::int64_t from, int count) {
    const std::int64_t dim = block.headDim;
    for (int j = 0; j < kBlockPositions; j += 4) {
        float* rows = block.staged;
        for (int i = 0; i < 4; ++i) {
            if (j + i < count) {
                widenPosition<V, kLayout>(rows + i * dim, block.keys, from + j + i, dim);
            } else {
                for (std::int64_t d = 0; d < dim; ++d) rows[i * dim + d] = 0.0f;
            }
        }
        turnFour(block.keyTile + j, rows, dim);
    }
    for (int j = 0; j < count; ++j) widenPosition<V, kLayout>(block.valueTile + j * block.paddedDim, block.values, from + j, dim);
}

/// As tileSoftmax (attention_cpu.h), over a row of kBlockPositions scores.
template <typename V>
HEARTH_INLINE void blockSoftmax(float* scores, const AttentionBlock& block, int row, std::int64_t from, int count) {
    if (block.softcap > 0.0f) softcapValues<V>(scores, count, block.softcap);
    for (int j = count; j < kBlockPositions; ++j) scores[j] = kMinusInfinity;
    if (from < block.firstVisible[row] || from + count - 1 > block.lastVisible[row]) { // at the edges only
        for (int j = 0; j < count; ++j) {
            if (from + j < block.firstVisible[row] || from + j > block.lastVisible[row]) scores[j] = kMinusInfinity;
        }
    }
    V largest = V::load(scores);
    for (int j = V::kWidth; j < kBlockPositions; j += V::kWidth) largest = V::max(largest, V::load(scores + j));
    const float before = block.maxima[row];
    const float here = V::largest(largest);
    const float maximum = here > before ? here : before;
    if (maximum == kMinusInfinity) { // nothing visible yet: exp(-inf - -inf) would be NaN
        for (int j = 0; j < kBlockPositions; ++j) scores[j] = 0.0f;
        return;
    }
    V total = V::set(0.0f);
    for (int j = 0; j < kBlockPositions; j += V::kWidth) {
        const V weight = V::exp(V::sub(V::load(scores + j), V::set(maximum)));
        V::store(scores + j, weight);
        total = V::add(total, weight);
    }
    if (maximum > before) {
        const float fade = __builtin_expf(before - maximum);
        block.weights[row] *= fade;
        scaleValues<V>(block.sums + row * block.paddedDim, block.paddedDim, fade);
        block.maxima[row] = maximum;
    }
    block.weights[row] += V::sum(total);
}

/// Rows [row, row + R) and one tile of positions.
template <typename V, int R>
void blockRows(const AttentionBlock& block, int row, std::int64_t from, int count) {
    alignas(64) float scores[R][kBlockPositions];
    const float* queries = block.queries + row * block.headDim;
    for (int j = 0; j < kBlockPositions; j += 2 * V::kWidth) {
        multiplyRows<V, R>(&scores[0][j], kBlockPositions, queries, block.headDim, block.keyTile + j, kBlockPositions, block.headDim, false);
    }
    for (int r = 0; r < R; ++r) blockSoftmax<V>(scores[r], block, row + r, from, count);
    float* sums = block.sums + row * block.paddedDim;
    for (std::int64_t d = 0; d < block.paddedDim; d += 2 * V::kWidth) {
        multiplyRows<V, R>(sums + d, block.paddedDim, &scores[0][0], kBlockPositions, block.valueTile + d, block.paddedDim, count, true);
    }
}

template <typename V, int R>
void blockRest(int rows, const AttentionBlock& block, int row, std::int64_t from, int count) {
    if (rows == R) return blockRows<V, R>(block, row, from, count);
    if constexpr (R > 1) blockRest<V, R - 1>(rows, block, row, from, count);
}

template <typename V, KvLayout kLayout>
void attentionBlockOf(const AttentionBlock& block) {
    static_assert(kBlockPositions % (2 * V::kWidth) == 0 && kAttentionBlockPadding % (2 * V::kWidth) == 0);
    constexpr int kRows = V::kBlockRows;
    for (std::int64_t i = 0; i < block.rows * block.paddedDim; ++i) block.sums[i] = 0.0f;
    for (std::int64_t i = 0; i < kBlockPositions * block.paddedDim; ++i) block.valueTile[i] = 0.0f;
    for (int r = 0; r < block.rows; ++r) {
        block.maxima[r] = kMinusInfinity;
        block.weights[r] = 0.0f;
    }
    for (std::int64_t from = block.from; from < block.to; from += kBlockPositions) {
        const int count = static_cast<int>(block.to - from < kBlockPositions ? block.to - from : kBlockPositions);
        loadPositions<V, kLayout>(block, from, count);
        for (int row = 0; row < block.rows; row += kRows) {
            const int rows = block.rows - row < kRows ? block.rows - row : kRows;
            // Rows are in the order of their tokens: the first sees the least of the past's end, the last the most.
            if (block.lastVisible[row + rows - 1] < from || block.firstVisible[row] >= from + count) continue;
            blockRest<V, kRows>(rows, block, row, from, count);
        }
    }
}

template <typename V>
void attentionBlock(const AttentionBlock& block) {
    if (block.inBlocks) {
        attentionBlockOf<V, KvLayout::Blocks>(block);
    } else {
        attentionBlockOf<V, KvLayout::Half>(block);
    }
}

} // namespace
} // namespace hearth::kernels
