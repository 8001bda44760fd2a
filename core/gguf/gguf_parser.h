// SPDX-License-Identifier: Apache-2.0
//
// GgufParser: reads the header of one GGUF file (one part of a split model) from bytes that nobody has vouched for.
// Internal to core/gguf; the outside uses GgufFile. The first contradiction ends parsing with an error that names the
// file, the byte offset and the field. Nothing is allocated for a count before the remaining bytes could hold it.
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_file.h"
#include "core/gguf/gguf_metadata.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

struct GgufPart {
    std::uint32_t version = 0;
    GgufMetadata metadata;
    std::vector<GgufTensor> tensors; ///< in the file's order, offsets from the start of the file; split is 0
};

class GgufParser {
public:
    GgufParser(std::span<const std::byte> bytes, std::string_view label)
        : m_bytes(bytes)
        , m_label(label) {}

    [[nodiscard]] Result<GgufPart> parse(GgufTensors tensors);

private:
    // Each returns false after recording m_error.
    bool readMagicAndVersion();
    bool readKeys(std::uint64_t count);
    bool readValue(std::uint32_t type, GgufValue& value);
    bool readScalar(std::uint32_t type, GgufScalar& value);
    bool readArray(GgufValue& value);
    bool readTensors(std::uint64_t count);
    bool readTensor(GgufTensor& tensor);
    bool placeTensors();
    bool checkOverlaps();

    template <class T>
    bool read(T& value, std::string_view field);
    template <class T, class Wide>
    bool readNumbers(std::uint64_t count, GgufValue& value);
    bool readString(std::string& text, std::string_view field);
    bool readCount(std::uint64_t& count, std::uint64_t minimumBytesEach, std::string_view field);

    [[nodiscard]] std::size_t remaining() const { return m_bytes.size() - m_offset; }
    bool failAt(ErrorCode code, std::size_t offset, std::string_view field, std::string_view what);

    std::span<const std::byte> m_bytes;
    std::string_view m_label;
    std::size_t m_offset = 0;
    std::string m_where;                    ///< the key or tensor being read, for messages
    std::vector<std::size_t> m_infoOffsets; ///< where each tensor's info begins, for messages
    GgufPart m_part;
    Error m_error;
};

} // namespace hearth::core
