// SPDX-License-Identifier: Apache-2.0
//
// Prompt products on matrix instructions. Layout: matmul_hip.h; fragments: kernels/hip/device.h.
// Shared memory: 36 KB a block. While a step is multiplied, the next one's weights and activations are on their way in registers.
#include "kernels/hip/formats.h"
#include "kernels/ops/matmul_hip.h"

namespace hearth::kernels {

constexpr int kTileStep = 64;           // columns of a step
constexpr int kTileStride = kTileStep + 8;  // of a row in shared memory, in halves: 16-byte aligned, and rows fall on different banks

HEARTH_DEVICE int packSaturated(float a, float b) {
    constexpr float kLargest = 65504.0f; // an infinity would spoil the whole row
    a = a > kLargest ? kLargest : a < -kLargest ? -kLargest : a;
    b = b > kLargest ? kLargest : b < -kLargest ? -kLargest : b;
    return static_cast<int>(floatToHalfBits(a) | static_cast<std::uint32_t>(floatToHalfBits(b)) << 16);
}

/// The weights of one format as the tile wants them: per thread two runs of a step, kept raw until they are unpacked.
template <typename F>
struct TileWeights {
    static constexpr int kChunks = F::kBlock / (16 * F::kRuns);
    static constexpr int kRaws = F::kRuns == 1 ? 2 : 1;
    typename F::Raw raw[kRaws];

    /// The run that stands at place `run` of the sequence of chunks: where its 16 columns begin.
    static HEARTH_METHOD int columnOf(int run) {
        const int chunk = run / F::kRuns;
        return chunk / kChunks * F::kBlock + F::runIndex(chunk % kChunks, run % F::kRuns) * 16;
    }
    HEARTH_METHOD void load(const std::uint8_t* const (&plane)[5], std::int64_t firstBlock, int run, int) {
        const formats::PlanePointers planes{{plane[0], plane[1], plane[2], plane[3], plane[4]}};
#pragma unroll
        for (int i = 0; i < kRaws; ++i) {
            const int chunk = (run + i) / F::kRuns;
            raw[i] = F::load(planes, firstBlock + chunk / kChunks, chunk % kChunks);
        }
    }
    HEARTH_METHOD void unpack(int run, int i, int (&halves)[8]) const {
        int q[4];
        float scale;
        float minimum;
        const int at = run + i;
        const int chunk = at / F::kRuns % kChunks;
        if constexpr (F::kRuns == 1) {
            F::run(raw[i], chunk, 0, q, scale, minimum);
        } else if constexpr (F::kRuns == 2) {
            F::run(raw[0], chunk, i, q, scale, minimum);
        } else {
            // Runs 0 and 1, or 2 and 3, of the chunk: known by the thread's half.
            if (run % 4 == 0) {
                F::run(raw[0], chunk, i, q, scale, minimum);
            } else {
                F::run(raw[0], chunk, i + 2, q, scale, minimum);
            }
        }
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            float v[4];
#pragma unroll
            for (int b = 0; b < 4; ++b) {
                v[b] = fusedMultiplyAdd(scale, static_cast<float>(static_cast<std::int8_t>(q[k] >> (8 * b))), minimum);
            }
            halves[2 * k] = packSaturated(v[0], v[1]);
            halves[2 * k + 1] = packSaturated(v[2], v[3]);
        }
    }
};

/// F16 and BF16: the run itself.
template <bool kBrain>
struct TileFloats {
    Int4 raw[2][2];

    static HEARTH_METHOD int columnOf(int run) { return run * 16; }
    HEARTH_METHOD void load(const std::uint8_t* const (&plane)[5], std::int64_t firstElement, int run, int runs) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const int inside = run + i < runs ? run + i : runs - 1;
            const std::int64_t at = (firstElement + inside * 16) * 2;
            raw[i][0] = formats::load16(plane[0], at);
            raw[i][1] = formats::load16(plane[0], at + 16);
        }
    }
    HEARTH_METHOD void unpack(int, int i, int (&halves)[8]) const {
#pragma unroll
        for (int k = 0; k < 8; ++k) {
            const int bits = formats::word(raw[i][k / 4], k % 4);
            if constexpr (kBrain) {
                halves[k] = packSaturated(floatFromBits(static_cast<std::uint32_t>(bits) << 16),
                                       floatFromBits(static_cast<std::uint32_t>(bits) & 0xffff0000u));
            } else {
                halves[k] = bits;
            }
        }
    }
};

/// Unpacks run `run` + i into 16 halves; columns past the end count as zeros.
template <typename Weights>
HEARTH_DEVICE void storeRun(std::uint16_t* to, const Weights& weights, int run, int i, int runs) {
    int h[8];
    weights.unpack(run, i, h);
    const int mask = run + i < runs ? -1 : 0;
    Int4* out = reinterpret_cast<Int4*>(to);
    storeFields(out, {h[0] & mask, h[1] & mask, h[2] & mask, h[3] & mask});
    storeFields(out + 1, {h[4] & mask, h[5] & mask, h[6] & mask, h[7] & mask});
}

template <typename Weights, int kBlock>
HEARTH_DEVICE void matmulTile(const MatmulArgs& args) {
    HEARTH_SHARED Int4 storageA[kTileRows * kTileStride / 8];
    HEARTH_SHARED Int4 storageB[kTileTokens * kTileStride / 8];
    std::uint16_t* const tileA = reinterpret_cast<std::uint16_t*>(storageA);
    std::uint16_t* const tileB = reinterpret_cast<std::uint16_t*>(storageB);

    const int thread = threadInBlock();
    const int firstRow = blockX() * kTileRows;
    const int firstToken = blockY() * kTileTokens;
    const std::int64_t expert = args.offsets != nullptr ? blockZ() : 0;
    const int pairFrom = args.offsets != nullptr ? args.offsets[expert] : 0;
    const int tokens = args.offsets != nullptr ? args.offsets[expert + 1] - pairFrom : args.tokens;
    if (firstToken >= tokens) return;

    // What this thread brings: two runs of one weight row and two of one row of x. Rows past the end repeat the last one.
    const int line = thread / 2;
    const int half = thread % 2;
    const int weightRow = firstRow + line < args.rows ? firstRow + line : args.rows - 1;
    const std::int64_t firstBlock = expert * args.expertBlocks + static_cast<std::int64_t>(weightRow) * (args.cols / kBlock);
    const int token = firstToken + line < tokens ? firstToken + line : tokens - 1;
    const int xRow = args.offsets != nullptr ? args.pairs[pairFrom + token] / args.pairsPerRow : token;
    const std::uint16_t* x = args.x + static_cast<std::int64_t>(xRow) * args.cols;

    constexpr int kWaves = kMatmulThreads / kWaveSize;
    constexpr int kWavesDown = kWaves / 2;             // waves along the weight rows, two along the tokens
    constexpr int kTilesDown = kTileRows / 16 / kWavesDown;
    constexpr int kTilesAcross = kTileTokens / 16 / 2;
    const int waveRow = waveInBlock() % kWavesDown * kTilesDown * 16;
    const int waveToken = waveInBlock() / kWavesDown * kTilesAcross * 16;
    FragmentC sums[kTilesDown][kTilesAcross];
#pragma unroll
    for (int i = 0; i < kTilesDown; ++i) {
#pragma unroll
        for (int j = 0; j < kTilesAcross; ++j) {
#pragma unroll
            for (int e = 0; e < kAccumulators; ++e) sums[i][j].v[e] = 0.0f;
        }
    }

    const int runs = args.cols / 16;
    const int steps = (runs + 3) / 4;
    Weights weights;
    Int4 first0, first1, second0, second1; // two runs of x; not an array, which would be put into memory
    for (int step = -1; step < steps; ++step) {
        // What was fetched a step ago goes to shared memory ...
        if (step > 0) blockBarrier(); // the step before is multiplied
        if (step >= 0) {
            const int run = step * 4 + half * 2;
            storeRun(tileA + line * kTileStride + half * 32, weights, run, 0, runs);
            storeRun(tileA + line * kTileStride + half * 32 + 16, weights, run, 1, runs);
            Int4* b = reinterpret_cast<Int4*>(tileB + line * kTileStride + half * 32);
            storeFields(b + 0, first0);
            storeFields(b + 1, first1);
            storeFields(b + 2, second0);
            storeFields(b + 3, second1);
            blockBarrier();
        }
        // ... the next step's columns are asked for (past the end the last ones again) ...
        {
            const int next = (step + 1) * 4 + half * 2;
            const int run = next < runs ? next : runs - 2 + runs % 2;
            weights.load(args.plane, firstBlock, run, runs);
            const Int4* from = reinterpret_cast<const Int4*>(x + Weights::columnOf(run));
            first0 = loadFields(from + 0);
            first1 = loadFields(from + 1);
            from = reinterpret_cast<const Int4*>(x + Weights::columnOf(run + 1 < runs ? run + 1 : runs - 1));
            second0 = loadFields(from + 0);
            second1 = loadFields(from + 1);
        }
        // ... and this step is multiplied meanwhile.
        if (step < 0) continue;
#pragma unroll kMatrixUnroll
        for (int k = 0; k < kTileStep; k += 16) {
            FragmentA a[kTilesDown];
#pragma unroll
            for (int i = 0; i < kTilesDown; ++i) loadFragment(a[i], tileA + (waveRow + i * 16) * kTileStride + k, kTileStride);
#pragma unroll
            for (int j = 0; j < kTilesAcross; ++j) {
                FragmentB b;
                loadFragment(b, tileB + (waveToken + j * 16) * kTileStride + k, kTileStride);
#pragma unroll
                for (int i = 0; i < kTilesDown; ++i) multiplyAdd(sums[i][j], a[i], b);
            }
        }
    }

#pragma unroll
    for (int j = 0; j < kTilesAcross; ++j) {
#pragma unroll
        for (int i = 0; i < kTilesDown; ++i) {
#pragma unroll
            for (int e = 0; e < kAccumulators; ++e) {
                const int row = firstRow + waveRow + i * 16 + rowOf(e);
                const int t = firstToken + waveToken + j * 16 + colOf(e);
                if (row >= args.rows || t >= tokens) continue;
                const std::int64_t pair = args.offsets != nullptr ? args.pairs[pairFrom + t] : t;
                const std::int64_t scaleRow = args.offsets != nullptr ? pair / args.pairsPerRow : t;
                float value = sums[i][j].v[e] * args.xScale[scaleRow];
                if (args.bias != nullptr) value += args.bias[row];
                float* out = args.out + pair * args.rows + row;
                *out = args.add != 0 ? *out + value : value;
            }
        }
    }
}

#define HEARTH_MATMUL(NAME)                                                                                            \
    HEARTH_BIG_KERNEL(hearth_matmul_##NAME, MatmulArgs, kMatmulThreads) {                                                  \
        matmulTile<TileWeights<formats::NAME>, formats::NAME::kBlock>(args);                                           \
    }
HEARTH_QUANTISED_FORMATS(HEARTH_MATMUL)
#undef HEARTH_MATMUL
HEARTH_BIG_KERNEL(hearth_matmul_BF16, MatmulArgs, kMatmulThreads) { matmulTile<TileFloats<true>, 1>(args); }
HEARTH_BIG_KERNEL(hearth_matmul_F16, MatmulArgs, kMatmulThreads) { matmulTile<TileFloats<false>, 1>(args); }

} // namespace hearth::kernels
