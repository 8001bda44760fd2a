// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gguf_writer.h"

#include "kernels/quant/half.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace hearth::test {

namespace {

// Value type ids of the GGUF specification.
constexpr std::uint32_t kUint8 = 0, kUint16 = 2, kUint32 = 4, kInt32 = 5, kFloat32 = 6, kBool = 7, kString = 8,
                        kArray = 9, kUint64 = 10, kFloat64 = 12;

std::vector<std::byte> encode(kernels::DType dtype, std::span<const float> values) {
    ByteWriter out;
    switch (dtype) {
    case kernels::DType::F32:
        out.raw(values.data(), values.size_bytes());
        break;
    case kernels::DType::F16:
        for (const float value : values)
            out.u16(kernels::floatToHalf(value));
        break;
    case kernels::DType::Q8_0: {
        constexpr std::size_t kBlock = 32;
        for (std::size_t start = 0; start + kBlock <= values.size(); start += kBlock) {
            float largest = 0.0f;
            for (const float value : values.subspan(start, kBlock))
                largest = std::max(largest, std::fabs(value));
            const float scale = largest / 127.0f;
            out.u16(kernels::floatToHalf(scale));
            for (const float value : values.subspan(start, kBlock)) {
                const long quant = scale > 0.0f ? std::lround(value / scale) : 0;
                out.u8(static_cast<std::uint8_t>(static_cast<std::int8_t>(std::clamp(quant, -127L, 127L))));
            }
        }
        break;
    }
    default:
        std::abort(); // a test asked for an encoder that does not exist
    }
    return out.bytes();
}

} // namespace

ByteWriter& ByteWriter::raw(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(data);
    m_bytes.insert(m_bytes.end(), bytes, bytes + size);
    return *this;
}

ByteWriter& ByteWriter::padTo(std::size_t alignment) {
    if (alignment > 1) m_bytes.resize((m_bytes.size() + alignment - 1) / alignment * alignment);
    return *this;
}

void GgufWriter::addRaw(std::string_view key, std::uint32_t typeId, const ByteWriter& value) {
    m_keys.string(key).u32(typeId).append(value.bytes());
    ++m_keysWritten;
}

void GgufWriter::addUint8(std::string_view key, std::uint8_t value) {
    addRaw(key, kUint8, ByteWriter().u8(value));
}
void GgufWriter::addUint16(std::string_view key, std::uint16_t value) {
    addRaw(key, kUint16, ByteWriter().u16(value));
}
void GgufWriter::addUint32(std::string_view key, std::uint32_t value) {
    addRaw(key, kUint32, ByteWriter().u32(value));
}
void GgufWriter::addInt32(std::string_view key, std::int32_t value) {
    addRaw(key, kInt32, ByteWriter().u32(static_cast<std::uint32_t>(value)));
}
void GgufWriter::addUint64(std::string_view key, std::uint64_t value) {
    addRaw(key, kUint64, ByteWriter().u64(value));
}
void GgufWriter::addFloat32(std::string_view key, float value) {
    addRaw(key, kFloat32, ByteWriter().f32(value));
}
void GgufWriter::addFloat64(std::string_view key, double value) {
    addRaw(key, kFloat64, ByteWriter().f64(value));
}
void GgufWriter::addBool(std::string_view key, bool value) {
    addRaw(key, kBool, ByteWriter().u8(value ? 1 : 0));
}
void GgufWriter::addString(std::string_view key, std::string_view value) {
    addRaw(key, kString, ByteWriter().string(value));
}

void GgufWriter::addStrings(std::string_view key, std::span<const std::string> values) {
    ByteWriter array;
    array.u32(kString).u64(values.size());
    for (const std::string& value : values)
        array.string(value);
    addRaw(key, kArray, array);
}

void GgufWriter::addInt32s(std::string_view key, std::span<const std::int32_t> values) {
    addRaw(key, kArray, ByteWriter().u32(kInt32).u64(values.size()).raw(values.data(), values.size_bytes()));
}

void GgufWriter::addFloat32s(std::string_view key, std::span<const float> values) {
    addRaw(key, kArray, ByteWriter().u32(kFloat32).u64(values.size()).raw(values.data(), values.size_bytes()));
}

void GgufWriter::addTensor(std::string name, std::vector<std::uint64_t> dims, kernels::DType dtype,
                           std::span<const float> values) {
    addTensor(
        TestTensor{std::move(name), std::move(dims), kernels::info(dtype).ggufId, encode(dtype, values), std::nullopt});
}

std::vector<std::byte> GgufWriter::build() const {
    ByteWriter out;
    out.raw(magic.data(), magic.size()).u32(version);
    out.u64(tensorCount.value_or(m_tensors.size())).u64(keyCount.value_or(m_keysWritten)).append(m_keys.bytes());

    std::size_t nextOffset = 0;
    for (const TestTensor& tensor : m_tensors) {
        out.string(tensor.name).u32(static_cast<std::uint32_t>(tensor.dims.size()));
        for (const std::uint64_t dim : tensor.dims)
            out.u64(dim);
        out.u32(tensor.typeId).u64(tensor.offset.value_or(nextOffset));
        if (!tensor.offset) nextOffset = (nextOffset + tensor.data.size() + alignment - 1) / alignment * alignment;
    }
    for (const TestTensor& tensor : m_tensors)
        out.padTo(alignment).append(tensor.data);
    return out.bytes();
}

void GgufWriter::write(const std::filesystem::path& path) const {
    writeFile(path, build());
}

void writeFile(const std::filesystem::path& path, std::span<const std::byte> bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) std::abort(); // a test's own folder must be writable
}

} // namespace hearth::test
