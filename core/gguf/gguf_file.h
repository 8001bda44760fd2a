// SPDX-License-Identifier: Apache-2.0
//
// GgufFile: a GGUF version 2 or 3 model file, memory-mapped and checked from front to back before anything is used.
//
// Layout, little-endian: magic "GGUF", u32 version, u64 tensor count, u64 key-value count; then the keys (string, u32
// type, value); then one info per tensor (name, u32 dimensions, u64 each, u32 type, u64 offset); then padding to
// general.alignment (default 32); then the tensor data, each tensor at its offset from there. dims[0] is contiguous.
// A model split over NAME-00001-of-0000N.gguf files (split.count, split.no, split.tensors.count) opens as one.
// Source: the GGUF specification in ggml's docs/gguf.md.
#pragma once

#include "core/base/error.h"
#include "core/base/mapped_file.h"
#include "core/gguf/gguf_metadata.h"
#include "kernels/dtype.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hearth::core {

struct GgufTensor {
    std::string name;
    kernels::DType dtype = kernels::DType::F32;
    int rank = 0;                                  ///< 1 to 4
    std::array<std::uint64_t, 4> dims{1, 1, 1, 1}; ///< dims[0] contiguous (columns), dims[1] rows, dims[2] experts
    std::uint64_t byteSize = 0;
    std::uint64_t offset = 0; ///< from the start of its file
    std::uint32_t split = 0;  ///< which file of a split model

    [[nodiscard]] std::uint64_t elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
};

enum class GgufTensors : std::uint8_t {
    Check,  ///< Parse and check tensor infos (the default).
    Ignore, ///< Metadata only: fast look for catalogues, and for vocabulary files.
};

class GgufFile {
public:
    /// Opens and checks a file and, when it is part of a split model, all its siblings.
    /// Errors name file, byte offset and field: NotGguf, UnsupportedVersion, FileTruncated, MalformedFile,
    /// UnsupportedTensorType, and MappedFile::open's.
    [[nodiscard]] static Result<GgufFile> open(const std::filesystem::path& path,
                                               GgufTensors tensors = GgufTensors::Check);

    /// Parses bytes that are already in memory (tests, fuzzing), as one part. `bytes` must outlive the object.
    [[nodiscard]] static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string label);

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
    [[nodiscard]] std::uint32_t version() const { return m_version; }
    [[nodiscard]] const GgufMetadata& metadata() const { return m_metadata; }
    [[nodiscard]] std::span<const GgufTensor> tensors() const { return m_tensors; }
    [[nodiscard]] const GgufTensor* findTensor(std::string_view tensorName) const; ///< nullptr when absent
    [[nodiscard]] std::span<const std::byte> data(const GgufTensor& tensor) const;
    [[nodiscard]] std::uint64_t fileBytes() const; ///< all splits together
    [[nodiscard]] bool changedOnDisk() const;
    [[nodiscard]] bool damaged() const; ///< a page could not be read any more; zeros stand in its place

private:
    GgufFile() = default;
    [[nodiscard]] Result<void> addPart(std::span<const std::byte> bytes, const std::string& label, GgufTensors tensors);

    /// Look-up by string_view without a temporary string.
    struct NameHash {
        using is_transparent = void;
        [[nodiscard]] std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    std::filesystem::path m_path; ///< of the first part when split
    std::uint32_t m_version = 0;
    GgufMetadata m_metadata; ///< the first part's; later parts hold only split.* keys
    std::vector<GgufTensor> m_tensors;
    std::unordered_map<std::string, std::size_t, NameHash, std::equal_to<>> m_index;
    std::vector<MappedFile> m_mappings;              ///< one per split; empty after parse()
    std::vector<std::span<const std::byte>> m_bytes; ///< one per split
};

} // namespace hearth::core
