// SPDX-License-Identifier: Apache-2.0
//
// The next token on the GPU, and the state that a recorded step reads anew each time: the token and its position, and behind them what the
// choice needs. One copy brings all of it to the device. The list of penalties has room for a power of two: its length changes from token
// to token, the bytes that a recording copies do not.
#include "kernels/hip/hip_backend_impl.h"

#include "kernels/ops/sample.h"
#include "kernels/ops/sample_hip.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace hearth::kernels {

namespace {

/// The usual window of a repetition penalty.
constexpr std::uint32_t kFewestPenalties = 64;

/// The list of penalties follows.
struct StepBlock {
    StepState state;
    SampleParams sampling;
};
static_assert(offsetof(StepBlock, state) == 0 && sizeof(StepBlock) % alignof(TokenPenalty) == 0);

} // namespace

HipBackend::SamplingShape HipBackend::samplingShape(const SampleRequest* request) {
    if (request == nullptr) return {};
    const auto count = static_cast<std::uint32_t>(request->penalties.size());
    return {.vocabulary = request->vocabulary,
            .greedy = isGreedy(request->params),
            .penalties = count == 0 ? 0 : static_cast<std::int32_t>(std::bit_ceil(std::max(count, kFewestPenalties)))};
}

std::uint64_t HipBackend::stateBytes(const SamplingShape& shape) {
    return sizeof(StepBlock) + static_cast<std::uint64_t>(shape.penalties) * sizeof(TokenPenalty);
}

bool HipBackend::growState(std::uint64_t bytes, const char* place) {
    if (!m_status.ok()) return false;
    if (bytes <= m_stateBytes) return true;
    void* made = nullptr;
    check(m_runtime.allocate(made, bytes), place);
    if (!m_status.ok()) return false;
    GpuMemory state(m_runtime, made);
    check(m_runtime.allocatePinned(made, bytes), place);
    if (!m_status.ok()) return false;
    PinnedMemory pinned(m_runtime, made);
    // No step is under way that was recorded, but one that was not may have begun.
    m_recordings.clear();
    if (m_state) m_retired.push_back(std::move(m_state));
    m_state = std::move(state);
    m_pinnedState = std::move(pinned);
    m_stateBytes = bytes;
    return true;
}

void HipBackend::writeState() {
    StepBlock block{.state = {m_step.tokens[0], m_step.firstPosition}, .sampling = {}};
    auto* const pinned = static_cast<std::byte*>(m_pinnedState.get());
    if (m_step.sampling != nullptr) {
        block.sampling = m_step.sampling->params;
        std::ranges::copy(std::as_bytes(m_step.sampling->penalties), pinned + sizeof block);
    }
    std::memcpy(pinned, &block, sizeof block);
}

void HipBackend::sample(const TensorView& token, const TensorView& logits, const SampleRequest& request) {
    // In a recorded step only the choice that was announced: its parameters are what the state gets.
    if (!begin("sample", sampleFits(token, logits, request) && (!recording() || m_step.sampling == &request))) return;
    const SamplingShape shape = samplingShape(&request);
    if (!recording()) {
        if (!growState(stateBytes(shape), "sample")) return;
        std::vector<std::byte> bytes(sizeof(SampleParams) + request.penalties.size_bytes());
        std::memcpy(bytes.data(), &request.params, sizeof(SampleParams));
        std::ranges::copy(std::as_bytes(request.penalties), bytes.begin() + sizeof(SampleParams));
        if (!uploadNow(static_cast<std::byte*>(m_state.get()) + offsetof(StepBlock, sampling), bytes)) return;
    }
    auto* const state = static_cast<std::byte*>(m_state.get());
    SampleArgs args{};
    args.token = static_cast<std::int32_t*>(token.data);
    args.logits = logits.f32();
    args.scratch = reinterpret_cast<SampleScratch*>(scratch(Use::Sampling, sizeof(SampleScratch), "sample"));
    args.params = reinterpret_cast<const SampleParams*>(state + offsetof(StepBlock, sampling));
    args.penalties = reinterpret_cast<const TokenPenalty*>(state + sizeof(StepBlock));
    args.vocabulary = request.vocabulary;
    args.blocks = sampleBlocks(request.vocabulary);

    const auto grid = sampleGrid(request.vocabulary);
    if (shape.penalties > 0) launch("hearth_sample_penalties", grid, kSampleThreads, args);
    launch("hearth_sample_maxima", grid, kSampleThreads, args);
    if (shape.greedy) {
        launch("hearth_sample_greedy", sampleChooseGrid(), kSampleThreads, args);
    } else {
        launch("hearth_sample_histogram", grid, kSampleThreads, args);
        launch("hearth_sample_collect", grid, kSampleThreads, args);
        launch("hearth_sample_choose", sampleChooseGrid(), kSampleChooseThreads, args);
    }
    written(logits);
}

} // namespace hearth::kernels
