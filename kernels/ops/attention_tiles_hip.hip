// SPDX-License-Identifier: Apache-2.0
//
// Attention of a prompt on matrix tiles: online softmax over tiles of 32 positions, queries and weights in f16, sums in f32.
//
// The rows of a block are (token, head of the group) pairs of one KV head, 16 to a matrix tile; each wave owns some of these tiles. Per tile of
// positions, with a barrier between:
//   keys to shared memory
//   scores = queries * keys^T, to shared memory as f32
//   values to where the keys were, transposed (matrix tiles have k fastest); two threads a row turn scores into f16 weights
//   sums = sums * fade + weights * values, in registers
// Tiles that no row of the block sees are skipped. The blocks with most to do start first.
// Shared memory: at most 42 KB. Registers: at most 256, no scratch. Occupancy: kernels/hip/occupancy.cmake.
#include "kernels/hip/device.h"

#include "kernels/ops/attention_device.h"

namespace hearth::kernels {

namespace {

constexpr int kCols = 32; // positions of a tile
constexpr int kPad = 8;   // halves after each row of a shared tile, so that neighbouring rows lie in other banks

template <int kDim, typename Store>
struct TileAttention {
    static constexpr int kRows = kDim > 128 ? 32 : 64; // attentionTileRows
    static constexpr int kThreads = 2 * kRows;
    static constexpr int kOwnTiles = kRows / 16 / (kThreads / kWaveSize); // matrix tiles of rows per wave
    static constexpr int kChunks = kDim / 8;
    static constexpr int kKeyStride = kDim + kPad;
    static constexpr int kValueStride = kCols + kPad;
    static constexpr int kScoreStride = kCols + 4; // floats; the weights of columns c are halves c % 16 + c / 16 * 32 of the row
    static constexpr int kTileHalves = kCols * kKeyStride > kDim * kValueStride ? kCols * kKeyStride : kDim * kValueStride;

    /// Rows are numbered through tokens and heads.
    struct Block {
        int group;
        int firstRow;
        int rows; ///< of all blocks together
        int kvHead;
        int firstPosition; ///< of token 0
        int lastPosition;  ///< of the last token
    };

    HEARTH_DEVICE std::int64_t rowOffset(const AttentionArgs& args, const Block& block, int row) {
        const int token = row / block.group;
        const int head = block.kvHead * block.group + row % block.group;
        return (static_cast<std::int64_t>(token) * args.heads + head) * kDim;
    }

    HEARTH_DEVICE void loadQueries(const AttentionArgs& args, const Block& block, std::uint16_t* queries) {
        for (int i = threadInBlock(); i < kRows * kChunks; i += kThreads) {
            const int row = i / kChunks;
            const int d = i % kChunks * 8;
            Int4 packed = {0, 0, 0, 0};
            if (block.firstRow + row < block.rows) {
                const auto* q = reinterpret_cast<const Float4*>(args.q + rowOffset(args, block, block.firstRow + row) + d);
                const Float4 low = q[0];
                const Float4 high = q[1];
                packed = {packHalves(low.x, low.y), packHalves(low.z, low.w), packHalves(high.x, high.y), packHalves(high.z, high.w)};
            }
            *reinterpret_cast<Int4*>(queries + row * kKeyStride + d) = packed;
        }
    }

    /// Eight elements of one position, zeros past the end.
    HEARTH_DEVICE Int4 loadChunk(const std::uint8_t* base, int position, int end, int d) {
        if (position >= end) return {0, 0, 0, 0};
        return Store::halves(Store::load(base + position * Store::rowBytes(kDim), d, kDim));
    }

    HEARTH_DEVICE void loadKeys(const std::uint8_t* base, int first, int end, std::uint16_t* tile) {
#pragma unroll 4
        for (int i = threadInBlock(); i < kCols * kChunks; i += kThreads) {
            const int place = i / kChunks;
            const int d = i % kChunks * 8;
            *reinterpret_cast<Int4*>(tile + place * kKeyStride + d) = loadChunk(base, first + place, end, d);
        }
    }

    HEARTH_DEVICE void loadValues(const std::uint8_t* base, int first, int end, std::uint16_t* tile) {
        constexpr int kPairs = kCols / 2;
#pragma unroll 2
        for (int i = threadInBlock(); i < kPairs * kChunks; i += kThreads) {
            const int place = i % kPairs * 2;
            const int d = i / kPairs * 8;
            const Int4 even = loadChunk(base, first + place, end, d);
            const Int4 odd = loadChunk(base, first + place + 1, end, d);
            const auto storeTwo = [&](int from, int a, int b) {
                const std::uint32_t x = static_cast<std::uint32_t>(a);
                const std::uint32_t y = static_cast<std::uint32_t>(b);
                auto* to = tile + (d + from) * kValueStride + place;
                *reinterpret_cast<std::uint32_t*>(to) = (x & 0xffffu) | y << 16;
                *reinterpret_cast<std::uint32_t*>(to + kValueStride) = x >> 16 | (y & 0xffff0000u);
            };
            storeTwo(0, even.x, odd.x);
            storeTwo(2, even.y, odd.y);
            storeTwo(4, even.z, odd.z);
            storeTwo(6, even.w, odd.w);
        }
    }

    HEARTH_DEVICE void multiplyKeys(const std::uint16_t* queries, const std::uint16_t* tile, float* scores) {
#pragma unroll
        for (int own = 0; own < kOwnTiles; ++own) {
            const int first = (waveInBlock() * kOwnTiles + own) * 16;
            FragmentC sums[kCols / 16] = {};
#pragma unroll
            for (int k = 0; k < kDim; k += 16) {
                FragmentA query;
                loadFragment(query, queries + first * kKeyStride + k, kKeyStride);
#pragma unroll
                for (int n = 0; n < kCols / 16; ++n) {
                    FragmentB key;
                    loadFragment(key, tile + n * 16 * kKeyStride + k, kKeyStride);
                    multiplyAdd(sums[n], query, key);
                }
            }
#pragma unroll
            for (int n = 0; n < kCols / 16; ++n) {
#pragma unroll
                for (int i = 0; i < kAccumulators; ++i) {
                    scores[(first + rowOf(i)) * kScoreStride + n * 16 + colOf(i)] = sums[n].v[i];
                }
            }
        }
    }

    /// What a thread remembers of its row, half of whose columns it does.
    struct RowState {
        int begin; ///< positions that the row sees
        int end;
        float maximum;
        float weight; ///< of this thread's columns
    };

    HEARTH_DEVICE void weigh(const AttentionArgs& args, RowState& state, int first, float* scores, float* fades) {
        const int row = threadInBlock() / 2;
        const int half = threadInBlock() % 2;
        float* own = scores + row * kScoreStride + half * 16;
        float x[16];
        __builtin_memcpy(x, __builtin_assume_aligned(own, 16), sizeof x);
        float maximum = state.maximum;
#pragma unroll
        for (int i = 0; i < 16; ++i) {
            const int position = first + half * 16 + i;
            x[i] *= args.scale;
            if (args.softcap > 0.0f) x[i] = capped(x[i], args.softcap);
            if (position < state.begin || position >= state.end) x[i] = kMinusInfinity;
            maximum = x[i] > maximum ? x[i] : maximum;
        }
        maximum = waveMax<2>(maximum);
        const bool any = maximum > kMinusInfinity;
        const float fade = any ? expOf(state.maximum - maximum) : 1.0f;
        float weight = state.weight * fade;
#pragma unroll
        for (int i = 0; i < 16; ++i) {
            x[i] = any ? expOf(x[i] - maximum) : 0.0f;
            weight += x[i];
        }
        auto* weights = reinterpret_cast<Int4*>(own);
        weights[0] = {packHalves(x[0], x[1]), packHalves(x[2], x[3]), packHalves(x[4], x[5]), packHalves(x[6], x[7])};
        weights[1] = {packHalves(x[8], x[9]), packHalves(x[10], x[11]), packHalves(x[12], x[13]), packHalves(x[14], x[15])};
        if (half == 0) fades[row] = fade;
        state.maximum = maximum;
        state.weight = weight;
    }

    HEARTH_DEVICE void multiplyValues(FragmentC (&sums)[kOwnTiles][kDim / 16], const float* scores, const std::uint16_t* tile,
                                      const float* fades) {
#pragma unroll
        for (int own = 0; own < kOwnTiles; ++own) {
            const int first = (waveInBlock() * kOwnTiles + own) * 16;
            float fade[kAccumulators];
#pragma unroll
            for (int i = 0; i < kAccumulators; ++i) fade[i] = fades[first + rowOf(i)];
#pragma unroll
            for (int n = 0; n < kDim / 16; ++n) {
#pragma unroll
                for (int i = 0; i < kAccumulators; ++i) sums[own][n].v[i] *= fade[i];
            }
#pragma unroll
            for (int k = 0; k < kCols / 16; ++k) {
                FragmentA weights;
                loadFragment(weights, reinterpret_cast<const std::uint16_t*>(scores + first * kScoreStride) + k * 32, 2 * kScoreStride);
#pragma unroll
                for (int n = 0; n < kDim / 16; ++n) {
                    FragmentB value;
                    loadFragment(value, tile + n * 16 * kValueStride + k * 16, kValueStride);
                    multiplyAdd(sums[own][n], weights, value);
                }
            }
        }
    }

    HEARTH_DEVICE void run(const AttentionArgs& args) {
        alignas(16) HEARTH_SHARED std::uint16_t queries[kRows * kKeyStride];
        alignas(16) HEARTH_SHARED std::uint16_t tile[kTileHalves];
        alignas(16) HEARTH_SHARED float scores[kRows * kScoreStride];
        HEARTH_SHARED float fades[kRows];

        Block block{};
        block.group = args.heads / args.kvHeads;
        block.firstRow = (gridX() - 1 - blockX()) * kRows;
        block.rows = args.rows * block.group;
        block.kvHead = blockY();
        block.firstPosition = args.firstPosition + (args.step != nullptr ? args.step->firstPosition : 0);
        block.lastPosition = block.firstPosition + args.rows - 1;

        const std::int64_t headOffset = static_cast<std::int64_t>(block.kvHead) * args.capacity * Store::rowBytes(kDim);
        const auto* keyBase = static_cast<const std::uint8_t*>(args.keys) + headOffset;
        const auto* valueBase = static_cast<const std::uint8_t*>(args.values) + headOffset;

        const int ownRow = block.firstRow + threadInBlock() / 2;
        const int ownPosition = block.firstPosition + ownRow / block.group;
        RowState state = {0, 0, kMinusInfinity, 0.0f};
        if (ownRow < block.rows) {
            state.begin = attentionBegin(args, ownPosition);
            state.end = attentionEnd(args, ownPosition, block.lastPosition);
        }
        const int lastRow = block.firstRow + kRows < block.rows ? block.firstRow + kRows - 1 : block.rows - 1;
        const int begin = attentionBegin(args, block.firstPosition + block.firstRow / block.group);
        const int end = attentionEnd(args, block.firstPosition + lastRow / block.group, block.lastPosition);

        loadQueries(args, block, queries);
        FragmentC sums[kOwnTiles][kDim / 16] = {};
        for (int first = begin; first < end; first += kCols) {
            loadKeys(keyBase, first, end, tile);
            blockBarrier();
            multiplyKeys(queries, tile, scores);
            blockBarrier();
            loadValues(valueBase, first, end, tile);
            weigh(args, state, first, scores, fades);
            blockBarrier();
            multiplyValues(sums, scores, tile, fades);
            blockBarrier();
        }

        const float weight = waveSum<2>(state.weight);
        if (threadInBlock() % 2 == 0 && ownRow < block.rows) {
            fades[threadInBlock() / 2] = finalFactor(args, block.kvHead * block.group + ownRow % block.group, {state.maximum, weight});
        }
        blockBarrier();
#pragma unroll
        for (int own = 0; own < kOwnTiles; ++own) {
#pragma unroll
            for (int i = 0; i < kAccumulators; ++i) {
                const int row = (waveInBlock() * kOwnTiles + own) * 16 + rowOf(i);
                if (block.firstRow + row >= block.rows) continue;
                float* out = args.out + rowOffset(args, block, block.firstRow + row) + colOf(i);
                const float factor = fades[row];
#pragma unroll
                for (int n = 0; n < kDim / 16; ++n) out[n * 16] = sums[own][n].v[i] * factor;
            }
        }
    }
};

} // namespace

#define HEARTH_ATTENTION_TILES(dim, type, Store)                                                                                          \
    HEARTH_BIG_KERNEL(hearth_attention_tiles_##dim##_##type, AttentionArgs, (dim > 128 ? 64 : 128)) {                                         \
        static_assert(TileAttention<dim, Store>::kThreads == (dim > 128 ? 64 : 128));                                                     \
        TileAttention<dim, Store>::run(args);                                                                                             \
    }

HEARTH_ATTENTION_TILES(64, f16, HalfStore)
HEARTH_ATTENTION_TILES(80, f16, HalfStore)
HEARTH_ATTENTION_TILES(96, f16, HalfStore)
HEARTH_ATTENTION_TILES(128, f16, HalfStore)
HEARTH_ATTENTION_TILES(192, f16, HalfStore)
HEARTH_ATTENTION_TILES(256, f16, HalfStore)
HEARTH_ATTENTION_TILES(64, q8, Q8Store)
HEARTH_ATTENTION_TILES(96, q8, Q8Store)
HEARTH_ATTENTION_TILES(128, q8, Q8Store)
HEARTH_ATTENTION_TILES(192, q8, Q8Store)
HEARTH_ATTENTION_TILES(256, q8, Q8Store)

} // namespace hearth::kernels
