// SPDX-License-Identifier: Apache-2.0
//
// Online softmax over tiles of positions, for up to eight query rows of one KV head at once, so that a key or value loaded and widened
// from f16 serves all of them; q8_0 is widened a tile of positions at a time. Contract: attention.h; arguments: AttentionTile in kernels/cpu/cpu_op_table.h.
#pragma once

#include "kernels/cpu/cpu_op_table.h"
#include "kernels/ops/elementwise_cpu.h"
#include "kernels/quant/q8_0.h"

namespace hearth::kernels {
namespace {

constexpr int kTilePositions = kAttentionPositions;

constexpr float kMinusInfinity = -__builtin_inff();

// Keys and values are f16 in the cache, f32 when they have been widened.
template <typename V>
HEARTH_INLINE V loadWide(const std::uint16_t* p) {
    return V::loadHalf(p);
}
template <typename V>
HEARTH_INLINE V loadWide(const float* p) {
    return V::load(p);
}
HEARTH_INLINE float wide(std::uint16_t x) {
    return halfToFloat(x);
}
HEARTH_INLINE float wide(float x) {
    return x;
}

/// Scores of R query rows and P neighbouring positions, all R * P sums in registers at once: a query vector loaded serves P keys, a key
/// widened serves R queries, and four sums fold into one vector of four scores.
template <typename V, int R, int P, typename Element>
HEARTH_INLINE void blockScores(float (*scores)[kTilePositions], std::int64_t dim, const float* queries,
                               const Element* keys, int at) {
    static_assert(P == 1 || P == 4);
    const std::int64_t whole = dim - dim % V::kWidth;
    V sums[R][P];
    for (int r = 0; r < R; ++r) {
        for (int j = 0; j < P; ++j) sums[r][j] = V::set(0.0f);
    }
    for (std::int64_t d = 0; d < whole; d += V::kWidth) {
        V key[P];
        for (int j = 0; j < P; ++j) key[j] = loadWide<V>(keys + j * dim + d);
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
            const float key = wide(keys[j * dim + d]);
            for (int r = 0; r < R; ++r) scores[r][at + j] += queries[r * dim + d] * key;
        }
    }
}

/// scores[r][j] = dot(query row r, key j)
template <typename V, int R, typename Element>
HEARTH_INLINE void tileScores(float (*scores)[kTilePositions], std::int64_t dim, const float* queries,
                              const Element* keys, int count) {
    constexpr int kRows = R < V::kScoreRows ? R : V::kScoreRows;
    int j = 0;
    for (; j + 4 <= count; j += 4) blockScores<V, kRows, 4>(scores, dim, queries, keys + j * dim, j);
    for (; j < count; ++j) blockScores<V, kRows, 1>(scores, dim, queries, keys + j * dim, j);
    if constexpr (R > kRows) tileScores<V, R - kRows>(scores + kRows, dim, queries + kRows * dim, keys, count);
}

/// sums[r] += sum over j of weights[r][j] * value j
template <typename V, int R, typename Element>
HEARTH_INLINE void tileValues(float* sums, std::int64_t dim, const float (*weights)[kTilePositions],
                              const Element* values, int count) {
    const std::int64_t whole = dim - dim % V::kWidth;
    for (std::int64_t d = 0; d < whole; d += V::kWidth) {
        V total[R];
        for (int r = 0; r < R; ++r) total[r] = V::load(sums + r * dim + d);
        for (int j = 0; j < count; ++j) {
            const V value = loadWide<V>(values + j * dim + d);
            for (int r = 0; r < R; ++r) total[r] = V::fma(V::set(weights[r][j]), value, total[r]);
        }
        for (int r = 0; r < R; ++r) V::store(sums + r * dim + d, total[r]);
    }
    for (std::int64_t d = whole; d < dim; ++d) {
        for (int j = 0; j < count; ++j) {
            const float value = wide(values[j * dim + d]);
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

/// `count` positions of blocks, from position `from`, as f32.
HEARTH_INLINE const float* widenTile(const AttentionTile& tile, const void* rows, std::int64_t from, int count) {
    const std::int64_t blocks = tile.headDim / BlockQ8_0::kElements;
    const BlockQ8_0* first = static_cast<const BlockQ8_0*>(rows) + from * blocks;
    for (std::int64_t b = 0; b < count * blocks; ++b) decode(first[b], tile.widened + b * BlockQ8_0::kElements);
    return tile.widened;
}

enum class KvLayout { Half, Blocks };

template <typename V, int R, KvLayout kLayout>
void attentionRows(const AttentionTile& tile) {
    const std::int64_t dim = tile.headDim;
    const auto at = [&](const void* rows, std::int64_t from, int count) {
        if constexpr (kLayout == KvLayout::Half) {
            return static_cast<const std::uint16_t*>(rows) + from * dim;
        } else {
            return widenTile(tile, rows, from, count);
        }
    };
    alignas(64) float scores[R][kTilePositions];
    for (std::int64_t i = 0; i < R * dim; ++i) tile.sums[i] = 0.0f;
    for (int r = 0; r < R; ++r) {
        tile.maxima[r] = kMinusInfinity;
        tile.weights[r] = 0.0f;
    }
    for (std::int64_t from = tile.from; from < tile.to; from += kTilePositions) {
        const int count = static_cast<int>(tile.to - from < kTilePositions ? tile.to - from : kTilePositions);
        tileScores<V, R>(scores, dim, tile.queries, at(tile.keys, from, count), count);
        for (int r = 0; r < R; ++r) tileSoftmax<V>(scores[r], tile, r, from, count);
        tileValues<V, R>(tile.sums, dim, scores, at(tile.values, from, count), count);
    }
}

template <typename V, KvLayout kLayout>
void attentionTileOf(const AttentionTile& tile) {
    switch (tile.rows) {
    case 1: attentionRows<V, 1, kLayout>(tile); break;
    case 2: attentionRows<V, 2, kLayout>(tile); break;
    case 3: attentionRows<V, 3, kLayout>(tile); break;
    case 4: attentionRows<V, 4, kLayout>(tile); break;
    case 5: attentionRows<V, 5, kLayout>(tile); break;
    case 6: attentionRows<V, 6, kLayout>(tile); break;
    case 7: attentionRows<V, 7, kLayout>(tile); break;
    case 8: attentionRows<V, 8, kLayout>(tile); break;
    default: break;
    }
}

template <typename V>
void attentionTile(const AttentionTile& tile) {
    if (tile.widened == nullptr) {
        attentionTileOf<V, KvLayout::Half>(tile);
    } else {
        attentionTileOf<V, KvLayout::Blocks>(tile);
    }
}

} // namespace
} // namespace hearth::kernels
