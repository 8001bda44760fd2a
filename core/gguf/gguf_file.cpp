// SPDX-License-Identifier: Apache-2.0
#include "core/gguf/gguf_file.h"

#include "core/gguf/gguf_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace hearth::core {

namespace {

constexpr std::uint64_t kMaximumParts = 99'999; // what five digits of the file name can say

/// "dir/NAME-00002-of-00005.gguf" for part 1 (counted from 0) of 5.
std::filesystem::path partPath(const std::filesystem::path& folder, std::string_view stem, std::uint64_t part,
                               std::uint64_t count) {
    return folder / fmt::format("{}-{:05}-of-{:05}.gguf", stem, part + 1, count);
}

/// The NAME of partPath, when the file name is the one that this part must have.
std::optional<std::string> splitStem(const std::filesystem::path& path, std::uint64_t part, std::uint64_t count) {
    const std::string suffix = fmt::format("-{:05}-of-{:05}.gguf", part + 1, count);
    std::string name = path.filename().string();
    if (!name.ends_with(suffix)) return std::nullopt;
    name.resize(name.size() - suffix.size());
    return name;
}

} // namespace

Result<void> GgufFile::addPart(std::span<const std::byte> bytes, const std::string& label, GgufTensors tensors) {
    auto part = GgufParser(bytes, label).parse(tensors);
    if (!part) return std::unexpected(std::move(part.error()));
    const auto index = static_cast<std::uint32_t>(m_bytes.size());
    if (index == 0) {
        m_version = part->version;
        m_metadata = std::move(part->metadata);
    } else {
        const auto no = part->metadata.uint("split.no");
        const auto count = part->metadata.uint("split.count");
        if (no != index || count != m_metadata.uint("split.count")) {
            return fail(ErrorCode::MalformedFile,
                        fmt::format("{}: split.no, split.count: {}, {}; expected {}, {}", label, no.value_or(0),
                                    count.value_or(0), index, m_metadata.uint("split.count").value_or(0)));
        }
    }
    m_bytes.push_back(bytes);
    for (GgufTensor& tensor : part->tensors) {
        tensor.split = index;
        if (!m_index.try_emplace(tensor.name, m_tensors.size()).second) {
            return fail(ErrorCode::MalformedFile,
                        fmt::format("{}: tensor '{}' is in an earlier part too", label, tensor.name));
        }
        m_tensors.push_back(std::move(tensor));
    }
    return {};
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path, GgufTensors tensors) {
    auto mapping = MappedFile::open(path);
    if (!mapping) return std::unexpected(std::move(mapping.error()));
    GgufFile file;
    file.m_path = path;
    if (auto added = file.addPart(mapping->bytes(), path.string(), tensors); !added)
        return std::unexpected(std::move(added.error()));

    const std::uint64_t count = file.m_metadata.uint("split.count").value_or(1);
    if (count <= 1) {
        file.m_mappings.push_back(std::move(*mapping));
        return file;
    }
    const std::uint64_t no = file.m_metadata.uint("split.no").value_or(0);
    if (count > kMaximumParts || no >= count) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("{}: split.no, split.count: part {} of {}", path.string(), no, count));
    }
    const auto stem = splitStem(path, no, count);
    if (!stem) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("{}: split.count: part {} of {} must be named NAME-{:05}-of-{:05}.gguf", path.string(),
                                no + 1, count, no + 1, count));
    }

    // Parts in order, whichever was asked for: the first one has the metadata.
    GgufFile whole;
    whole.m_path = partPath(path.parent_path(), *stem, 0, count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::filesystem::path part = partPath(path.parent_path(), *stem, i, count);
        auto partMapping = MappedFile::open(part);
        if (!partMapping) {
            return fail(partMapping.error().code,
                        fmt::format("part {} of {}: {}", i + 1, count, partMapping.error().message));
        }
        if (auto added = whole.addPart(partMapping->bytes(), part.string(), tensors); !added)
            return std::unexpected(std::move(added.error()));
        whole.m_mappings.push_back(std::move(*partMapping));
    }
    const auto expected = whole.m_metadata.uint("split.tensors.count");
    if (tensors == GgufTensors::Check && expected && *expected != whole.m_tensors.size()) {
        return fail(ErrorCode::MalformedFile, fmt::format("{}: split.tensors.count: {}, but the parts hold {}",
                                                          whole.m_path.string(), *expected, whole.m_tensors.size()));
    }
    return whole;
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string label) {
    GgufFile file;
    file.m_path = label;
    if (auto added = file.addPart(bytes, label, GgufTensors::Check); !added)
        return std::unexpected(std::move(added.error()));
    return file;
}

const GgufTensor* GgufFile::findTensor(std::string_view tensorName) const {
    const auto found = m_index.find(tensorName);
    return found == m_index.end() ? nullptr : &m_tensors[found->second];
}

std::span<const std::byte> GgufFile::data(const GgufTensor& tensor) const {
    return m_bytes[tensor.split].subspan(static_cast<std::size_t>(tensor.offset),
                                         static_cast<std::size_t>(tensor.byteSize));
}

std::uint64_t GgufFile::fileBytes() const {
    std::uint64_t total = 0;
    for (const auto& bytes : m_bytes)
        total += bytes.size();
    return total;
}

bool GgufFile::changedOnDisk() const {
    return std::ranges::any_of(m_mappings, &MappedFile::changedOnDisk);
}

bool GgufFile::damaged() const {
    return std::ranges::any_of(m_mappings, &MappedFile::damaged);
}

} // namespace hearth::core
