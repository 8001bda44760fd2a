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

/// Scores of R query rows and P neighbouring positions, all R * P sums in registers at once: a query vector loaded serves P keys, a key
/// widened serves R queries, and four sums fold into one vector of four scores.
template <typename V, int R, int P>
HEARTH_INLINE void blockScores(float (*scores)[kTilePositions], const AttentionTile& tile, const float* queries,
                               const std::uint16_t* keys, int at) {
    static_assert(P == 1 || P == 4);
    const std::int64_t dim = tile.headDim;
    const std::int64_t whole = dim - dim % V::kWidth;
    V sums[R][P];
    for (int r = 0; r < R; ++r) {
        for (int j = 0; j < P; ++j) sums[r][j] = V::set(0.0f);
    }
    for (std::int64_t d = 0; d < whole; d += V::kWidth) {
        V key[P];
        for (int j = 0; j < P; ++j) key[j] = V::loadHalf(keys + j * dim + d);
        for (int r = 0; r < R; ++r) {
            const V query = V::load(queries + r * dim + d);
            for (int j = 0; j < P; ++j) sums[r][j] = V::fma(query, key[j], sums[r][j]);
        }
    }
    for (int r = 0; r < R; ++r) {
        if constexpr (P == 4) {
            V::storeSums(scores[r] + at, sums[r][0], sums[r][1], sums[r][2], sums[r][3]);
        } else {
            scores[r][at] = V::sum(sums[r][0]);
        }
    }
    for (std::int64_t d = whole; d < dim; ++d) {
        for (int j = 0; j < P; ++j) {
            const float key = halfToFloat(keys[j * dim + d]);
            for (int r = 0; r < R; ++r) scores[r][at + j] += queries[r * dim + d] * key;
        }
    }
}

/// scores[r][j] = dot(query row r, key from + j)
template <typename V, int R>
HEARTH_INLINE void tileScores(float (*scores)[kTilePositions], const AttentionTile& tile, const float* queries,
                              std::int64_t from, int count) {
    constexpr int kRows = R < V::kScoreRows ? R : V::kScoreRows;
    const std::int64_t dim = tile.headDim;
    const std::uint16_t* keys = tile.keys + from * dim;
    int j = 0;
    for (; j + 4 <= count; j += 4) blockScores<V, kRows, 4>(scores, tile, queries, keys + j * dim, j);
    for (; j < count; ++j) blockScores<V, kRows, 1>(scores, tile, queries, keys + j * dim, j);
    if constexpr (R > kRows) tileScores<V, R - kRows>(scores + kRows, tile, queries + kRows * dim, from, count);
}

/// sums[r] += sum over j of weights[r][j] * value from + j
template <typename V, int R>
HEARTH_INLINE void tileValues(float* sums, const AttentionTile& tile, const float (*weights)[kTilePositions],
                              std::int64_t from, int count) {
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
    if (from < tile.firstVisible[row] || from + count - 1 > tile.lastVisible[row]) { // at the edges only
        for (int j = 0; j < count; ++j) {
            const std::int64_t position = from + j;
            if (position < tile.firstVisible[row] || position > tile.lastVisible[row]) scores[j] = kMinusInfinity;
        }
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
