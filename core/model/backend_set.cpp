// SPDX-License-Identifier: Apache-2.0
#include "core/model/backend_set.h"

#include "core/model/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace hearth::core {

using kernels::StatusCode;

std::string_view wordsFor(BackendSide side) {
    return side == BackendSide::Gpu ? kOnTheGpu : std::string_view();
}

Error errorOf(const kernels::Status& status, BackendSide side) {
    const auto error = [&](ErrorCode code, std::string_view what) {
        return Error{code, fmt::format("{}: {}{}", status.place, what, wordsFor(side))};
    };
    switch (status.code) {
    case StatusCode::Cancelled: return {ErrorCode::Cancelled, "computing was cancelled"};
    case StatusCode::OutOfMemory: return error(ErrorCode::OutOfMemory, "no memory");
    case StatusCode::DeviceLost: return error(ErrorCode::DeviceLost, "device lost");
    case StatusCode::InvalidShape: return error(ErrorCode::Internal, "shapes do not fit");
    case StatusCode::UnsupportedType: return error(ErrorCode::Internal, "unsupported type");
    case StatusCode::LaunchFailed:
        return error(side == BackendSide::Gpu ? ErrorCode::DeviceLost : ErrorCode::Internal, "launch failed");
    case StatusCode::Ok: break;
    }
    return error(ErrorCode::Internal, fmt::format("status {}", static_cast<int>(status.code)));
}

std::vector<kernels::SpecialOperation> specialsOf(const ModelConfig& config) {
    using kernels::SpecialOperation;
    constexpr std::int32_t kWidestHead = 256; // of what every back end has
    std::vector<SpecialOperation> needs;
    if (config.feedForwardForm == FeedForwardForm::ClampedSwiGlu) needs = {SpecialOperation::ClampedSwiGlu, SpecialOperation::ExpertBias};
    if (config.latent.rank > 0) needs.push_back(SpecialOperation::CopyColumns);
    if (config.headDim > kWidestHead) needs.push_back(SpecialOperation::WideHeads);
    return needs;
}

std::optional<kernels::SpecialOperation> lackedBy(const kernels::Backend& backend, const ModelConfig& config) {
    const auto needs = specialsOf(config);
    const auto lacked = std::ranges::find_if(needs, [&](kernels::SpecialOperation need) { return !backend.offers(need); });
    if (lacked == needs.end()) return std::nullopt;
    return *lacked;
}

Result<void> checkOffers(const BackendSet& backends, const ModelConfig& config) {
    for (const BackendSide side : {BackendSide::Gpu, BackendSide::Cpu}) {
        if (!backends.placement.uses(side, config.layers)) continue;
        if (const auto lacked = lackedBy(backends.on(side), config)) {
            return fail(ErrorCode::UnsupportedArchitecture,
                        fmt::format("this model needs {}, which is not there{}", kernels::name(*lacked), wordsFor(side)));
        }
    }
    return {};
}

Result<void> checkPlacement(const BackendSet& backends, std::int32_t layers) {
    const std::int32_t gpuLayers = backends.placement.gpuLayers;
    if (gpuLayers < 0 || gpuLayers > layers) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{} layers on the GPU, of {}", gpuLayers, layers));
    }
    if (backends.gpu == nullptr && backends.placement.uses(BackendSide::Gpu, layers)) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{} layers for a GPU that is not there", gpuLayers));
    }
    return {};
}

} // namespace hearth::core
