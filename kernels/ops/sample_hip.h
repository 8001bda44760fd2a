// SPDX-License-Identifier: Apache-2.0
//
// Sampling on the GPU: what host and device share. Contract: sample.h. All kernels take SampleArgs; launched one after another, with a fixed
// grid, so that they can be recorded; what changes from token to token lies in device memory.
//
//   with penalties:                             hearth_sample_penalties
//   greedy (temperature < kGreedyTemperature):  hearth_sample_maxima, hearth_sample_greedy
//   otherwise:                                  hearth_sample_maxima, hearth_sample_histogram, hearth_sample_collect, hearth_sample_choose
//
// Which of these are launched depends on the settings alone, and so belongs to the signature of a recorded step (an empty list of penalties
// may be launched too). Four launches of 128 blocks and one, and 40 KB of shared memory in the last.
#pragma once

#include "kernels/ops/sample_params.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kSampleThreads = 256;       ///< of all kernels but hearth_sample_choose
constexpr int kSampleChooseThreads = kSampleMostK;
constexpr int kSampleMostBlocks = 128;    ///< that share the vocabulary
constexpr int kSampleBins = 1024;
constexpr int kSampleMostCandidates = 4096;

/// Between the kernels of one sampling; needs no clearing.
struct SampleScratch {
    std::uint64_t maxima[kSampleMostBlocks]; ///< of each block; ranks (ordered.h)
    std::uint64_t candidates[kSampleMostCandidates];
    std::int32_t bins[kSampleBins];
    std::int32_t candidateCount; ///< may exceed kSampleMostCandidates: then the list is of no use
};

struct SampleArgs {
    std::int32_t* token; ///< may be StepState::token
    float* logits;       ///< [vocabulary]
    SampleScratch* scratch;
    const SampleParams* params;
    const TokenPenalty* penalties; ///< [params->penalties]
    std::int32_t vocabulary;
    std::int32_t blocks; ///< sampleBlocks(vocabulary)
};

inline std::int32_t sampleBlocks(std::int32_t vocabulary) {
    constexpr std::int32_t kPerBlock = 4 * kSampleThreads;
    const std::int32_t blocks = (vocabulary + kPerBlock - 1) / kPerBlock;
    return blocks < kSampleMostBlocks ? blocks : kSampleMostBlocks;
}

/// hearth_sample_penalties, _maxima, _histogram, _collect
inline std::array<std::uint32_t, 3> sampleGrid(std::int32_t vocabulary) {
    return {static_cast<std::uint32_t>(sampleBlocks(vocabulary)), 1, 1};
}

/// hearth_sample_greedy, _choose
inline std::array<std::uint32_t, 3> sampleChooseGrid() {
    return {1, 1, 1};
}

} // namespace hearth::kernels
