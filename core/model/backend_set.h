// SPDX-License-Identifier: Apache-2.0
//
// BackendSet: the back ends that one model is spread over. Borrowed: they outlive the model and its caches.
// Thread: engine only.
#pragma once

#include "core/base/error.h"
#include "core/model/placement.h"
#include "kernels/backend.h"

#include <optional>
#include <string_view>
#include <vector>

namespace hearth::core {

struct ModelConfig;

/// Ends the message of every error that is the GPU's, and of no other.
inline constexpr std::string_view kOnTheGpu = " on the GPU";

struct BackendSet {
    kernels::Backend& cpu;
    kernels::Backend* gpu = nullptr;
    LayerPlacement placement{}; ///< without a GPU: nothing on it

    [[nodiscard]] kernels::Backend& on(BackendSide side) const { return side == BackendSide::Gpu ? *gpu : cpu; }
};

/// kOnTheGpu, or nothing.
[[nodiscard]] std::string_view wordsFor(BackendSide side);

/// What a failed step means: Cancelled, OutOfMemory, DeviceLost, or Internal for what only a bug of ours can cause. A GPU that
/// refuses a launch counts as lost: nothing more can be computed on it. Call it with a status that is not ok.
[[nodiscard]] Error errorOf(const kernels::Status& status, BackendSide side);

/// What a model needs besides what every back end has.
[[nodiscard]] std::vector<kernels::SpecialOperation> specialsOf(const ModelConfig& config);
/// What this model needs and that back end does not offer; nothing when it can compute the model.
[[nodiscard]] std::optional<kernels::SpecialOperation> lackedBy(const kernels::Backend& backend,
                                                                const ModelConfig& config);

/// UnsupportedArchitecture when the placement gives a part of the model to a back end that lacks what it needs.
[[nodiscard]] Result<void> checkOffers(const BackendSet& backends, const ModelConfig& config);

/// InvalidArgument when the placement names layers that a model of `layers` lacks, or a GPU where there is none.
[[nodiscard]] Result<void> checkPlacement(const BackendSet& backends, std::int32_t layers);

} // namespace hearth::core
