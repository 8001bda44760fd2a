// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.h"

#include "core/base/mapping_guard.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace hearth::core {

namespace {

std::int64_t modifiedNs(const struct stat& status) {
    return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

ErrorCode codeFor(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR: return ErrorCode::FileNotFound;
    case EACCES:
    case EPERM: return ErrorCode::PermissionDenied;
    case EISDIR: return ErrorCode::IsDirectory;
    case ENOMEM: return ErrorCode::OutOfMemory;
    default: return ErrorCode::IoError;
    }
}

} // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    MappedFile file;
    file.m_path = path;
    // O_NONBLOCK: opening a FIFO that someone dropped on the window must not hang.
    file.m_descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file.m_descriptor < 0) {
        return fail(codeFor(errno), fmt::format("{}: {}", path.string(), std::strerror(errno)));
    }
    struct stat status = {};
    if (::fstat(file.m_descriptor, &status) != 0) {
        return fail(codeFor(errno), fmt::format("{}: {}", path.string(), std::strerror(errno)));
    }
    if (S_ISDIR(status.st_mode)) return fail(ErrorCode::IsDirectory, fmt::format("{}: is a directory", path.string()));
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::IoError, fmt::format("{}: not a regular file", path.string()));
    file.m_modifiedNs = modifiedNs(status);
    file.m_size = static_cast<std::size_t>(status.st_size);
    if (file.m_size > 0) {
        void* data = ::mmap(nullptr, file.m_size, PROT_READ, MAP_SHARED, file.m_descriptor, 0);
        if (data == MAP_FAILED) {
            file.m_size = 0;
            return fail(codeFor(errno), fmt::format("{}: mmap: {}", path.string(), std::strerror(errno)));
        }
        file.m_data = static_cast<const std::byte*>(data);
        file.m_guardSlot = mapping_guard::add(file.m_data, file.m_size);
    }
    return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : m_path(std::move(other.m_path))
    , m_data(std::exchange(other.m_data, nullptr))
    , m_size(std::exchange(other.m_size, 0))
    , m_descriptor(std::exchange(other.m_descriptor, -1))
    , m_guardSlot(std::exchange(other.m_guardSlot, -1))
    , m_modifiedNs(other.m_modifiedNs) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(m_path, other.m_path);
    std::swap(m_data, other.m_data);
    std::swap(m_size, other.m_size);
    std::swap(m_descriptor, other.m_descriptor);
    std::swap(m_guardSlot, other.m_guardSlot);
    std::swap(m_modifiedNs, other.m_modifiedNs);
    return *this;
}

MappedFile::~MappedFile() {
    mapping_guard::remove(m_guardSlot);
    if (m_data != nullptr) ::munmap(const_cast<std::byte*>(m_data), m_size);
    if (m_descriptor >= 0) ::close(m_descriptor);
}

bool MappedFile::changedOnDisk() const {
    if (damaged()) return true;
    struct stat mapped = {};
    if (::fstat(m_descriptor, &mapped) != 0) return true;
    if (static_cast<std::size_t>(mapped.st_size) != m_size || modifiedNs(mapped) != m_modifiedNs) return true;
    // The path gone or pointing elsewhere is harmless: the mapping keeps the old file alive.
    return false;
}

bool MappedFile::damaged() const {
    return mapping_guard::damaged(m_guardSlot);
}

} // namespace hearth::core
