// SPDX-License-Identifier: Apache-2.0
//
// What a model file is called by: its name, its quantisation recipe ("Q4_K_M" names a mix of tensor types) and its
// parameter count.
// Thread: any.
#pragma once

#include "core/gguf/gguf_file.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::core {

/// The recipe of a general.file_type number; empty when unknown. Source: the table llama_ftype of llama.cpp's llama.h.
[[nodiscard]] std::string_view fileTypeName(std::uint64_t fileType);

/// "Q4_K_M": from general.file_type, else the tensor type that holds the most parameters; empty when the file says neither
/// (no tensors, or opened with GgufTensors::Ignore).
[[nodiscard]] std::string quantizationName(const GgufFile& file);

/// Elements of all tensors; 0 when opened with GgufTensors::Ignore.
[[nodiscard]] std::uint64_t parameterCount(const GgufFile& file);

/// general.name, cleaned of control characters and cut at 120 characters, when it has a word in common with the file's
/// name; else the file's stem made readable, without quantisation and part.
[[nodiscard]] std::string displayName(const GgufFile& file);

} // namespace hearth::core
