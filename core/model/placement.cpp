// SPDX-License-Identifier: Apache-2.0
#include "core/model/placement.h"

#include <charconv>

namespace hearth::core {

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
