// SPDX-License-Identifier: Apache-2.0
//
// GgufWriter: builds GGUF files for tests, correct ones and deliberately wrong ones (counts, type ids and offsets can
// be set to anything, and raw key-value bytes can be put in). Thread: any.
#pragma once

#include "kernels/dtype.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::test {

/// Little-endian bytes, appended.
class ByteWriter {
public:
    ByteWriter& u8(std::uint8_t value) { return raw(&value, sizeof(value)); }
    ByteWriter& u16(std::uint16_t value) { return raw(&value, sizeof(value)); }
    ByteWriter& u32(std::uint32_t value) { return raw(&value, sizeof(value)); }
    ByteWriter& u64(std::uint64_t value) { return raw(&value, sizeof(value)); }
    ByteWriter& f32(float value) { return raw(&value, sizeof(value)); }
    ByteWriter& f64(double value) { return raw(&value, sizeof(value)); }
    /// u64 length, then the bytes.
    ByteWriter& string(std::string_view text) { return u64(text.size()).raw(text.data(), text.size()); }
    ByteWriter& raw(const void* data, std::size_t size);
    ByteWriter& append(std::span<const std::byte> bytes) { return raw(bytes.data(), bytes.size()); }
    ByteWriter& padTo(std::size_t alignment);

    [[nodiscard]] const std::vector<std::byte>& bytes() const { return m_bytes; }

private:
    std::vector<std::byte> m_bytes;
};

struct TestTensor {
    std::string name;
    std::vector<std::uint64_t> dims; ///< dims[0] contiguous, as the file stores them
    std::uint32_t typeId = 0;        ///< GGUF id
    std::vector<std::byte> data;
    std::optional<std::uint64_t> offset; ///< instead of the next free place
};

class GgufWriter {
public:
    // Overrides for wrong files; absent = the truth.
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::optional<std::uint64_t> tensorCount;
    std::optional<std::uint64_t> keyCount;
    std::size_t alignment = 32; ///< used for placing; write general.alignment yourself

    void addUint8(std::string_view key, std::uint8_t value);
    void addUint16(std::string_view key, std::uint16_t value);
    void addUint32(std::string_view key, std::uint32_t value);
    void addInt32(std::string_view key, std::int32_t value);
    void addUint64(std::string_view key, std::uint64_t value);
    void addFloat32(std::string_view key, float value);
    void addFloat64(std::string_view key, double value);
    void addBool(std::string_view key, bool value);
    void addString(std::string_view key, std::string_view value);
    void addStrings(std::string_view key, std::span<const std::string> values);
    void addInt32s(std::string_view key, std::span<const std::int32_t> values);
    void addFloat32s(std::string_view key, std::span<const float> values);
    /// A key with any type id and any bytes after it.
    void addRaw(std::string_view key, std::uint32_t typeId, const ByteWriter& value);

    void addTensor(TestTensor tensor) { m_tensors.push_back(std::move(tensor)); }
    /// Values are encoded to `dtype`: F32, F16 or Q8_0.
    void addTensor(std::string name, std::vector<std::uint64_t> dims, kernels::DType dtype,
                   std::span<const float> values);

    [[nodiscard]] std::vector<std::byte> build() const;
    void write(const std::filesystem::path& path) const;

private:
    ByteWriter m_keys;
    std::uint64_t m_keysWritten = 0;
    std::vector<TestTensor> m_tensors;
};

void writeFile(const std::filesystem::path& path, std::span<const std::byte> bytes);

} // namespace hearth::test
