// SPDX-License-Identifier: Apache-2.0
//
// Attention of single rows: split over positions, f32 throughout. See kernels/ops/attention_hip.h for how the work is cut.
//
// A block goes through its range tile by tile:
//   scores   kLanes lanes hold one position, eight elements each; several positions and heads are summed over the lanes at once
//   softmax  a wave per head, online: when a larger maximum comes, what was summed fades
//   values   the same lanes, weights from shared memory, sums in registers
// The values of this tile and the keys of the next are under way while the scores are computed.
// Registers: at most 256 in every variant, no scratch. Occupancy: kernels/hip/occupancy.cmake.
#include "kernels/hip/device.h"

#include "kernels/ops/attention_device.h"
#include "kernels/ops/rope_device.h"

namespace hearth::kernels {

namespace {

constexpr int kWaves = kAttentionThreads / kWaveSize;

/// f16 of any head size.
struct LooseHalfStore {
    using Raw = Int4;
    HEARTH_DEVICE std::int64_t rowBytes(int headDim) { return static_cast<std::int64_t>(headDim) * 2; }
    HEARTH_DEVICE int loadPair(const std::uint8_t* at, int d, int headDim) {
        return d < headDim ? *reinterpret_cast<const int*>(at + 2 * d) : 0;
    }
    HEARTH_DEVICE Raw load(const std::uint8_t* at, int d, int headDim) {
        return {loadPair(at, d, headDim), loadPair(at, d + 2, headDim), loadPair(at, d + 4, headDim), loadPair(at, d + 6, headDim)};
    }
    HEARTH_DEVICE void unpack(const Raw& raw, float (&x)[8]) { HalfStore::unpack(raw, x); }
};

/// Sums each of the values over the lanes that differ in the bits from kFrom down to kTo, halving the values with each bit while there is more
/// than one: afterwards this lane has the sums number scatteredIndex(...) and following, kCount / lanes of them, at least one.
template <int kCount, int kFrom, int kTo>
HEARTH_DEVICE void scatterSum(float* values) {
    if constexpr (kFrom >= kTo) {
        if constexpr (kCount > 1) {
            const bool upper = (laneInWave() & kFrom) != 0;
#pragma unroll
            for (int i = 0; i < kCount / 2; ++i) {
                const float other = shuffleXor(upper ? values[i] : values[i + kCount / 2], kFrom);
                values[i] = (upper ? values[i + kCount / 2] : values[i]) + other;
            }
            scatterSum<kCount / 2, kFrom / 2, kTo>(values);
        } else {
            values[0] += shuffleXor(values[0], kFrom);
            scatterSum<1, kFrom / 2, kTo>(values);
        }
    }
}

/// With lanes numbered by those bits (`lane` of `lanes`).
template <int kCount>
HEARTH_DEVICE int scatteredIndex(int lane, int lanes) {
    return kCount >= lanes ? lane * (kCount / lanes) : lane / (lanes / kCount);
}

/// Elements d ... d + 3 of a head's result; all lanes of the wave take part.
HEARTH_DEVICE void storeResult(const AttentionArgs& args, int row, int head, int d, const Float4& x, bool inside) {
    const std::int64_t cols = static_cast<std::int64_t>(args.heads) * args.headDim;
    const std::int64_t col = static_cast<std::int64_t>(head) * args.headDim + d;
    const bool store = inside && d < args.headDim;
    if (store) {
        float* to = args.out + row * cols + col;
        if (args.headDim % 4 == 0) {
            *reinterpret_cast<Float4*>(to) = x;
        } else {
            to[0] = x.x;
            to[1] = x.y;
            if (d + 2 < args.headDim) {
                to[2] = x.z;
                to[3] = x.w;
            }
        }
    }
    if (args.q8.q != nullptr) quantizeFour(args.q8, row, cols, col, x, store);
}

/// Where a block's row and query heads are.
struct Place {
    int row;
    int kvHead;
    int firstHead;
    int heads;
};
HEARTH_DEVICE Place placeOf(const AttentionArgs& args) {
    const int group = args.heads / args.kvHeads;
    const int passes = attentionPasses(group, args.headDim);
    const int perPass = attentionHeadsPerPass(group, args.headDim);
    const int kvHead = blockY() / passes;
    const int first = blockY() % passes * perPass;
    const int heads = group - first < perPass ? group - first : perPass;
    return {blockZ(), kvHead, kvHead * group + first, heads};
}

HEARTH_DEVICE AttentionRange rangeOf(const AttentionArgs& args, int row, int tile) {
    const int first = args.firstPosition + (args.step != nullptr ? args.step->firstPosition : 0);
    return attentionRange(args, first + row, first + args.rows - 1, tile);
}

/// Number of a partial result; its sums are at partials + number * kWidth.
HEARTH_DEVICE std::int64_t partialIndex(const AttentionArgs& args, int row, int head, int split) {
    return (static_cast<std::int64_t>(row) * args.heads + head) * args.splits + split;
}
HEARTH_DEVICE float* partialStats(const AttentionArgs& args, int width) {
    return args.partials + static_cast<std::int64_t>(args.rows) * args.heads * args.splits * width;
}

/// Joins the splits of a block's heads and stores their results. What this takes is the time of loads that wait for each other, so there is
/// one round of them where that is possible, no barrier, and nothing goes through shared memory: four neighbours of a head are a lane's, or
/// several lanes' of one wave, which share the splits.
template <int kWidth>
HEARTH_DEVICE void joinSplits(const AttentionArgs& args, const Place& place, int splits) {
    constexpr int kQuads = kWidth / 4;
    constexpr int kInFlight = 9; // 33 splits by four lanes in one round
    constexpr int kMostParts = kWaveSize / 8; // eight neighbouring lanes round 32 values together
    const int items = place.heads * kQuads;
    int parts = 1;
    while (parts < kMostParts && 2 * parts * items <= kAttentionThreads) parts *= 2;
    const int itemsOfWave = kWaveSize / parts;
    const int part = laneInWave() / itemsOfWave;
    for (int base = 0; base < items; base += kAttentionThreads / parts) {
        const int item = base + waveInBlock() * itemsOfWave + laneInWave() % itemsOfWave;
        const bool inside = item < items;
        const int head = place.firstHead + (inside ? item / kQuads : 0);
        const int d = item % kQuads * 4;
        const std::int64_t first = partialIndex(args, place.row, head, 0);
        const auto* sums = reinterpret_cast<const Float4*>(args.partials + first * kWidth + d);
        const auto* stats = reinterpret_cast<const Int2*>(partialStats(args, kWidth) + first * 2);
        Joined joined = {kMinusInfinity, 0.0f};
        Float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
        // What was summed up to a smaller maximum fades.
        const auto add = [&](const Float4& x, float factor, float weight, float fade) {
            sum.x = fusedMultiplyAdd(x.x, factor, sum.x * fade);
            sum.y = fusedMultiplyAdd(x.y, factor, sum.y * fade);
            sum.z = fusedMultiplyAdd(x.z, factor, sum.z * fade);
            sum.w = fusedMultiplyAdd(x.w, factor, sum.w * fade);
            joined.weight = fusedMultiplyAdd(weight, factor, joined.weight * fade);
        };
        for (int start = part; start < splits; start += kInFlight * parts) {
            Float4 held[kInFlight];
            Int2 heldStats[kInFlight];
#pragma unroll
            for (int i = 0; i < kInFlight; ++i) {
                const int s = start + i * parts < splits ? start + i * parts : splits - 1;
                held[i] = sums[s * kQuads];
                heldStats[i] = stats[s];
            }
            float maximum = joined.maximum;
#pragma unroll
            for (int i = 0; i < kInFlight; ++i) {
                const float own = floatFromBits(static_cast<std::uint32_t>(heldStats[i].x));
                if (start + i * parts < splits && own > maximum) maximum = own;
            }
            if (!(maximum > kMinusInfinity)) continue; // nothing is seen yet
            const float fade = expOf(joined.maximum - maximum);
            joined.maximum = maximum;
#pragma unroll
            for (int i = 0; i < kInFlight; ++i) {
                const float own = expOf(floatFromBits(static_cast<std::uint32_t>(heldStats[i].x)) - maximum);
                if (start + i * parts < splits) add(held[i], own, floatFromBits(static_cast<std::uint32_t>(heldStats[i].y)), i == 0 ? fade : 1.0f);
            }
        }
        for (int mask = itemsOfWave; mask < kWaveSize; mask *= 2) {
            const Float4 other = {shuffleXor(sum.x, mask), shuffleXor(sum.y, mask), shuffleXor(sum.z, mask), shuffleXor(sum.w, mask)};
            const float otherWeight = shuffleXor(joined.weight, mask);
            const float otherMaximum = shuffleXor(joined.maximum, mask);
            const float maximum = otherMaximum > joined.maximum ? otherMaximum : joined.maximum;
            const bool any = maximum > kMinusInfinity;
            add(other, any ? expOf(otherMaximum - maximum) : 0.0f, otherWeight, any ? expOf(joined.maximum - maximum) : 0.0f);
            joined.maximum = maximum;
        }
        const float factor = finalFactor(args, head, joined);
        storeResult(args, place.row, head, d, {sum.x * factor, sum.y * factor, sum.z * factor, sum.w * factor}, inside && part == 0);
    }
}

/// k and v of one KV head into the cache, by the whole block: half of it each, four elements a thread.
HEARTH_DEVICE void appendHead(const RopeAppendArgs& args, int kvHead, int position) {
    constexpr int kHalf = kAttentionThreads / 2;
    static_assert(kHalf * 4 >= kAttentionMaxHeadDim);
    const int e = threadInBlock() % kHalf * 4;
    // Beyond the head: an element that is not there, so that nothing is stored.
    appendFour(args, threadInBlock() < kHalf, e < args.headDim ? kvHead * args.headDim + e : args.kvHeads * args.headDim, 0, position);
}

template <int kLanes, int kHeads, typename Store>
struct RowAttention {
    static constexpr int kSlots = kAttentionThreads / kLanes; // positions side by side
    static constexpr int kSteps = kAttentionSteps;
    static constexpr int kTile = kSlots * kSteps;
    static constexpr int kWidth = kLanes * 8;
    static constexpr int kBatch = kHeads == 1 ? 8 : 16 / kHeads; // positions whose scores are summed over the lanes at once
    static constexpr int kSums = (kBatch < kSteps ? kBatch : kSteps) * kHeads;
    static constexpr int kHeadsPerWave = (kHeads + kWaves - 1) / kWaves;
    static constexpr int kJoinedHeads = kHeads < 4 ? kHeads : 4; // joined over the waves at once
    static constexpr int kWaveSums = kWaves * kJoinedHeads * kWidth;

    using Raw = typename Store::Raw;

    HEARTH_DEVICE void loadTile(Raw (&raw)[kSteps], const std::uint8_t* base, int tile, int end, int headDim) {
        const int slot = threadInBlock() / kLanes;
        const int d = threadInBlock() % kLanes * 8;
        const std::int64_t rowBytes = Store::rowBytes(headDim);
#pragma unroll
        for (int i = 0; i < kSteps; ++i) {
            const int position = tile + i * kSlots + slot;
            // Past the end the last one again: its score is masked, its weight 0.
            raw[i] = Store::load(base + (position < end ? position : end - 1) * rowBytes, d, headDim);
        }
    }

    /// The scaled queries, as the lanes read them: [head][four elements][lane].
    HEARTH_DEVICE void loadQueries(const AttentionArgs& args, const Place& place, int position, float* queries) {
        const float* q = args.q + (static_cast<std::int64_t>(place.row) * args.heads + place.firstHead) * args.headDim;
        for (int i = threadInBlock(); i < kHeads * kWidth; i += kAttentionThreads) {
            const int g = i / kWidth;
            const int d = i % kWidth;
            const bool inside = g < place.heads && d < args.headDim;
            const float x = inside ? rotatedElement(args.rope, q + g * args.headDim, d, position) * args.scale : 0.0f; // dims 0: as it is
            queries[((g * 2 + d % 8 / 4) * kLanes + d / 8) * 4 + d % 4] = x;
        }
    }

    HEARTH_DEVICE void storeScores(const AttentionArgs& args, const Raw (&keys)[kSteps], const float* queries, float* scores, int tile, int end) {
        const int slot = threadInBlock() / kLanes;
        const int lane = threadInBlock() % kLanes;
        constexpr int kCount = kSums / kHeads; // positions of a batch
#pragma unroll
        for (int batch = 0; batch < kSteps; batch += kCount) {
            float sums[kSums];
#pragma unroll
            for (int i = 0; i < kCount; ++i) {
                float key[8];
                Store::unpack(keys[batch + i], key);
#pragma unroll
                for (int g = 0; g < kHeads; ++g) {
                    const Float4 low = *reinterpret_cast<const Float4*>(queries + (g * 2 * kLanes + lane) * 4);
                    const Float4 high = *reinterpret_cast<const Float4*>(queries + ((g * 2 + 1) * kLanes + lane) * 4);
                    float sum = low.x * key[0];
                    sum = fusedMultiplyAdd(low.y, key[1], sum);
                    sum = fusedMultiplyAdd(low.z, key[2], sum);
                    sum = fusedMultiplyAdd(low.w, key[3], sum);
                    sum = fusedMultiplyAdd(high.x, key[4], sum);
                    sum = fusedMultiplyAdd(high.y, key[5], sum);
                    sum = fusedMultiplyAdd(high.z, key[6], sum);
                    sums[i * kHeads + g] = fusedMultiplyAdd(high.w, key[7], sum);
                }
            }
            scatterSum<kSums, kLanes / 2, 1>(sums);
            constexpr int kOwn = kSums > kLanes ? kSums / kLanes : 1;
#pragma unroll
            for (int i = 0; i < kOwn; ++i) {
                const int index = scatteredIndex<kSums>(lane, kLanes) + i;
                const int place = (batch + index / kHeads) * kSlots + slot;
                float score = sums[i];
                if (args.softcap > 0.0f) score = capped(score, args.softcap);
                scores[place * kHeads + index % kHeads] = tile + place < end ? score : kMinusInfinity;
            }
        }
    }

    /// Scores become weights, head by head; `fades` is what older sums are multiplied by.
    HEARTH_DEVICE void weigh(float* scores, float* fades, Joined (&joined)[kHeadsPerWave]) {
        constexpr int kOwn = (kTile + kWaveSize - 1) / kWaveSize;
#pragma unroll
        for (int i = 0; i < kHeadsPerWave; ++i) {
            const int g = waveInBlock() + i * kWaves;
            if (g >= kHeads) continue;
            float score[kOwn];
            float maximum = joined[i].maximum;
#pragma unroll
            for (int j = 0; j < kOwn; ++j) {
                const int place = j * kWaveSize + laneInWave();
                score[j] = place < kTile ? scores[place * kHeads + g] : kMinusInfinity;
                maximum = score[j] > maximum ? score[j] : maximum;
            }
            maximum = waveMax(maximum);
            const bool any = maximum > kMinusInfinity;
            const float fade = any ? expOf(joined[i].maximum - maximum) : 1.0f;
            float weight = joined[i].weight * fade; // this lane's share of it
#pragma unroll
            for (int j = 0; j < kOwn; ++j) {
                const int place = j * kWaveSize + laneInWave();
                const float own = any ? expOf(score[j] - maximum) : 0.0f;
                if (place < kTile) scores[place * kHeads + g] = own;
                weight += own;
            }
            if (laneInWave() == 0) fades[g] = fade;
            joined[i] = {maximum, weight};
        }
    }

    HEARTH_DEVICE void addValues(float (&sums)[kHeads][8], const Raw (&values)[kSteps], const float* weights, const float* fades) {
        const int slot = threadInBlock() / kLanes;
#pragma unroll
        for (int g = 0; g < kHeads; ++g) {
            const float fade = fades[g];
#pragma unroll
            for (int d = 0; d < 8; ++d) sums[g][d] *= fade;
        }
#pragma unroll
        for (int i = 0; i < kSteps; ++i) {
            float value[8];
            Store::unpack(values[i], value);
            const float* weight = weights + (i * kSlots + slot) * kHeads;
#pragma unroll
            for (int g = 0; g < kHeads; ++g) {
#pragma unroll
                for (int d = 0; d < 8; ++d) sums[g][d] = fusedMultiplyAdd(weight[g], value[d], sums[g][d]);
            }
        }
    }

    HEARTH_DEVICE void run(const AttentionArgs& args) {
        alignas(16) HEARTH_SHARED float queries[kHeads * kWidth];
        alignas(16) HEARTH_SHARED float scores[2][kTile * kHeads];
        alignas(16) HEARTH_SHARED float waveSums[kWaveSums];
        HEARTH_SHARED float fades[kHeads];
        HEARTH_SHARED Joined heads[kHeads];

        const Place place = placeOf(args);
        const AttentionRange range = rangeOf(args, place.row, kTile);
        const int split = blockX();
        if (split >= range.splits) return;
        int tile = range.begin + split * range.span;
        const int end = tile + range.span < range.end ? tile + range.span : range.end;

        const std::int64_t headOffset = static_cast<std::int64_t>(place.kvHead) * args.capacity * Store::rowBytes(args.headDim);
        const auto* keyBase = static_cast<const std::uint8_t*>(args.keys) + headOffset;
        const auto* valueBase = static_cast<const std::uint8_t*>(args.values) + headOffset;

        const int position = range.end - 1; // of a step's one row
        if (args.rope.k != nullptr && end == range.end) {
            appendHead(args.rope, place.kvHead, position);
            blockBarrier();
        }
        Raw keys[kSteps];
        Raw values[kSteps];
        loadTile(keys, keyBase, tile, end, args.headDim);
        loadQueries(args, place, position, queries);
        blockBarrier();

        float sums[kHeads][8] = {};
        Joined joined[kHeadsPerWave];
#pragma unroll
        for (int i = 0; i < kHeadsPerWave; ++i) joined[i] = {kMinusInfinity, 0.0f};
        for (int turn = 0; tile < end; tile += kTile, turn ^= 1) {
            loadTile(values, valueBase, tile, end, args.headDim);
            storeScores(args, keys, queries, scores[turn], tile, end);
            if (tile + kTile < end) loadTile(keys, keyBase, tile + kTile, end, args.headDim);
            blockBarrier();
            weigh(scores[turn], fades, joined);
            blockBarrier();
            addValues(sums, values, scores[turn], fades);
        }

#pragma unroll
        for (int i = 0; i < kHeadsPerWave; ++i) {
            const float weight = waveSum(joined[i].weight);
            const int g = waveInBlock() + i * kWaves;
            if (g < kHeads && laneInWave() == 0) heads[g] = {joined[i].maximum, weight};
        }
        constexpr int kInWave = kWaveSize / kLanes;  // slots of a wave
        constexpr int kOwn = 8 / kInWave;            // elements of a lane after they are summed
        const int lane = laneInWave() % kLanes;
        const int d = lane * 8 + scatteredIndex<8>(laneInWave() / kLanes, kInWave);
#pragma unroll
        for (int from = 0; from < kHeads; from += kJoinedHeads) {
#pragma unroll
            for (int g = 0; g < kJoinedHeads; ++g) {
                float* own = sums[from + g];
                scatterSum<8, kWaveSize / 2, kLanes>(own);
#pragma unroll
                for (int i = 0; i < kOwn; ++i) waveSums[(waveInBlock() * kJoinedHeads + g) * kWidth + d + i] = own[i];
            }
            blockBarrier();
            storeHeads(args, place, range, split, from, waveSums, heads);
            if (from + kJoinedHeads < kHeads) blockBarrier();
        }
        if (range.splits == 1 || args.counters == nullptr) return;

        // The block that ends last joins them all. One thread's fence publishes what all of the block wrote before the barrier.
        HEARTH_SHARED int isLast;
        blockBarrier();
        const int blocksOfRow = args.kvHeads * attentionPasses(args.heads / args.kvHeads, args.headDim);
        int* counter = args.counters + static_cast<std::int64_t>(place.row) * blocksOfRow + blockY();
        if (threadInBlock() == 0) {
            deviceFence();
            isLast = atomicAddTo(counter, 1) == range.splits - 1 ? 1 : 0;
        }
        blockBarrier();
        if (isLast == 0) return;
        deviceFence();
        if (threadInBlock() == 0) *counter = 0;
        joinSplits<kWidth>(args, place, range.splits);
    }

    /// Heads from ... from + kJoinedHeads - 1 of the block: the result, or this split's part of it.
    HEARTH_DEVICE void storeHeads(const AttentionArgs& args, const Place& place, const AttentionRange& range, int split, int from,
                                  const float* waveSums, const Joined* heads) {
        constexpr int kQuads = kWidth / 4;
        const int count = place.heads - from < kJoinedHeads ? place.heads - from : kJoinedHeads;
        for (int base = 0; base < count * kQuads; base += kAttentionThreads) {
            const int item = base + threadInBlock();
            const bool inside = item < count * kQuads;
            const int g = inside ? item / kQuads : 0;
            const int d = item % kQuads * 4;
            const int head = place.firstHead + from + g;
            Float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
            for (int w = 0; w < kWaves; ++w) {
                const auto x = *reinterpret_cast<const Float4*>(waveSums + (w * kJoinedHeads + g) * kWidth + d);
                sum = {sum.x + x.x, sum.y + x.y, sum.z + x.z, sum.w + x.w};
            }
            if (range.splits == 1) {
                const float factor = finalFactor(args, head, heads[from + g]);
                sum = {sum.x * factor, sum.y * factor, sum.z * factor, sum.w * factor};
                storeResult(args, place.row, head, d, sum, inside);
            } else if (inside) {
                const std::int64_t number = partialIndex(args, place.row, head, split);
                *reinterpret_cast<Float4*>(args.partials + number * kWidth + d) = sum;
                if (d == 0) {
                    float* stats = partialStats(args, kWidth) + number * 2;
                    stats[0] = heads[from + g].maximum;
                    stats[1] = heads[from + g].weight;
                }
            }
        }
    }
};

template <int kWidth>
HEARTH_DEVICE void joinRow(const AttentionArgs& args) {
    const Place place = placeOf(args);
    const AttentionRange range = rangeOf(args, place.row, attentionTile(kWidth / 8));
    if (range.splits == 1) return;
    joinSplits<kWidth>(args, place, range.splits);
}

} // namespace

#define HEARTH_ATTENTION_ROWS(lanes, heads, type, Store)                                                                                  \
    HEARTH_BIG_KERNEL(hearth_attention_rows_##lanes##_##heads##_##type, AttentionArgs, kAttentionThreads) {                                   \
        RowAttention<lanes, heads, Store>::run(args);                                                                                     \
    }
#define HEARTH_ATTENTION_LANES(lanes)                                                                                                     \
    HEARTH_ATTENTION_ROWS(lanes, 1, f16, HalfStore)                                                                                       \
    HEARTH_ATTENTION_ROWS(lanes, 2, f16, HalfStore)                                                                                       \
    HEARTH_ATTENTION_ROWS(lanes, 4, f16, HalfStore)                                                                                       \
    HEARTH_ATTENTION_ROWS(lanes, 8, f16, HalfStore)                                                                                       \
    HEARTH_ATTENTION_ROWS(lanes, 1, q8, Q8Store)                                                                                          \
    HEARTH_ATTENTION_ROWS(lanes, 2, q8, Q8Store)                                                                                          \
    HEARTH_ATTENTION_ROWS(lanes, 4, q8, Q8Store)                                                                                          \
    HEARTH_ATTENTION_ROWS(lanes, 8, q8, Q8Store)                                                                                          \
    HEARTH_KERNEL(hearth_attention_join_##lanes, AttentionArgs, kAttentionThreads) { joinRow<lanes * 8>(args); }

HEARTH_ATTENTION_LANES(8)
HEARTH_ATTENTION_LANES(16)
HEARTH_ATTENTION_LANES(32)
HEARTH_ATTENTION_ROWS(32, 1, loose, LooseHalfStore)

} // namespace hearth::kernels
