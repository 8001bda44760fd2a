// SPDX-License-Identifier: Apache-2.0
//
// Decode products. Layout and contract: matvec_hip.h, matmul.h. Occupancy: kernels/hip/occupancy.cmake; no scratch anywhere.
#include "kernels/hip/formats.h"
#include "kernels/ops/matvec_hip.h"

namespace hearth::kernels {

// --- the products of one chunk with N rows of x -----------------------------------------------------------------------------
// Each product is 16 or 32 signed bytes times as many: four words of q, or eight. A wave has R rows of weights, which share what is read of x.

template <int kWords>
struct Signed {
    int word[kWords];
};

template <int kWords>
HEARTH_DEVICE Signed<kWords> loadSigned(const std::int8_t* x) {
    Signed<kWords> v;
#pragma unroll
    for (int i = 0; i < kWords; i += 4) {
        const Int4 four = *reinterpret_cast<const Int4*>(x + 4 * i);
        v.word[i] = four.x;
        v.word[i + 1] = four.y;
        v.word[i + 2] = four.z;
        v.word[i + 3] = four.w;
    }
    return v;
}

template <int kWords>
HEARTH_DEVICE float dotOf(const Signed<kWords>& a, const Signed<kWords>& b) {
    int dot = 0;
#pragma unroll
    for (int i = 0; i < kWords; ++i) dot = dot4(a.word[i], b.word[i], dot);
    return static_cast<float>(dot);
}

/// Of 16 or 32 values from `at` on, which is a multiple of as many.
template <int kWords>
HEARTH_DEVICE float sumOf(const float* sums, std::int64_t at) {
    if constexpr (kWords == 4) return sums[at / 16];
    const Int2 both = *reinterpret_cast<const Int2*>(sums + at / 16);
    return floatFromBits(static_cast<std::uint32_t>(both.x)) + floatFromBits(static_cast<std::uint32_t>(both.y));
}

/// Several rows of x, in 8 bits in global memory.
struct GlobalRows {
    const Q8Rows& rows;
    std::int64_t cols;
    std::int64_t firstRow;

    HEARTH_METHOD std::int64_t at(int n, std::int64_t element) const { return (firstRow + n) * cols + element; }
    HEARTH_METHOD const std::int8_t* q(std::int64_t at) const { return rows.q + at; }
    HEARTH_METHOD const std::int8_t* rest(std::int64_t at) const { return rows.rest + at; }
};

/// A slice of one row, in shared memory. After each 64 bytes a gap of 16 keeps lanes that read 64 bytes apart off each other's banks.
struct SharedSlice {
    Q8Rows rows;
    std::int64_t from; ///< column of the slice's first

    static HEARTH_METHOD int padded(int at) { return at + at / 64 * 16; }
    HEARTH_METHOD int at(int, std::int64_t element) const { return static_cast<int>(element - from); }
    HEARTH_METHOD const std::int8_t* q(int at) const { return rows.q + padded(at); }
    HEARTH_METHOD const std::int8_t* rest(int at) const { return rows.rest + padded(at); }
};

template <typename F, int N, int R, typename X>
HEARTH_DEVICE void addChunk(float (&sum)[R][N], const typename F::Raw (&raw)[R], int chunk, std::int64_t block, const X& x) {
    // Four runs, or codebooks, for several rows at once would not fit the registers.
    constexpr bool kOneByOne = N > 1 ? F::kRuns == 4 || __is_base_of(formats::GridBlock, F) : (R > 1 && F::kRuns == 4 && F::kRest) || (R > 2 && kLoadsInFlight < 4);
    constexpr int kRunsAtOnce = F::kWhole32 ? 2 : 1;
    constexpr int kWords = 4 * kRunsAtOnce;
    constexpr int kUnroll = kOneByOne ? 1 : F::kRuns / kRunsAtOnce;
#pragma unroll kUnroll
    for (int j = 0; j < F::kRuns; j += kRunsAtOnce) {
        Signed<kWords> q[R];
        float scale[R];
        float minimum[R];
#pragma unroll
        for (int r = 0; r < R; ++r) {
#pragma unroll
            for (int half = 0; half < kRunsAtOnce; ++half) {
                int run[4];
                F::run(raw[r], chunk, j + half, run, scale[r], minimum[r]);
#pragma unroll
                for (int i = 0; i < 4; ++i) q[r].word[4 * half + i] = run[i];
            }
        }
        const std::int64_t element = block * F::kBlock + F::runIndex(chunk, j) * 16;
#pragma unroll
        for (int n = 0; n < N; ++n) {
            const auto at = x.at(n, element);
            const Signed<kWords> rounded = loadSigned<kWords>(x.q(at));
            const float xScale = x.rows.scale[at / 32];
            float value[R];
#pragma unroll
            for (int r = 0; r < R; ++r) value[r] = xScale * dotOf(q[r], rounded);
            if constexpr (F::kRest) {
                const Signed<kWords> rest = loadSigned<kWords>(x.rest(at));
                const float restScale = x.rows.restScale[at / 32];
#pragma unroll
                for (int r = 0; r < R; ++r) value[r] += restScale * dotOf(q[r], rest);
            }
#pragma unroll
            for (int r = 0; r < R; ++r) sum[r][n] += scale[r] * value[r];
            if constexpr (F::kMinimum) {
                float all = sumOf<kWords>(x.rows.sums, at);
                if constexpr (F::kRest) all += sumOf<kWords>(x.rows.restSums, at);
#pragma unroll
                for (int r = 0; r < R; ++r) sum[r][n] += minimum[r] * all;
            }
        }
    }
}

HEARTH_DEVICE formats::PlanePointers planesOf(const MatvecWeight& weight) {
    return {{weight.plane[0], weight.plane[1], weight.plane[2], weight.plane[3], weight.plane[4]}};
}

/// A row of weights: where its blocks are.
struct WeightRow {
    formats::PlanePointers planes;
    std::int64_t firstBlock;
};

template <typename F>
constexpr int kColsOfChunk = 16 * F::kRuns;

/// sum[r][n] += the lane's share of columns [from, to) of weight row r times row n of x.
template <typename F, int N, int R, typename X>
HEARTH_DEVICE void addRows(float (&sum)[R][N], const WeightRow (&rows)[R], const X& x, int from, int to) {
    constexpr int kChunks = F::kBlock / kColsOfChunk<F>;
    constexpr int kDeep = F::kRows == 2 || kLoadsInFlight < 4 ? 1 : 2; // Q8_0 and Q6_K want more on the way
    constexpr int kWanted = (N > 1 ? 1 : kLoadsInFlight * kDeep) / (F::kRuns == 4 ? 2 * R : R);
    constexpr int kInFlight = kWanted < 1 ? 1 : kWanted;
    const int end = to / kColsOfChunk<F>;
#pragma unroll 1 // more rounds at once would not fit the registers
    for (int at = from / kColsOfChunk<F> + laneInWave(); at < end; at += kInFlight * kWaveSize) {
        // All loads first. Past the end the last chunk is loaded again: a branch here would cost more than the cache line.
        typename F::Raw raw[kInFlight][R];
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) {
            const int c = at + i * kWaveSize < end ? at + i * kWaveSize : end - 1;
#pragma unroll
            for (int r = 0; r < R; ++r) raw[i][r] = F::load(rows[r].planes, rows[r].firstBlock + c / kChunks, c % kChunks);
        }
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) {
            const int c = at + i * kWaveSize;
            if (c < end) addChunk<F, N, R>(sum, raw[i], c % kChunks, c / kChunks, x);
        }
    }
}

// --- one row of x, normed and rounded by the block ------------------------------------------------------------------------------------

constexpr int kNormedWaves = kNormedThreads / kWaveSize;

/// Columns [from, to) of the row, times the norm's weight, into shared memory. Returns the thread's share of the squares.
template <typename F>
HEARTH_DEVICE float roundSlice(const Q8Rows& out, const MatvecArgs& args, int from, int to) {
    float squares = 0.0f;
#pragma unroll 2
    for (int start = from; start < to; start += 4 * kNormedThreads) {
        const int col = start + 4 * threadInBlock();
        const bool inside = col < to;
        Float4 v = {0.0f, 0.0f, 0.0f, 0.0f};
        if (inside) {
            v = *reinterpret_cast<const Float4*>(args.xFloat + col);
            squares += fusedMultiplyAdd(v.x, v.x, v.y * v.y) + fusedMultiplyAdd(v.z, v.z, v.w * v.w);
            const Float4 w = *reinterpret_cast<const Float4*>(args.normWeight + col);
            v = {v.x * w.x, v.y * w.y, v.z * w.z, v.w * w.w};
        }
        const int at = col - from;
        const RoundedBlock<false> rounded = roundBlock<false>(v);
        if (!inside) continue;
        *reinterpret_cast<int*>(out.q + SharedSlice::padded(at)) = rounded.bytes;
        if (at % 32 == 0) out.scale[at / 32] = rounded.scale;
        if (F::kMinimum && at % 16 == 0) out.sums[at / 16] = rounded.scale * static_cast<float>(rounded.sum);
    }
    return squares;
}

/// For each of the block's row groups: rowsOf(turn, rows) says which rows of weights the wave has, store(turn, sums, factor) takes the lane's
/// shares of the products, which lack the factor.
template <typename F, int R, typename RowsOf, typename Store>
HEARTH_DEVICE void normedRow(const MatvecArgs& args, RowsOf rowsOf, Store store) {
    static_assert(!F::kRest);
    alignas(16) HEARTH_SHARED std::int8_t q[kNormedSlice / 64 * 80];
    alignas(16) HEARTH_SHARED float scale[kNormedSlice / 32];
    alignas(16) HEARTH_SHARED float sums[F::kMinimum ? kNormedSlice / 16 : 4];
    HEARTH_SHARED float waveSquares[kMaxWaves];
    const int cols = args.cols;
    const bool sliced = cols > kNormedSlice;
    float squares = 0.0f;
    float factor = 1.0f;
#pragma unroll 1
    for (int turn = 0; turn < args.turns; ++turn) {
        WeightRow rows[R];
        rowsOf(turn, rows);
        float sum[R][1] = {};
#pragma unroll 1
        for (int from = 0; from < cols; from += kNormedSlice) {
            const SharedSlice slice{{q, nullptr, scale, nullptr, sums, nullptr}, from};
            const int to = from + kNormedSlice < cols ? from + kNormedSlice : cols;
            if (turn == 0 || sliced) {
                if (turn > 0 || from > 0) blockBarrier(); // all have read what was there
                squares += roundSlice<F>(slice.rows, args, from, to);
                if (turn == 0 && to == cols) {
                    const float all = waveSum(squares);
                    if (laneInWave() == 0) waveSquares[waveInBlock()] = all;
                }
                blockBarrier();
            }
            addRows<F, 1, R>(sum, rows, slice, from, to);
        }
        if (turn == 0) {
            float all = 0.0f;
#pragma unroll
            for (int w = 0; w < kNormedWaves; ++w) all += waveSquares[w];
            factor = inverseSqrt(all / static_cast<float>(cols) + args.eps);
        }
        store(turn, sum, factor);
    }
}

/// Which weight a counted-through row belongs to.
HEARTH_DEVICE int weightOf(const MatvecArgs& args, int row) {
    return row < args.weight[0].lastRow ? 0 : row < args.weight[1].lastRow ? 1 : 2;
}

HEARTH_DEVICE int expertOf(const MatvecArgs& args, int y) {
    const int id = args.ids[y];
    return id < 0 ? 0 : id < args.experts ? id : args.experts - 1;
}

template <int N>
HEARTH_DEVICE void storeRow(const MatvecArgs& args, const MatvecWeight& weight, int row, std::int64_t outRow, int rows, const float (&sum)[N], float factor = 1.0f) {
#pragma unroll
    for (int n = 0; n < N; ++n) {
        const float total = waveSum(sum[n]) * factor;
        if (laneInWave() != 0 || n >= rows) continue;
        float* out = weight.out + (outRow + n) * weight.rows + row;
        const float value = weight.bias != nullptr ? total + weight.bias[row] : total;
        *out = args.store == MatvecStore::Add ? *out + value : value;
    }
}

template <typename F, int N>
HEARTH_DEVICE void matvec(const MatvecArgs& args) {
    constexpr int R = N == 1 ? F::kRows : 1;
    const int counted = (blockX() * (kMatvecThreads / kWaveSize) + waveInBlock()) * R;
    const int allRows = args.weight[kMatvecWeights - 1].lastRow;
    if (counted >= allRows) return;
    const int y = blockY();
    const std::int64_t expert = args.ids != nullptr ? expertOf(args, y) : 0;
    const std::int64_t xRow = args.ids != nullptr ? y / args.idsPerRow : static_cast<std::int64_t>(y) * N;
    int which[R];
    int row[R];
    WeightRow rows[R];
#pragma unroll
    for (int r = 0; r < R; ++r) {
        const int inside = counted + r < allRows ? counted + r : allRows - 1; // past the end the last row again, which is not stored
        which[r] = weightOf(args, inside);
        const MatvecWeight& weight = args.weight[which[r]];
        row[r] = inside - (weight.lastRow - weight.rows);
        rows[r] = {planesOf(weight), expert * weight.expertBlocks + static_cast<std::int64_t>(row[r]) * (args.cols / F::kBlock)};
    }
    float sum[R][N] = {};
    addRows<F, N, R>(sum, rows, GlobalRows{args.x, args.cols, xRow}, 0, args.cols);
#pragma unroll
    for (int r = 0; r < R; ++r) {
        if (counted + r >= allRows) continue;
        storeRow<N>(args, args.weight[which[r]], row[r], args.ids != nullptr ? y : xRow, args.xRows - (args.ids != nullptr ? 0 : y * N), sum[r]);
    }
}

template <typename F>
HEARTH_DEVICE void normedMatvec(const MatvecArgs& args) {
    constexpr int R = kNormedRows;
    const int allRows = args.weight[kMatvecWeights - 1].lastRow;
    const auto firstOf = [&](int turn) { return ((blockX() * args.turns + turn) * kNormedWaves + waveInBlock()) * R; };
    normedRow<F, R>(
        args,
        [&](int turn, WeightRow(&rows)[R]) {
#pragma unroll
            for (int r = 0; r < R; ++r) {
                const int inside = firstOf(turn) + r < allRows ? firstOf(turn) + r : allRows - 1; // past the end the last row again, which is not stored
                const MatvecWeight& weight = args.weight[weightOf(args, inside)];
                rows[r] = {planesOf(weight), static_cast<std::int64_t>(inside - (weight.lastRow - weight.rows)) * (args.cols / F::kBlock)};
            }
        },
        [&](int turn, const float(&sum)[R][1], float factor) {
#pragma unroll
            for (int r = 0; r < R; ++r) {
                const int counted = firstOf(turn) + r;
                if (counted >= allRows) continue;
                const MatvecWeight& weight = args.weight[weightOf(args, counted)];
                storeRow<1>(args, weight, counted - (weight.lastRow - weight.rows), 0, 1, sum[r], factor);
            }
        });
}

/// activation(gate) * up, in every lane, of both summed over the lanes.
HEARTH_DEVICE float gatedSum(const MatvecArgs& args, float gate, float up, float factor = 1.0f) {
    const float g = waveSum(gate) * factor;
    const float u = waveSum(up) * factor;
    // sqrt(2 / pi) (g + 0.044715 g^3), doubled; silu is the same with g in its place
    const float inner = args.gelu != 0 ? 1.5957691216057308f * (g + 0.044715f * g * g * g) : g;
    return g * reciprocal(1.0f + expOf(-inner)) * u;
}

HEARTH_DEVICE void storeGated(const MatvecArgs& args, int row, float gate, float up) {
    const float value = gatedSum(args, gate, up);
    if (laneInWave() == 0) args.weight[0].out[row] = value;
}

/// out[r] = activation(gate row r * x) * (up row r * x); weight 0 is the gate, weight 1 the other.
template <typename F>
HEARTH_DEVICE void gatedMatvec(const MatvecArgs& args) {
    const int row = blockX() * (kMatvecThreads / kWaveSize) + waveInBlock();
    if (row >= args.weight[0].rows) return;
    const std::int64_t firstBlock = static_cast<std::int64_t>(row) * (args.cols / F::kBlock);
    const WeightRow rows[2] = {{planesOf(args.weight[0]), firstBlock}, {planesOf(args.weight[1]), firstBlock}};
    float sum[2][1] = {};
    addRows<F, 1, 2>(sum, rows, GlobalRows{args.x, args.cols, 0}, 0, args.cols);
    storeGated(args, row, sum[0][0], sum[1][0]);
}

template <typename F>
HEARTH_DEVICE void normedGatedMatvec(const MatvecArgs& args) {
    alignas(16) HEARTH_SHARED float results[kNormedWaves * kMostNormedTurns];
    const int allRows = args.weight[0].rows;
    const int firstRow = blockX() * args.turns * kNormedWaves;
    normedRow<F, 2>(
        args,
        [&](int turn, WeightRow(&rows)[2]) {
            const int row = firstRow + turn * kNormedWaves + waveInBlock();
            const std::int64_t firstBlock = static_cast<std::int64_t>(row < allRows ? row : allRows - 1) * (args.cols / F::kBlock);
            rows[0] = {planesOf(args.weight[0]), firstBlock};
            rows[1] = {planesOf(args.weight[1]), firstBlock};
        },
        [&](int turn, const float(&sum)[2][1], float factor) {
            const int row = turn * kNormedWaves + waveInBlock();
            const float value = gatedSum(args, sum[0][0], sum[1][0], factor);
            if (laneInWave() == 0) {
                results[row] = value;
                if (firstRow + row < allRows) args.weight[0].out[firstRow + row] = value;
            }
        });
    if (args.rounded.q == nullptr) return;
    blockBarrier();
    const int count = args.turns * kNormedWaves; // at most kNormedWaves * kMostNormedTurns, a multiple of 32
    for (int base = waveInBlock() * kWaveSize * 4; base < count; base += kNormedThreads * 4) {
        const int at = base + laneInWave() * 4;
        const bool inside = at < count && firstRow + at < allRows;
        Float4 value = {0.0f, 0.0f, 0.0f, 0.0f};
        if (inside) value = *reinterpret_cast<const Float4*>(results + at);
        quantizeFour(args.rounded, 0, allRows, firstRow + at, value, inside);
    }
}

// --- weights that are floats ------------------------------------------------------------------------------------------------
struct FloatF32 {
    using Word = float;
    static HEARTH_METHOD float value(float bits) { return bits; }
};
struct FloatF16 {
    using Word = std::uint16_t;
    static HEARTH_METHOD float value(std::uint16_t bits) { return halfBitsToFloat(bits); }
};
struct FloatBF16 {
    using Word = std::uint16_t;
    static HEARTH_METHOD float value(std::uint16_t bits) { return bf16ToFloat(bits); }
};

template <typename F, int N>
HEARTH_DEVICE void addFloats(float (&sum)[N], const typename F::Word* weights, const MatvecArgs& args, std::int64_t xRow, int rows) {
    constexpr int kPerLoad = 16 / static_cast<int>(sizeof(typename F::Word));
    int from = 0;
    if (args.cols % 8 == 0) { // rows of weights and of x are 16-byte aligned
        const int loads = args.cols / kPerLoad;
        for (int at = laneInWave(); at < loads; at += kWaveSize) {
            const Int4 raw = loadOnce(reinterpret_cast<const Int4*>(weights) + at);
            float w[kPerLoad];
#pragma unroll
            for (int i = 0; i < kPerLoad; ++i) {
                const auto bits = static_cast<std::uint32_t>(formats::word(raw, i * static_cast<int>(sizeof(typename F::Word)) / 4));
                if constexpr (kPerLoad == 4) {
                    w[i] = F::value(floatFromBits(bits));
                } else {
                    w[i] = F::value(static_cast<std::uint16_t>(bits >> (i % 2 * 16)));
                }
            }
#pragma unroll
            for (int n = 0; n < N; ++n) {
                // Rows past the last are another's memory or none: the first is read in their place.
                const Float4* x = reinterpret_cast<const Float4*>(args.xFloat + (xRow + (n < rows ? n : 0)) * args.cols) + at * (kPerLoad / 4);
#pragma unroll
                for (int i = 0; i < kPerLoad / 4; ++i) {
                    const Float4 v = x[i];
                    sum[n] = fusedMultiplyAdd(w[4 * i], v.x, sum[n]);
                    sum[n] = fusedMultiplyAdd(w[4 * i + 1], v.y, sum[n]);
                    sum[n] = fusedMultiplyAdd(w[4 * i + 2], v.z, sum[n]);
                    sum[n] = fusedMultiplyAdd(w[4 * i + 3], v.w, sum[n]);
                }
            }
        }
        from = args.cols;
    }
    for (int c = from + laneInWave(); c < args.cols; c += kWaveSize) {
        const float w = F::value(weights[c]);
#pragma unroll
        for (int n = 0; n < N; ++n) {
            if (n < rows) sum[n] = fusedMultiplyAdd(w, args.xFloat[(xRow + n) * args.cols + c], sum[n]);
        }
    }
}

template <typename F, int N>
HEARTH_DEVICE void matvecFloat(const MatvecArgs& args) {
    const int waves = kMatvecThreads / kWaveSize;
    const int counted = blockX() * waves + waveInBlock();
    if (counted >= args.weight[kMatvecWeights - 1].lastRow) return;
    const int which = weightOf(args, counted);
    const MatvecWeight& weight = args.weight[which];
    const int row = counted - (weight.lastRow - weight.rows);
    const int y = blockY();
    const std::int64_t expert = args.ids != nullptr ? expertOf(args, y) : 0;
    const std::int64_t xRow = args.ids != nullptr ? y / args.idsPerRow : static_cast<std::int64_t>(y) * N;
    const auto* weights = reinterpret_cast<const typename F::Word*>(weight.plane[0]) + expert * weight.expertBlocks + static_cast<std::int64_t>(row) * args.cols;
    float sum[N] = {};
    const int rows = args.xRows - (args.ids != nullptr ? 0 : y * N);
    addFloats<F, N>(sum, weights, args, xRow, rows);
    storeRow<N>(args, weight, row, args.ids != nullptr ? y : xRow, rows, sum);
}

template <typename F>
HEARTH_DEVICE void gatedMatvecFloat(const MatvecArgs& args) {
    const int waves = kMatvecThreads / kWaveSize;
    const int row = blockX() * waves + waveInBlock();
    if (row >= args.weight[0].rows) return;
    float gate[1] = {};
    float up[1] = {};
    addFloats<F, 1>(gate, reinterpret_cast<const typename F::Word*>(args.weight[0].plane[0]) + static_cast<std::int64_t>(row) * args.cols, args, 0, 1);
    addFloats<F, 1>(up, reinterpret_cast<const typename F::Word*>(args.weight[1].plane[0]) + static_cast<std::int64_t>(row) * args.cols, args, 0, 1);
    storeGated(args, row, gate[0], up[0]);
}

#define HEARTH_MATVEC(NAME)                                                                                            \
    HEARTH_KERNEL(hearth_matvec1_##NAME, MatvecArgs, kMatvecThreads) { matvec<formats::NAME, 1>(args); }               \
    HEARTH_KERNEL(hearth_matvec4_##NAME, MatvecArgs, kMatvecThreads) { matvec<formats::NAME, 4>(args); }               \
    HEARTH_KERNEL(hearth_gated_##NAME, MatvecArgs, kMatvecThreads) { gatedMatvec<formats::NAME>(args); }
HEARTH_QUANTISED_FORMATS(HEARTH_MATVEC)
#undef HEARTH_MATVEC

#define HEARTH_MATVEC(NAME)                                                                                            \
    HEARTH_FULL_KERNEL(hearth_normed_matvec_##NAME, MatvecArgs, kNormedThreads) { normedMatvec<formats::NAME>(args); } \
    HEARTH_FULL_KERNEL(hearth_normed_gated_##NAME, MatvecArgs, kNormedThreads) { normedGatedMatvec<formats::NAME>(args); }
HEARTH_NORMED_FORMATS(HEARTH_MATVEC)
#undef HEARTH_MATVEC

#define HEARTH_MATVEC(NAME)                                                                                            \
    HEARTH_KERNEL(hearth_matvec1_##NAME, MatvecArgs, kMatvecThreads) { matvecFloat<Float##NAME, 1>(args); }            \
    HEARTH_KERNEL(hearth_matvec4_##NAME, MatvecArgs, kMatvecThreads) { matvecFloat<Float##NAME, 4>(args); }            \
    HEARTH_KERNEL(hearth_gated_##NAME, MatvecArgs, kMatvecThreads) { gatedMatvecFloat<Float##NAME>(args); }
HEARTH_MATVEC(BF16)
HEARTH_MATVEC(F16)
HEARTH_MATVEC(F32)
#undef HEARTH_MATVEC

} // namespace hearth::kernels
