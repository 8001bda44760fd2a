// SPDX-License-Identifier: Apache-2.0
//
// Mixture of experts on the GPU: routing, combining, and sorting a prompt's tokens by expert.
#include "kernels/hip/device.h"

#include "kernels/hip/float4.h"
#include "kernels/hip/wide_words.h"
#include "kernels/ops/moe_hip.h"
#include "kernels/ops/ordered.h"

namespace hearth::kernels {

constexpr int kMoeHeld = kMoeMostExperts / kMoeRouteLanes;

/// NaN ranks as minus infinity.
HEARTH_DEVICE std::uint64_t rankOfExpert(float logit, int id) {
    return rankOf(logit == logit ? logit : floatFromBits(0xff800000u), id);
}

HEARTH_KERNEL(hearth_moe_route, MoeRouteArgs, kMoeRouteThreads) {
    const int lane = threadInBlock() % kMoeRouteLanes;
    const int asked = blockX() * (kMoeRouteThreads / kMoeRouteLanes) + threadInBlock() / kMoeRouteLanes;
    const bool real = asked < args.rows;
    const std::int64_t row = real ? asked : args.rows - 1; // lanes past the end take part in their wave's shuffles
    const float* logits = args.logits + row * args.experts;
    std::int32_t* ids = args.ids + row * args.k;
    float* weights = args.weights + row * args.k;

    float logit[kMoeHeld] = {};
    std::uint64_t rank[kMoeHeld] = {}; // 0 is below every expert's
#pragma unroll
    for (int i = 0; i < kMoeHeld; ++i) {
        const int id = lane + i * kMoeRouteLanes;
        if (id < args.experts) {
            logit[i] = logits[id];
            rank[i] = rankOfExpert(logit[i], id);
        }
    }
    std::uint64_t last = ~std::uint64_t{0};
    float largest = 0.0f;
    float total = 0.0f;
    float chosen = 0.0f;
    for (int j = 0; j < args.k; ++j) {
        std::uint64_t best = 0;
#pragma unroll
        for (int i = 0; i < kMoeHeld; ++i) {
            if (i * kMoeRouteLanes < args.experts) best = rank[i] < last && rank[i] > best ? rank[i] : best;
        }
        last = waveLargest<kMoeRouteLanes>(best);
        if (j == 0) {
            largest = valueOf(last);
#pragma unroll
            for (int i = 0; i < kMoeHeld; ++i) {
                if (lane + i * kMoeRouteLanes < args.experts) total += expOf(logit[i] - largest);
            }
            total = waveSum<kMoeRouteLanes>(total);
        }
        const float weight = expOf(valueOf(last) - largest) / total;
        chosen += weight;
        if (real && lane == j % kMoeRouteLanes) {
            ids[j] = idOf(last);
            weights[j] = weight;
        }
    }
    if (args.renormalise == 0 || !real) return;
    for (int j = lane; j < args.k; j += kMoeRouteLanes) weights[j] /= chosen; // each by the lane that wrote it
}

HEARTH_KERNEL(hearth_moe_combine, MoeCombineArgs, kMoeCombineThreads) {
    const std::int64_t token = blockX() / args.blocksPerRow;
    const int col = ((blockX() % args.blocksPerRow) * kMoeCombineThreads + threadInBlock()) * 4;
    const bool fours = inFours(args.x, args.cols) && inFours(args.out, args.cols);
    const float* weights = args.weights + token * args.k;
    const float* x = args.x + token * args.k * args.cols;
    Float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll 4
    for (int j = 0; j < args.k; ++j) {
        const Float4 value = loadFour(x + std::int64_t{j} * args.cols, col, args.cols, fours);
        const float weight = weights[j];
        sum.x = fusedMultiplyAdd(weight, value.x, sum.x);
        sum.y = fusedMultiplyAdd(weight, value.y, sum.y);
        sum.z = fusedMultiplyAdd(weight, value.z, sum.z);
        sum.w = fusedMultiplyAdd(weight, value.w, sum.w);
    }
    storeFour(args.out + token * args.cols, col, args.cols, fours, sum);
}

constexpr int kSortHeld = 8; ///< loads in flight

/// Every kWaveSize-th id from `entry` on; -1 from `end` on.
HEARTH_DEVICE void loadIds(int (&id)[kSortHeld], const MoeSortArgs& args, int entry, int end) {
    const int limit = end < args.entries ? end : args.entries;
#pragma unroll
    for (int i = 0; i < kSortHeld; ++i) {
        id[i] = entry + i * kWaveSize < limit ? args.ids[entry + i * kWaveSize] : -1;
    }
}

HEARTH_KERNEL(hearth_moe_sort, MoeSortArgs, kMoeSortThreads) {
    constexpr int kWaves = kMoeSortThreads / kWaveSize;
    HEARTH_SHARED int before[kWaves]; // entries of lower experts
    HEARTH_SHARED int mine[kWaves];   // entries of this expert
    const int expert = blockX();
    const int wave = waveInBlock();
    const int lane = laneInWave();
    // Each wave reads a part of the entries, twice: first to count, then to write.
    const int part = (args.entries + kMoeSortThreads - 1) / kMoeSortThreads * kWaveSize;
    const int first = wave * part;
    int lower = 0;
    int equal = 0;
    for (int start = first; start < first + part; start += kSortHeld * kWaveSize) {
        int id[kSortHeld];
        loadIds(id, args, start + lane, first + part);
#pragma unroll
        for (int i = 0; i < kSortHeld; ++i) {
            lower += bitCount(waveBallot(id[i] >= 0 && id[i] < expert));
            equal += bitCount(waveBallot(id[i] == expert));
        }
    }
    if (lane == 0) {
        before[wave] = lower;
        mine[wave] = equal;
    }
    blockBarrier();
    int offset = 0;
    int count = 0;
    int at = 0;
    for (int w = 0; w < kWaves; ++w) {
        offset += before[w];
        at += w < wave ? mine[w] : 0;
        count += mine[w];
    }
    if (threadInBlock() == 0) {
        args.offsets[expert] = offset;
        if (expert == args.experts - 1) args.offsets[args.experts] = offset + count;
    }
    at += offset;
    for (int start = first; start < first + part; start += kSortHeld * kWaveSize) {
        int id[kSortHeld];
        loadIds(id, args, start + lane, first + part);
#pragma unroll
        for (int i = 0; i < kSortHeld; ++i) {
            const std::uint64_t hits = waveBallot(id[i] == expert);
            const int rank = bitCount(hits & ((std::uint64_t{1} << lane) - 1));
            if (id[i] == expert) args.order[at + rank] = start + lane + i * kWaveSize;
            at += bitCount(hits);
        }
    }
}

} // namespace hearth::kernels
