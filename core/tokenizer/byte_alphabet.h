// SPDX-License-Identifier: Apache-2.0
//
// The printable alphabet of byte-level BPE: every byte has a visible character, so that vocabularies and merges are
// text files without control characters. Bytes that are printable in Latin-1 stand for themselves; the other 68, in
// order, are U+0100, U+0101, ... (a space is U+0120, a line feed U+010A). Source: GPT-2's encoder.py
// (bytes_to_unicode), Radford et al. 2019. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth::core {

/// The bytes that a token in the printable alphabet stands for; nullopt when a character is not of the alphabet.
[[nodiscard]] std::optional<std::string> bytesOfPrintable(std::string_view printable);

} // namespace hearth::core
