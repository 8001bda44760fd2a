// SPDX-License-Identifier: Apache-2.0
#include "core/gguf/file_magic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>

namespace hearth::core {

namespace {

using namespace std::string_view_literals;

struct Magic {
    std::string_view bytes;
    std::string_view kind;
};

// The legacy ggml magics are 32-bit numbers, so their letters stand reversed in the file.
constexpr std::array kMagics{
    Magic{"FUGG"sv, "a big-endian GGUF file; only little-endian ones are supported"},
    Magic{"lmgg"sv, "a legacy GGML file, older than GGUF"},
    Magic{"fmgg"sv, "a legacy GGMF file, older than GGUF"},
    Magic{"tjgg"sv, "a legacy GGJT file, older than GGUF"},
    Magic{"algg"sv, "a legacy GGLA adapter, older than GGUF"},
    Magic{"version https://git-lfs"sv, "a Git LFS pointer: the model itself has not been downloaded"},
    Magic{"PK\x03\x04"sv, "a ZIP archive or a PyTorch checkpoint"},
    Magic{"\x80\x02"sv, "a Python pickle (PyTorch checkpoint)"},
    Magic{"\x1f\x8b"sv, "a gzip archive"},
    Magic{"\x28\xb5\x2f\xfd"sv, "a Zstandard archive"},
    Magic{"7z\xbc\xaf"sv, "a 7-Zip archive"},
    Magic{"\x89HDF"sv, "an HDF5 file"},
    Magic{"\x7f"
          "ELF"sv,
          "an executable"},
    Magic{"%PDF"sv, "a PDF document"},
};

bool looksLikeHtml(std::string_view start) {
    std::string lower(start.substr(0, 16));
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    const std::size_t text = lower.find_first_not_of(" \t\r\n");
    if (text == std::string::npos) return false;
    const std::string_view trimmed = std::string_view(lower).substr(text);
    return trimmed.starts_with("<!doctype") || trimmed.starts_with("<html") || trimmed.starts_with("<?xml");
}

/// safetensors: a u64 header length, then a JSON object.
bool looksLikeSafetensors(std::string_view start) {
    constexpr std::uint64_t kLargestHeader = 100'000'000; // the format's own limit
    std::uint64_t headerBytes = 0;
    if (start.size() <= sizeof(headerBytes)) return false;
    std::memcpy(&headerBytes, start.data(), sizeof(headerBytes));
    return headerBytes <= kLargestHeader && start[sizeof(headerBytes)] == '{';
}

} // namespace

std::string describeForeignFile(std::string_view start) {
    for (const Magic& magic : kMagics) {
        if (start.starts_with(magic.bytes)) return fmt::format("this is {}", magic.kind);
    }
    if (looksLikeHtml(start)) return "this is a web page (HTML), perhaps an error page saved instead of the model";
    if (looksLikeSafetensors(start)) return "this is a safetensors file; it has to be converted to GGUF first";
    std::string bytes;
    for (const char byte : start.substr(0, 4))
        bytes += fmt::format(" {:02x}", static_cast<unsigned char>(byte));
    return fmt::format("not a GGUF file; it begins with{}", bytes);
}

} // namespace hearth::core
