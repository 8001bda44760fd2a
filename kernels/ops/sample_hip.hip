// SPDX-License-Identifier: Apache-2.0
//
// Sampling on the GPU. The k best of a vocabulary are found in three launches over all of it: the largest logit; how many logits lie in each
// 1/16 below it; then those of the bins that hold the k best are gathered. One block orders them and walks the chain.
// When a bin is so full that the gathered ones exceed the list (logits that hardly differ), that block searches the vocabulary itself, digit
// by digit of the ranks: slower, still in parallel, and with the same outcome.
#include "kernels/hip/device.h"

#include "kernels/hip/float4.h"
#include "kernels/hip/wide_words.h"
#include "kernels/ops/ordered.h"
#include "kernels/ops/sample_chain.h"
#include "kernels/ops/sample_hip.h"

namespace hearth::kernels {

constexpr int kSampleWaves = kSampleThreads / kWaveSize;
constexpr int kChooseWaves = kSampleChooseThreads / kWaveSize;

/// 0 for what is never chosen.
HEARTH_DEVICE std::uint64_t rankOfLogit(float logit, int id) {
    return isFiniteLogit(logit) ? rankOf(logit, id) : 0;
}

/// Calls see(rank) for the ranks of the vocabulary that are this thread's, the same number of times in all threads, with 0 beyond the end.
template <typename See>
HEARTH_DEVICE void forEachRank(const SampleArgs& args, int thread, int threads, See see) {
    const bool fours = inFours(args.logits, args.vocabulary);
    const int count = (args.vocabulary + 4 * threads - 1) / (4 * threads);
    for (int i = 0; i < count; ++i) {
        const int id = 4 * (i * threads + thread);
        const Float4 v = loadFour(args.logits, id, args.vocabulary, fours);
        see(id < args.vocabulary ? rankOfLogit(v.x, id) : 0);
        see(id + 1 < args.vocabulary ? rankOfLogit(v.y, id + 1) : 0);
        see(id + 2 < args.vocabulary ? rankOfLogit(v.z, id + 2) : 0);
        see(id + 3 < args.vocabulary ? rankOfLogit(v.w, id + 3) : 0);
    }
}

template <typename See>
HEARTH_DEVICE void forEachRankOfGrid(const SampleArgs& args, See see) {
    forEachRank(args, blockX() * kSampleThreads + threadInBlock(), args.blocks * kSampleThreads, see);
}

/// ++bins[bin] in shared memory. All lanes take part; those with `counts` false add nothing. Lanes that agree with the first add once.
HEARTH_DEVICE void countInBin(int* bins, int bin, bool counts) {
    const int common = shuffle(bin, 0);
    const bool agrees = counts && bin == common;
    const int agreeing = bitCount(waveBallot(agrees));
    if (laneInWave() == 0 && agreeing > 0) atomicAddTo(bins + common, agreeing);
    if (counts && !agrees) atomicAddTo(bins + bin, 1);
}

/// Steps of 1/16 below the largest logit; everything far below shares the last bin. Never falls as the logit falls.
HEARTH_DEVICE int binOf(float largest, float logit) {
    const float steps = (largest - logit) * 16.0f;
    return steps < static_cast<float>(kSampleBins - 1) ? static_cast<int>(steps) : kSampleBins - 1;
}

HEARTH_DEVICE std::uint64_t largestOfMaxima(const SampleArgs& args, std::uint64_t* scratch) {
    static_assert(kSampleMostBlocks <= kSampleThreads);
    const std::uint64_t mine = threadInBlock() < args.blocks ? args.scratch->maxima[threadInBlock()] : 0;
    return blockLargest(mine, scratch, kSampleWaves);
}

HEARTH_KERNEL(hearth_sample_penalties, SampleArgs, kSampleThreads) {
    const float above = args.params->divisorAbove;
    const float below = args.params->divisorBelow;
    for (int i = blockX() * kSampleThreads + threadInBlock(); i < args.params->penalties; i += args.blocks * kSampleThreads) {
        const TokenPenalty entry = args.penalties[i];
        if (entry.token < 0 || entry.token >= args.vocabulary) continue;
        args.logits[entry.token] = penalizedLogit(args.logits[entry.token], above, below, entry.penalty);
    }
}

HEARTH_KERNEL(hearth_sample_maxima, SampleArgs, kSampleThreads) {
    HEARTH_SHARED std::uint64_t scratch[kSampleWaves];
    std::uint64_t largest = 0;
    forEachRankOfGrid(args, [&](std::uint64_t rank) { largest = rank > largest ? rank : largest; });
    largest = blockLargest(largest, scratch, kSampleWaves);
    if (threadInBlock() == 0) args.scratch->maxima[blockX()] = largest;
    // For the kernels that follow.
    const int thread = blockX() * kSampleThreads + threadInBlock();
    for (int bin = thread; bin < kSampleBins; bin += args.blocks * kSampleThreads) args.scratch->bins[bin] = 0;
    if (thread == 0) args.scratch->candidateCount = 0;
}

HEARTH_KERNEL(hearth_sample_greedy, SampleArgs, kSampleThreads) {
    HEARTH_SHARED std::uint64_t scratch[kSampleWaves];
    const std::uint64_t largest = largestOfMaxima(args, scratch);
    if (threadInBlock() == 0) *args.token = largest == 0 ? -1 : idOf(largest);
}

HEARTH_KERNEL(hearth_sample_histogram, SampleArgs, kSampleThreads) {
    HEARTH_SHARED std::uint64_t scratch[kSampleWaves];
    HEARTH_SHARED int bins[kSampleBins];
    for (int bin = threadInBlock(); bin < kSampleBins; bin += kSampleThreads) bins[bin] = 0;
    const float largest = valueOf(largestOfMaxima(args, scratch)); // its barriers also part the zeros from the counts
    forEachRankOfGrid(args, [&](std::uint64_t rank) { countInBin(bins, rank != 0 ? binOf(largest, valueOf(rank)) : 0, rank != 0); });
    blockBarrier();
    for (int bin = threadInBlock(); bin < kSampleBins; bin += kSampleThreads) {
        if (bins[bin] != 0) atomicAddTo(args.scratch->bins + bin, bins[bin]);
    }
}

HEARTH_KERNEL(hearth_sample_collect, SampleArgs, kSampleThreads) {
    constexpr int kBinsPerThread = kSampleBins / kSampleThreads;
    HEARTH_SHARED std::uint64_t scratch[kSampleWaves];
    HEARTH_SHARED int lastBin[1];
    const float largest = valueOf(largestOfMaxima(args, scratch));
    // The first bin with which k logits are reached; the last of all when there are fewer.
    int count[kBinsPerThread];
    int sum = 0;
#pragma unroll
    for (int i = 0; i < kBinsPerThread; ++i) {
        count[i] = args.scratch->bins[threadInBlock() * kBinsPerThread + i];
        sum += count[i];
    }
    if (threadInBlock() == 0) lastBin[0] = kSampleBins - 1;
    const int k = args.params->topK < kSampleMostK ? args.params->topK : kSampleMostK;
    int reached = static_cast<int>(blockRunningSum(static_cast<std::uint64_t>(sum), scratch, kSampleWaves).upTo) - sum;
#pragma unroll
    for (int i = 0; i < kBinsPerThread; ++i) {
        if (reached < k && reached + count[i] >= k) lastBin[0] = threadInBlock() * kBinsPerThread + i;
        reached += count[i];
    }
    blockBarrier();
    const int last = lastBin[0];
    forEachRankOfGrid(args, [&](std::uint64_t rank) {
        const bool kept = rank != 0 && binOf(largest, valueOf(rank)) <= last;
        const std::uint64_t all = waveBallot(kept);
        if (all == 0) return;
        int first = 0;
        if (laneInWave() == 0) first = atomicAddTo(&args.scratch->candidateCount, bitCount(all));
        const int at = shuffle(first, 0) + bitCount(all & ((std::uint64_t{1} << laneInWave()) - 1));
        if (kept && at < kSampleMostCandidates) args.scratch->candidates[at] = rank;
    });
}

constexpr int kDigitBits = 11;
constexpr int kDigits = 1 << kDigitBits;

/// A number that at most kSampleMostCandidates ranks of the vocabulary, and at least k, are not below; there are k. All threads of the block.
HEARTH_DEVICE std::uint64_t rankOfTheBest(const SampleArgs& args, int k, int* bins, std::uint64_t* scratch, int* found) {
    constexpr int kPerThread = kDigits / kSampleChooseThreads;
    std::uint64_t prefix = 0; // the digits decided so far: those of the k-th rank
    int above = 0;            // ranks that are larger by these digits
    for (int shift = 64 - kDigitBits; shift >= 0; shift -= kDigitBits) {
        for (int bin = threadInBlock(); bin < kDigits; bin += kSampleChooseThreads) bins[bin] = 0;
        blockBarrier();
        forEachRank(args, threadInBlock(), kSampleChooseThreads, [&](std::uint64_t rank) {
            // Two shifts, for one by 64 is not defined.
            const bool counts = rank != 0 && (rank >> shift >> kDigitBits) == (prefix >> shift >> kDigitBits);
            // The largest digit is the first bin.
            countInBin(bins, kDigits - 1 - static_cast<int>(rank >> shift & (kDigits - 1)), counts);
        });
        blockBarrier();
        int count[kPerThread];
        int sum = 0;
#pragma unroll
        for (int i = 0; i < kPerThread; ++i) {
            count[i] = bins[threadInBlock() * kPerThread + i];
            sum += count[i];
        }
        int reached = above + static_cast<int>(blockRunningSum(static_cast<std::uint64_t>(sum), scratch, kChooseWaves).upTo) - sum;
#pragma unroll
        for (int i = 0; i < kPerThread; ++i) {
            if (reached < k && reached + count[i] >= k) {
                found[0] = threadInBlock() * kPerThread + i;
                found[1] = reached;
                found[2] = reached + count[i];
            }
            reached += count[i];
        }
        blockBarrier();
        above = found[1];
        const int notBelow = found[2];
        prefix |= std::uint64_t{static_cast<std::uint32_t>(kDigits - 1 - found[0])} << shift;
        blockBarrier();
        if (notBelow <= kSampleMostCandidates) break; // at the latest when 55 bits are decided: ranks differ
    }
    return prefix;
}

/// The ranks of the k best (and some more) in ranks [kSampleMostCandidates], in no order. Returns how many. All threads of the block.
HEARTH_DEVICE int gatherCandidates(const SampleArgs& args, int k, std::uint64_t* ranks, int* bins, std::uint64_t* scratch, int* found) {
    const std::uint64_t mine = args.scratch->candidates[threadInBlock()]; // on its way while the count is
    const int listed = args.scratch->candidateCount;
    if (listed <= kSampleMostCandidates) {
        if (threadInBlock() < listed) ranks[threadInBlock()] = mine;
        for (int i = threadInBlock() + kSampleChooseThreads; i < listed; i += kSampleChooseThreads) ranks[i] = args.scratch->candidates[i];
        return listed;
    }
    const std::uint64_t least = rankOfTheBest(args, k, bins, scratch, found);
    if (threadInBlock() == 0) found[0] = 0;
    blockBarrier();
    forEachRank(args, threadInBlock(), kSampleChooseThreads, [&](std::uint64_t rank) {
        if (rank >= least) ranks[atomicAddTo(found, 1)] = rank;
    });
    blockBarrier();
    return found[0];
}

/// Bitonic, largest first. size: a power of two of at least 2.
HEARTH_DEVICE void sortRanks(std::uint64_t* ranks, int size) {
    for (int run = 2; run <= size; run *= 2) {
        for (int distance = run / 2; distance > 0; distance /= 2) {
            blockBarrier();
            for (int pair = threadInBlock(); pair < size / 2; pair += kSampleChooseThreads) {
                const int low = 2 * pair - (pair & (distance - 1));
                const int high = low + distance;
                const std::uint64_t a = ranks[low];
                const std::uint64_t b = ranks[high];
                const bool falling = (low & run) == 0;
                if ((a < b) == falling) {
                    ranks[low] = b;
                    ranks[high] = a;
                }
            }
        }
    }
    blockBarrier();
}

HEARTH_KERNEL(hearth_sample_choose, SampleArgs, kSampleChooseThreads) {
    HEARTH_SHARED std::uint64_t ranks[kSampleMostCandidates];
    HEARTH_SHARED int bins[kDigits];
    HEARTH_SHARED std::uint64_t scratch[kChooseWaves];
    HEARTH_SHARED int found[3];
    const int thread = threadInBlock();
    const SampleParams params = *args.params;
    const int k = params.topK < kSampleMostK ? params.topK : kSampleMostK;
    const int candidates = gatherCandidates(args, k, ranks, bins, scratch, found);
    if (candidates == 0) {
        if (thread == 0) *args.token = -1;
        return;
    }
    int size = 2;
    while (size < candidates) size *= 2;
    for (int i = candidates + thread; i < size; i += kSampleChooseThreads) ranks[i] = 0;
    sortRanks(ranks, size);

    // One candidate a thread from here, best first.
    int kept = candidates < k ? candidates : k;
    const std::uint64_t rank = thread < kept ? ranks[thread] : 0;
    const float largest = valueOf(ranks[0]);
    const float logit = thread < kept ? valueOf(rank) : 0.0f;
    if (params.topP < kSampleWhole) {
        const RunningSum share = blockRunningSum(thread < kept ? sampleWeight(logit - largest) : 0, scratch, kChooseWaves);
        const bool within = thread < kept && share.upTo < sampleShare(share.total, params.topP);
        const int head = static_cast<int>(blockRunningSum(within ? 1 : 0, scratch, kChooseWaves).total) + 1;
        kept = head < kept ? head : kept;
    }
    const bool likely = thread < kept && !(logit < largest + params.logMinP);
    const std::uint64_t weight = likely ? sampleWeight((logit - largest) / params.temperature) : 0;
    const RunningSum share = blockRunningSum(weight, scratch, kChooseWaves);
    const std::uint64_t target = sampleTarget(share.total, params.draw);
    if (target < share.upTo && target >= share.upTo - weight) *args.token = idOf(rank);
}

} // namespace hearth::kernels
