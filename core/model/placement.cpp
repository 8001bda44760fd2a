// SPDX-License-Identifier: Apache-2.0
#include "core/model/placement.h"

#include <algorithm>
#include <charconv>

namespace hearth::core {

std::int32_t LayerPlacement::gpuLayersBefore(std::int32_t index) const {
    std::int32_t count = 0;
    for (std::int32_t i = 0; i < std::min(index, gpuLayers); ++i)
        count += layer(i) == BackendSide::Gpu ? 1 : 0;
    return count;
}

TensorPlace placeOf(std::string_view tensorName) {
    constexpr std::string_view kBlock = "blk.";
    if (tensorName.starts_with("token_") || tensorName.starts_with("position_")) return {ModelPart::Embedding, -1};
    if (!tensorName.starts_with(kBlock)) return {};
    const char* first = tensorName.data() + kBlock.size();
    const char* last = tensorName.data() + tensorName.size();
    std::int32_t layer = -1;
    const auto [end, error] = std::from_chars(first, last, layer);
    if (error != std::errc() || end == last || *end != '.' || layer < 0) return {};
    return {ModelPart::Layer, layer};
}

} // namespace hearth::core
