// SPDX-License-Identifier: Apache-2.0
//
// Sampling on the GPU: what host and device share. Contract: sample.h. All kernels take SampleArgs; launched one after another, with a fixed
// grid, so that they can be recorded; what changes from token to token lies in device memory.
//
//   penalties there are (deviceSampling's list is not empty):  hearth_sample_penalties
//   greedy (temperature < kGreedyTemperature):                 hearth_sample_maxima, hearth_sample_greedy
//   otherwise:          hearth_sample_maxima, hearth_sample_histogram, hearth_sample_collect, hearth_sample_choose
//
// Which of these are launched depends on the settings alone, and so belongs to the signature of a recorded step.
#pragma once

#include "kernels/ops/sample.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kSampleThreads = 256;       ///< of all kernels but hearth_sample_choose
constexpr int kSampleChooseThreads = kSampleMostK;
constexpr int kSampleBlocks = 128;        ///< that share the vocabulary
constexpr int kSampleBins = 1024;
constexpr int kSampleMostCandidates = 4096;

/// Between the kernels of one sampling; needs no clearing.
struct SampleScratch {
    std::uint64_t maxima[kSampleBlocks]; ///< ranks (ordered.h)
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
};

/// hearth_sample_penalties, _maxima, _histogram, _collect
inline std::array<std::uint32_t, 3> sampleGrid() {
    return {kSampleBlocks, 1, 1};
}

/// hearth_sample_greedy, _choose
inline std::array<std::uint32_t, 3> sampleChooseGrid() {
    return {1, 1, 1};
}

} // namespace hearth::kernels
