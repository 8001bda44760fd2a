// SPDX-License-Identifier: Apache-2.0
//
// Online softmax over tiles of positions, for up to eight query rows of one KV head at once, so that a key or value loaded and widened
// from f16 serves all of them. Contract: attention.h; arguments: AttentionTile in kernels/cpu/cpu_op_table.h.
#pragma once

#include "kernels/cpu/cpu_op_table.h"
#include "kernels/ops/elementwise_cpu.h"

namespace hearth::kernels {
namespace {

/// Positions per tile: their scores stay in registers' reach, their values in the first-level cache between two passes.
constexpr int kTilePositions = 32;

constexpr float kMinusInfinity = -__builtin_inff();

/// scores[r][j] = dot(query row r, key from + j)
template <typename V, int R>
HEARTH_INLINE void tileScores(float (*scores)[kTilePositions], const AttentionTile& tile, const float* queries, std::int64_t from,
                              int count) {
    const std::int64_t dim = tile.headDim;
    const std::int64_t whole = dim - dim % V::kWidth;
    for (int j = 0; j < count; ++j) {
        const std::uint16_t* key = tile.keys + (from + j) * dim;
        V sums[R];
        for (int r = 0; r < R; ++r) sums[r] = V::set(0.0f);
        for (std::int64_t d = 0; d < whole; d += V::kWidth) {
            const V k = V::loadHalf(key + d);
            for (int r = 0; r < R; ++r) sums[r] = V::fma(V::load(queries + r * dim + d), k, sums[r]);
        }
        for (int r = 0; r < R; ++r) scores[r][j] = V::sum(sums[r]);
        for (std::int64_t d = whole; d < dim; ++d) {
            const float k = halfToFloat(key[d]);
            for (int r = 0; r < R; ++r) scores[r][j] += queries[r * dim + d] * k;
        }
    }
}

/// sums[r] += sum over j of weights[r][j] * value from + j
template <typename V, int R>
HEARTH_INLINE void tileValues(float* sums, const AttentionTile& tile, const float (*weights)[kTilePositions], std::int64_t from,
                              int count) {
    const std::int64_t dim = tile.headDim;
    const std::int64_t whole = dim - dim % V::kWidth;
    const std::uint16_t* values = tile.values + from * dim;
    for (std::int64_t d = 0; d < whole; d += V::kWidth) {
        V total[R];
        for (int r = 0; r < R; ++r) total[r] = V::load(sums + r * dim + d);
        for (int j = 0; j < count; ++j) {
            const V value = V::loadHalf(values + j * dim + d);
            for (int r = 0; r < R; ++r) total[r] = V::fma(V::set(weights[r][j]), value, total[r]);
        }
        for (int r = 0; r < R; ++r) V::store(sums + r * dim + d, total[r]);
    }
    for (std::int64_t d = whole; d < dim; ++d) {
        for (int j = 0; j < count; ++j) {
            const float value = halfToFloat(values[j * dim + d]);
            for (int r = 0; r < R; ++r) sums[r * dim + d] += weights[r][j] * value;
        }
    }
}

/// Turns one row's scores into exp(score - maximum), rescales what was summed under the old maximum.
template <typename V>
HEARTH_INLINE void tileSoftmax(float* scores, const AttentionTile& tile, int row, std::int64_t from, int count) {
    for (int j = count; j < kTilePositions; ++j) scores[j] = kMinusInfinity;
    if (tile.softcap > 0.0f) softcapValues<V>(scores, count, tile.softcap);
    for (int j = 0; j < count; ++j) {
        const std::int64_t position = from + j;
        if (position < tile.firstVisible[row] || position > tile.lastVisible[row]) scores[j] = kMinusInfinity;
    }
    V largest = V::load(scores);
    for (int j = V::kWidth; j < kTilePositions; j += V::kWidth) largest = V::max(largest, V::load(scores + j));
    const float tileMaximum = V::largest(largest);
    const float maximum = tileMaximum > tile.maxima[row] ? tileMaximum : tile.maxima[row];
    if (maximum == kMinusInfinity) { // nothing visible yet: exp(-inf - -inf) would be NaN
        for (int j = 0; j < kTilePositions; ++j) scores[j] = 0.0f;
        return;
    }
    V total = V::set(0.0f);
    for (int j = 0; j < kTilePositions; j += V::kWidth) {
        const V weight = V::exp(V::sub(V::load(scores + j), V::set(maximum)));
        V::store(scores + j, weight);
        total = V::add(total, weight);
    }
    if (maximum > tile.maxima[row]) {
        const float fade = __builtin_expf(tile.maxima[row] - maximum);
        tile.weights[row] *= fade;
        scaleValues<V>(tile.sums + row * tile.headDim, tile.headDim, fade);
        tile.maxima[row] = maximum;
    }
    tile.weights[row] += V::sum(total);
}

template <typename V, int R>
void attentionRows(const AttentionTile& tile) {
    alignas(64) float scores[R][kTilePositions];
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(R) * tile.headDim; ++i) tile.sums[i] = 0.0f;
    for (int r = 0; r < R; ++r) {
        tile.maxima[r] = kMinusInfinity;
        tile.weights[r] = 0.0f;
    }
    for (std::int64_t from = tile.from; from < tile.to; from += kTilePositions) {
        const int count = static_cast<int>(tile.to - from < kTilePositions ? tile.to - from : kTilePositions);
        tileScores<V, R>(scores, tile, tile.queries, from, count);
        for (int r = 0; r < R; ++r) tileSoftmax<V>(scores[r], tile, r, from, count);
        tileValues<V, R>(tile.sums, tile, scores, from, count);
    }
}

template <typename V>
void attentionTile(const AttentionTile& tile) {
    switch (tile.rows) {
    case 1: attentionRows<V, 1>(tile); break;
    case 2: attentionRows<V, 2>(tile); break;
    case 3: attentionRows<V, 3>(tile); break;
    case 4: attentionRows<V, 4>(tile); break;
    case 5: attentionRows<V, 5>(tile); break;
    case 6: attentionRows<V, 6>(tile); break;
    case 7: attentionRows<V, 7>(tile); break;
    case 8: attentionRows<V, 8>(tile); break;
    default: break;
    }
}

} // namespace
} // namespace hearth::kernels
