// SPDX-License-Identifier: Apache-2.0
//
// Decode products. Layout and contract: matvec_hip.h, matmul.h. Occupancy: at least 8 waves a SIMD on RDNA, no scratch anywhere.
#include "kernels/hip/formats.h"
#include "kernels/ops/matvec_hip.h"

namespace hearth::kernels {

// --- the products of one chunk with N rows of x -----------------------------------------------------------------------------
template <typename F, int N>
HEARTH_DEVICE void addChunk(float (&sum)[N], const typename F::Raw& raw, int chunk, std::int64_t block, const MatvecArgs& args, std::int64_t xRow) {
    constexpr int kUnroll = N > 1 && F::kRuns == 4 ? 1 : F::kRuns; // four runs for four rows at once would not fit the registers
#pragma unroll kUnroll
    for (int j = 0; j < F::kRuns; ++j) {
        int q[4];
        float scale;
        float minimum;
        F::run(raw, chunk, j, q, scale, minimum);
        const std::int64_t element = block * F::kBlock + F::runIndex(chunk, j) * 16;
#pragma unroll
        for (int n = 0; n < N; ++n) {
            const std::int64_t at = (xRow + n) * args.cols + element;
            const Int4 x = *reinterpret_cast<const Int4*>(args.x.q + at);
            const int dot = dot4(q[0], x.x, dot4(q[1], x.y, dot4(q[2], x.z, dot4(q[3], x.w, 0))));
            float value = args.x.scale[at / 32] * static_cast<float>(dot);
            if constexpr (F::kRest) {
                const Int4 rest = *reinterpret_cast<const Int4*>(args.x.rest + at);
                const int restDot = dot4(q[0], rest.x, dot4(q[1], rest.y, dot4(q[2], rest.z, dot4(q[3], rest.w, 0))));
                value += args.x.restScale[at / 32] * static_cast<float>(restDot);
            }
            sum[n] += scale * value;
            if constexpr (F::kMinimum) sum[n] += minimum * (F::kRest ? args.x.sums[at / 16] + args.x.restSums[at / 16] : args.x.sums[at / 16]);
        }
    }
}

/// sum[n] += the lane's share of weight row `row` times x row n.
template <typename F, int N>
HEARTH_DEVICE void addRow(float (&sum)[N], const formats::PlanePointers& planes, std::int64_t firstBlock, const MatvecArgs& args, std::int64_t xRow) {
    constexpr int kChunks = F::kBlock / (16 * F::kRuns);
    constexpr int kInFlight = N > 1 ? 1 : F::kRuns == 4 ? 2 : 4; // about 64 bytes of quants a lane
    const int chunks = args.cols / (16 * F::kRuns);
    for (int at = laneInWave(); at < chunks; at += kInFlight * kWaveSize) {
        // All loads first. Past the end the last chunk is loaded again: a branch here would cost more than the cache line.
        typename F::Raw raw[kInFlight];
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) {
            const int c = at + i * kWaveSize < chunks ? at + i * kWaveSize : chunks - 1;
            raw[i] = F::load(planes, firstBlock + c / kChunks, c % kChunks);
        }
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) {
            const int c = at + i * kWaveSize;
            if (c < chunks) addChunk<F, N>(sum, raw[i], c % kChunks, c / kChunks, args, xRow);
        }
    }
}

HEARTH_DEVICE formats::PlanePointers planesOf(const MatvecWeight& weight) {
    return {{weight.plane[0], weight.plane[1], weight.plane[2], weight.plane[3], weight.plane[4]}};
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
HEARTH_DEVICE void storeRow(const MatvecArgs& args, const MatvecWeight& weight, int row, std::int64_t outRow, int rows, const float (&sum)[N]) {
#pragma unroll
    for (int n = 0; n < N; ++n) {
        const float total = waveSum(sum[n]);
        if (laneInWave() != 0 || n >= rows) continue;
        float* out = weight.out + (outRow + n) * weight.rows + row;
        const float value = weight.bias != nullptr ? total + weight.bias[row] : total;
        *out = args.store == MatvecStore::Add ? *out + value : value;
    }
}

template <typename F, int N>
HEARTH_DEVICE void matvec(const MatvecArgs& args) {
    const int waves = kMatvecThreads / kWaveSize;
    const int counted = blockX() * waves + waveInBlock();
    if (counted >= args.weight[kMatvecWeights - 1].lastRow) return;
    const int which = weightOf(args, counted);
    const MatvecWeight& weight = args.weight[which];
    const int row = counted - (weight.lastRow - weight.rows);
    const int y = blockY();
    const std::int64_t expert = args.ids != nullptr ? expertOf(args, y) : 0;
    const std::int64_t xRow = args.ids != nullptr ? y / args.idsPerRow : static_cast<std::int64_t>(y) * N;
    float sum[N] = {};
    addRow<F, N>(sum, planesOf(weight), expert * weight.expertBlocks + static_cast<std::int64_t>(row) * (args.cols / F::kBlock), args, xRow);
    storeRow<N>(args, weight, row, args.ids != nullptr ? y : xRow, args.xRows - (args.ids != nullptr ? 0 : y * N), sum);
}

/// activation(gate) * up, both summed over the lanes; lane 0 stores it.
HEARTH_DEVICE void storeGated(const MatvecArgs& args, int row, float gate, float up) {
    const float g = waveSum(gate);
    const float u = waveSum(up);
    if (laneInWave() != 0) return;
    // sqrt(2 / pi) (g + 0.044715 g^3), doubled; silu is the same with g in its place
    const float inner = args.gelu != 0 ? 1.5957691216057308f * (g + 0.044715f * g * g * g) : g;
    args.weight[0].out[row] = g * reciprocal(1.0f + expOf(-inner)) * u;
}

/// Of the blocks that compute 32 neighbours of the result the one that ends last rounds them: a launch of its own would cost more.
HEARTH_DEVICE void quantizeGated(const MatvecArgs& args) {
    constexpr int kBlocks = 32 / (kMatvecThreads / kWaveSize);
    HEARTH_SHARED int isLast;
    const int group = blockX() / kBlocks;
    deviceFence();
    blockBarrier();
    if (threadInBlock() == 0) isLast = atomicAddTo(args.counters + group, 1) == kBlocks - 1 ? 1 : 0;
    blockBarrier();
    if (isLast == 0 || waveInBlock() != 0) return;
    deviceFence();
    if (laneInWave() == 0) args.counters[group] = 0;
    const int col = group * 32 + laneInWave() % 8 * 4;
    quantizeFour(args.q8, 0, args.weight[0].rows, col, *reinterpret_cast<const Float4*>(args.weight[0].out + col), laneInWave() < 8);
}

/// out[r] = activation(gate row r * x) * (up row r * x); weight 0 is the gate, weight 1 the other.
template <typename F>
HEARTH_DEVICE void gatedMatvec(const MatvecArgs& args) {
    const int row = blockX() * (kMatvecThreads / kWaveSize) + waveInBlock();
    if (row < args.weight[0].rows) {
        const std::int64_t firstBlock = static_cast<std::int64_t>(row) * (args.cols / F::kBlock);
        float gate[1] = {};
        float up[1] = {};
        addRow<F, 1>(gate, planesOf(args.weight[0]), firstBlock, args, 0);
        addRow<F, 1>(up, planesOf(args.weight[1]), firstBlock, args, 0);
        storeGated(args, row, gate[0], up[0]);
    }
    if (args.q8.q != nullptr) quantizeGated(args);
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
    HEARTH_KERNEL(hearth_matvec1_##NAME, MatvecArgs, kMatvecThreads) { matvecFloat<Float##NAME, 1>(args); }            \
    HEARTH_KERNEL(hearth_matvec4_##NAME, MatvecArgs, kMatvecThreads) { matvecFloat<Float##NAME, 4>(args); }            \
    HEARTH_KERNEL(hearth_gated_##NAME, MatvecArgs, kMatvecThreads) { gatedMatvecFloat<Float##NAME>(args); }
HEARTH_MATVEC(BF16)
HEARTH_MATVEC(F16)
HEARTH_MATVEC(F32)
#undef HEARTH_MATVEC

} // namespace hearth::kernels
