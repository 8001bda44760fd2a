// SPDX-License-Identifier: Apache-2.0
//
// MappedFile: a read-only memory mapping of one regular file.
// Pages come from the page cache, so opening a model costs nothing until its weights are read, and two programs that
// open the same model share the memory. The file may change under us: changedOnDisk() compares size and modification time
// with those at open. Pages that a shrunken file (or a failing disk) can no longer give raise SIGBUS: a handler puts zero
// pages in their place and marks the mapping damaged(), so that the engine reports an error and the program lives on.
// Thread: any, after open.
#pragma once

#include "core/base/error.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace hearth::core {

class MappedFile {
public:
    /// Maps the whole file. Errors: FileNotFound, PermissionDenied, IsDirectory, IoError. An empty file maps to an empty span.
    [[nodiscard]] static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const { return {m_data, m_size}; }
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    /// True when the file at path() is no longer the one that was mapped (or has another size).
    [[nodiscard]] bool changedOnDisk() const;

    /// True when a page could not be read any more and zeros stand in its place.
    [[nodiscard]] bool damaged() const;

private:
    MappedFile() = default;

    std::filesystem::path m_path;
    const std::byte* m_data = nullptr;
    std::size_t m_size = 0;
    int m_descriptor = -1; ///< Kept open: fstat tells of truncation even after the path was replaced.
    int m_guardSlot = -1;     ///< place in mapping_guard's table; -1 = not guarded
    std::int64_t m_modifiedNs = 0;
};

} // namespace hearth::core
