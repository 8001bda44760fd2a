// SPDX-License-Identifier: Apache-2.0
#include "core/catalog/file_kind.h"

#include "core/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

/// Encoders: they measure text, or are the half of a translator; llama.cpp's names.
constexpr std::array<std::string_view, 10> kEncoders{"bert", "eurobert", "gemma-embedding", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert", "nomic-bert", "nomic-bert-moe", "t5encoder"};

} // namespace

std::string shownValue(std::string_view value) {
    constexpr std::size_t kLongest = 80;
    std::string text = utf8::sanitized(value.substr(0, kLongest));
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    return text;
}

std::string whyNoChatModel(const GgufFile& file) {
    const GgufMetadata& metadata = file.metadata();
    const std::string_view type = metadata.string("general.type").value_or("model");
    const std::string_view architecture = metadata.string("general.architecture").value_or("");
    if (type == "adapter" || metadata.contains("adapter.type"))
        return "is an adapter (LoRA), which only changes another model; load that one, or a file into which the adapter was merged";
    if (type == "mmproj" || architecture == "clip")
        return "is the image part of another model (mmproj), not a model by itself; load the model that it belongs to, which then reads text";
    if (type == "imatrix") return "is an importance matrix, made for quantising models";
    if (type == "vocab" || file.tensors().empty()) return "holds only a vocabulary, no model";
    if (type != "model") return fmt::format("is not a chat model but of the kind '{}'", shownValue(type));

    const bool pools = metadata.uint(fmt::format("{}.pooling_type", architecture)).value_or(0) != 0;
    const bool causal = metadata.boolean(fmt::format("{}.attention.causal", architecture)).value_or(true);
    const bool encoder = std::ranges::find(kEncoders, architecture) != kEncoders.end();
    if (pools || !causal || encoder) return "is an embedding model: it measures text, but does not write any; choose a chat model";
    return {};
}

} // namespace hearth::core
