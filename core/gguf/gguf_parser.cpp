// SPDX-License-Identifier: Apache-2.0
#include "core/gguf/gguf_parser.h"

#include "core/base/utf8.h"
#include "core/gguf/file_magic.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_set>
#include <utility>

namespace hearth::core {

static_assert(std::endian::native == std::endian::little, "GGUF fields are read in place");

namespace {

// Value type ids of the GGUF specification.
enum class ValueType : std::uint32_t {
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
};

constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMinimumKeyBytes = 8 + 1 + 4 + 1;            // length, one letter, type, one-byte value
constexpr std::uint64_t kMinimumTensorBytes = 8 + 1 + 4 + 8 + 4 + 8; // length, one letter, rank, one dim, type, offset
// Bounds against files made to exhaust memory; the largest published vocabulary has 262,144 entries and 514,906 merges.
constexpr std::uint64_t kMaximumKeyLength = 65'535;
constexpr std::uint64_t kMaximumTensorNameLength = 1'024;
constexpr std::uint64_t kMaximumArrayLength = 1u << 24;

/// A name from the file, fit for a message.
std::string printable(std::string_view text) {
    constexpr std::size_t kShown = 80;
    std::string shown = utf8::sanitized(text.substr(0, kShown));
    for (char& letter : shown) {
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
    }
    if (text.size() > kShown) shown += "...";
    return shown;
}

} // namespace

bool GgufParser::failAt(ErrorCode code, std::size_t offset, std::string_view field, std::string_view what) {
    m_error = {code, fmt::format("{}: byte {}: {}{}{}: {}", m_label, offset, m_where, m_where.empty() ? "" : ", ",
                                 field, what)};
    return false;
}

template <class T>
bool GgufParser::read(T& value, std::string_view field) {
    if (remaining() < sizeof(T)) {
        return failAt(ErrorCode::FileTruncated, m_offset, field,
                      fmt::format("needs {} bytes, the file has {} left", sizeof(T), remaining()));
    }
    std::memcpy(&value, m_bytes.data() + m_offset, sizeof(T));
    m_offset += sizeof(T);
    return true;
}

bool GgufParser::readString(std::string& text, std::string_view field) {
    const std::size_t start = m_offset;
    std::uint64_t length = 0;
    if (!read(length, field)) return false;
    if (length > remaining()) {
        return failAt(ErrorCode::FileTruncated, start, field,
                      fmt::format("string of {} bytes, the file has {} left", length, remaining()));
    }
    text.assign(reinterpret_cast<const char*>(m_bytes.data() + m_offset), static_cast<std::size_t>(length));
    m_offset += static_cast<std::size_t>(length);
    return true;
}

bool GgufParser::readCount(std::uint64_t& count, std::uint64_t minimumBytesEach, std::string_view field) {
    const std::size_t start = m_offset;
    if (!read(count, field)) return false;
    if (count > remaining() / minimumBytesEach) {
        return failAt(
            ErrorCode::FileTruncated, start, field,
            fmt::format("{} entries of at least {} bytes, the file has {} left", count, minimumBytesEach, remaining()));
    }
    return true;
}

bool GgufParser::readMagicAndVersion() {
    constexpr std::string_view kMagic = "GGUF";
    const std::string_view start(reinterpret_cast<const char*>(m_bytes.data()),
                                 std::min<std::size_t>(m_bytes.size(), 64));
    if (start.empty()) return failAt(ErrorCode::FileTruncated, 0, "magic", "the file is empty");
    if (!start.starts_with(kMagic)) {
        if (kMagic.starts_with(start)) return failAt(ErrorCode::FileTruncated, 0, "magic", "the file ends inside it");
        return failAt(ErrorCode::NotGguf, 0, "magic", describeForeignFile(start));
    }
    m_offset = kMagic.size();
    if (!read(m_part.version, "version")) return false;
    if (m_part.version == 2 || m_part.version == 3) return true;
    const std::uint32_t swapped = __builtin_bswap32(m_part.version);
    if (swapped >= 1 && swapped <= 3) {
        return failAt(
            ErrorCode::UnsupportedVersion, 4, "version",
            fmt::format("a big-endian GGUF file (version {}); only little-endian ones are supported", swapped));
    }
    return failAt(ErrorCode::UnsupportedVersion, 4, "version",
                  fmt::format("{}; versions 2 and 3 are supported", m_part.version));
}

bool GgufParser::readKeys(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        m_where = fmt::format("key {} of {}", i + 1, count);
        const std::size_t start = m_offset;
        std::string key;
        if (!readString(key, "name")) return false;
        if (key.empty()) return failAt(ErrorCode::MalformedFile, start, "name", "is empty");
        if (key.size() > kMaximumKeyLength) {
            return failAt(ErrorCode::MalformedFile, start, "name",
                          fmt::format("{} bytes long, the limit is {}", key.size(), kMaximumKeyLength));
        }
        m_where = fmt::format("key '{}'", printable(key));
        std::uint32_t type = 0;
        if (!read(type, "value type")) return false;
        GgufValue value;
        if (!readValue(type, value)) return false;
        if (!m_part.metadata.insert(std::move(key), std::move(value))) {
            return failAt(ErrorCode::MalformedFile, start, "name", "appears twice");
        }
    }
    m_where.clear();
    return true;
}

bool GgufParser::readValue(std::uint32_t type, GgufValue& value) {
    if (type == static_cast<std::uint32_t>(ValueType::Array)) return readArray(value);
    GgufScalar scalar;
    if (!readScalar(type, scalar)) return false;
    value = std::move(scalar);
    return true;
}

bool GgufParser::readScalar(std::uint32_t type, GgufScalar& value) {
    const auto readInto = [&]<class T, class Wide>(T raw, Wide) {
        if (!read(raw, "value")) return false;
        value = static_cast<Wide>(raw);
        return true;
    };
    switch (static_cast<ValueType>(type)) {
    case ValueType::UInt8:
        return readInto(std::uint8_t{}, std::int64_t{});
    case ValueType::Int8:
        return readInto(std::int8_t{}, std::int64_t{});
    case ValueType::UInt16:
        return readInto(std::uint16_t{}, std::int64_t{});
    case ValueType::Int16:
        return readInto(std::int16_t{}, std::int64_t{});
    case ValueType::UInt32:
        return readInto(std::uint32_t{}, std::int64_t{});
    case ValueType::Int32:
        return readInto(std::int32_t{}, std::int64_t{});
    case ValueType::UInt64:
        return readInto(std::uint64_t{}, std::uint64_t{});
    case ValueType::Int64:
        return readInto(std::int64_t{}, std::int64_t{});
    case ValueType::Float32:
        return readInto(float{}, double{});
    case ValueType::Float64:
        return readInto(double{}, double{});
    case ValueType::Bool: {
        std::uint8_t raw = 0;
        if (!read(raw, "value")) return false;
        if (raw > 1) return failAt(ErrorCode::MalformedFile, m_offset - 1, "value", fmt::format("bool of {}", raw));
        value = raw == 1;
        return true;
    }
    case ValueType::String: {
        std::string text;
        if (!readString(text, "value")) return false;
        value = std::move(text);
        return true;
    }
    case ValueType::Array:
        break;
    }
    return failAt(ErrorCode::MalformedFile, m_offset - sizeof(type), "value type", fmt::format("unknown id {}", type));
}

template <class T, class Wide>
bool GgufParser::readNumbers(std::uint64_t count, GgufValue& value) {
    std::vector<Wide> numbers(static_cast<std::size_t>(count));
    for (Wide& number : numbers) {
        T raw{};
        if (!read(raw, "array")) return false;
        if constexpr (std::is_same_v<T, std::uint64_t>) {
            if (raw > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
                return failAt(ErrorCode::MalformedFile, m_offset - sizeof(T), "array",
                              fmt::format("entry {} is over 2^63 - 1", raw));
            }
        }
        number = static_cast<Wide>(raw);
    }
    value = GgufArray(std::move(numbers));
    return true;
}

bool GgufParser::readArray(GgufValue& value) {
    const std::size_t start = m_offset;
    std::uint32_t type = 0;
    if (!read(type, "array type")) return false;

    std::uint64_t bytesEach = 0;
    switch (static_cast<ValueType>(type)) {
    case ValueType::UInt8:
    case ValueType::Int8:
    case ValueType::Bool:
        bytesEach = 1;
        break;
    case ValueType::UInt16:
    case ValueType::Int16:
        bytesEach = 2;
        break;
    case ValueType::UInt32:
    case ValueType::Int32:
    case ValueType::Float32:
        bytesEach = 4;
        break;
    case ValueType::UInt64:
    case ValueType::Int64:
    case ValueType::Float64:
    case ValueType::String:
        bytesEach = 8;
        break; // a string's length field
    case ValueType::Array:
        return failAt(ErrorCode::MalformedFile, start, "array type", "nested arrays are not supported");
    default:
        return failAt(ErrorCode::MalformedFile, start, "array type", fmt::format("unknown id {}", type));
    }
    std::uint64_t count = 0;
    if (!readCount(count, bytesEach, "array length")) return false;
    if (count > kMaximumArrayLength) {
        return failAt(ErrorCode::MalformedFile, start, "array length",
                      fmt::format("{}, the limit is {}", count, kMaximumArrayLength));
    }

    switch (static_cast<ValueType>(type)) {
    case ValueType::UInt8:
        return readNumbers<std::uint8_t, std::int64_t>(count, value);
    case ValueType::Int8:
        return readNumbers<std::int8_t, std::int64_t>(count, value);
    case ValueType::UInt16:
        return readNumbers<std::uint16_t, std::int64_t>(count, value);
    case ValueType::Int16:
        return readNumbers<std::int16_t, std::int64_t>(count, value);
    case ValueType::UInt32:
        return readNumbers<std::uint32_t, std::int64_t>(count, value);
    case ValueType::Int32:
        return readNumbers<std::int32_t, std::int64_t>(count, value);
    case ValueType::UInt64:
        return readNumbers<std::uint64_t, std::int64_t>(count, value);
    case ValueType::Int64:
        return readNumbers<std::int64_t, std::int64_t>(count, value);
    case ValueType::Float32:
        return readNumbers<float, float>(count, value);
    case ValueType::Float64:
        return readNumbers<double, float>(count, value);
    case ValueType::Bool: {
        std::vector<bool> flags(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < flags.size(); ++i) {
            std::uint8_t raw = 0;
            if (!read(raw, "array")) return false;
            if (raw > 1) return failAt(ErrorCode::MalformedFile, m_offset - 1, "array", fmt::format("bool of {}", raw));
            flags[i] = raw == 1;
        }
        value = GgufArray(std::move(flags));
        return true;
    }
    default: {
        std::vector<std::string> texts(static_cast<std::size_t>(count));
        for (std::string& text : texts) {
            if (!readString(text, "array")) return false;
        }
        value = GgufArray(std::move(texts));
        return true;
    }
    }
}

bool GgufParser::readTensor(GgufTensor& tensor) {
    const std::size_t start = m_offset;
    if (!readString(tensor.name, "name")) return false;
    if (tensor.name.empty()) return failAt(ErrorCode::MalformedFile, start, "name", "is empty");
    if (tensor.name.size() > kMaximumTensorNameLength) {
        return failAt(ErrorCode::MalformedFile, start, "name",
                      fmt::format("{} bytes long, the limit is {}", tensor.name.size(), kMaximumTensorNameLength));
    }
    m_where = fmt::format("tensor '{}'", printable(tensor.name));

    std::uint32_t rank = 0;
    if (!read(rank, "dimension count")) return false;
    if (rank < 1 || rank > tensor.dims.size()) {
        return failAt(ErrorCode::MalformedFile, m_offset - sizeof(rank), "dimension count",
                      fmt::format("{}, must be 1 to 4", rank));
    }
    tensor.rank = static_cast<int>(rank);

    std::uint64_t elements = 1;
    for (std::uint32_t d = 0; d < rank; ++d) {
        if (!read(tensor.dims[d], "dimension")) return false;
        const std::size_t at = m_offset - sizeof(std::uint64_t);
        if (tensor.dims[d] == 0) return failAt(ErrorCode::MalformedFile, at, fmt::format("dimension {}", d), "is zero");
        // Below 2^62, so that neither the byte size nor a signed index can overflow later.
        if (__builtin_mul_overflow(elements, tensor.dims[d], &elements) || elements >> 62 != 0) {
            return failAt(ErrorCode::MalformedFile, at, fmt::format("dimension {}", d),
                          fmt::format("{} makes the element count overflow", tensor.dims[d]));
        }
    }

    std::uint32_t typeId = 0;
    if (!read(typeId, "type")) return false;
    const auto dtype = kernels::dtypeFromGgufId(typeId);
    if (!dtype) {
        return failAt(ErrorCode::UnsupportedTensorType, m_offset - sizeof(typeId), "type",
                      fmt::format("unknown type id {}", typeId));
    }
    tensor.dtype = *dtype;
    const kernels::DTypeInfo& type = kernels::info(*dtype);
    if (tensor.dims[0] % type.elementsPerBlock != 0) {
        return failAt(ErrorCode::MalformedFile, m_offset - sizeof(typeId), "type",
                      fmt::format("rows of {} elements are not whole {} blocks of {}", tensor.dims[0], type.name,
                                  type.elementsPerBlock));
    }
    if (__builtin_mul_overflow(elements / type.elementsPerBlock, std::uint64_t{type.bytesPerBlock}, &tensor.byteSize)) {
        return failAt(ErrorCode::MalformedFile, m_offset - sizeof(typeId), "type", "the byte size overflows");
    }
    return read(tensor.offset, "offset");
}

bool GgufParser::readTensors(std::uint64_t count) {
    m_part.tensors.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
        m_where = fmt::format("tensor {} of {}", i + 1, count);
        m_infoOffsets.push_back(m_offset);
        GgufTensor tensor;
        if (!readTensor(tensor)) return false;
        m_part.tensors.push_back(std::move(tensor));
    }
    m_where.clear();
    std::unordered_set<std::string_view> names;
    for (std::size_t i = 0; i < m_part.tensors.size(); ++i) {
        if (names.insert(m_part.tensors[i].name).second) continue;
        return failAt(ErrorCode::MalformedFile, m_infoOffsets[i], "tensor name",
                      fmt::format("'{}' appears twice", printable(m_part.tensors[i].name)));
    }
    return true;
}

bool GgufParser::placeTensors() {
    std::uint64_t alignment = kDefaultAlignment;
    if (m_part.metadata.contains("general.alignment")) {
        alignment = m_part.metadata.uint("general.alignment").value_or(0);
        // The specification: a multiple of 8; every writer uses a power of two.
        if (alignment < 8 || !std::has_single_bit(alignment)) {
            return failAt(ErrorCode::MalformedFile, m_offset, "general.alignment",
                          "is not a power of two of at least 8");
        }
    }
    const std::uint64_t infoEnd = m_offset;
    const std::uint64_t padding = (alignment - infoEnd % alignment) % alignment;
    std::uint64_t dataStart = 0;
    if (__builtin_add_overflow(infoEnd, padding, &dataStart)) dataStart = std::numeric_limits<std::uint64_t>::max();

    for (std::size_t i = 0; i < m_part.tensors.size(); ++i) {
        GgufTensor& tensor = m_part.tensors[i];
        const std::size_t at = m_infoOffsets[i];
        m_where = fmt::format("tensor '{}'", printable(tensor.name));
        if (tensor.offset % alignment != 0) {
            return failAt(ErrorCode::MalformedFile, at, "offset",
                          fmt::format("{} is not a multiple of the alignment {}", tensor.offset, alignment));
        }
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        if (__builtin_add_overflow(dataStart, tensor.offset, &begin) ||
            __builtin_add_overflow(begin, tensor.byteSize, &end)) {
            return failAt(ErrorCode::MalformedFile, at, "offset", fmt::format("{} overflows", tensor.offset));
        }
        if (end > m_bytes.size()) {
            return failAt(ErrorCode::FileTruncated, at, "data",
                          fmt::format("bytes {} to {}, but the file has {}", begin, end, m_bytes.size()));
        }
        tensor.offset = begin;
    }
    m_where.clear();
    return checkOverlaps();
}

bool GgufParser::checkOverlaps() {
    std::vector<const GgufTensor*> inOrder;
    inOrder.reserve(m_part.tensors.size());
    for (const GgufTensor& tensor : m_part.tensors)
        inOrder.push_back(&tensor);
    std::ranges::sort(inOrder, {}, &GgufTensor::offset);
    for (std::size_t i = 1; i < inOrder.size(); ++i) {
        const GgufTensor& before = *inOrder[i - 1];
        if (before.offset + before.byteSize > inOrder[i]->offset) {
            return failAt(ErrorCode::MalformedFile, static_cast<std::size_t>(inOrder[i]->offset), "tensor data",
                          fmt::format("'{}' overlaps '{}'", printable(inOrder[i]->name), printable(before.name)));
        }
    }
    return true;
}

Result<GgufPart> GgufParser::parse(GgufTensors tensors) {
    std::uint64_t tensorCount = 0;
    std::uint64_t keyCount = 0;
    const bool ok = readMagicAndVersion() && readCount(tensorCount, kMinimumTensorBytes, "tensor count") &&
                    readCount(keyCount, kMinimumKeyBytes, "key count") && readKeys(keyCount) &&
                    (tensors == GgufTensors::Ignore || (readTensors(tensorCount) && placeTensors()));
    if (!ok) return std::unexpected(std::move(m_error));
    return std::move(m_part);
}

} // namespace hearth::core
