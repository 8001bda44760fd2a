// SPDX-License-Identifier: Apache-2.0
//
// Vocabulary: the tokenizer.ggml.* keys of a model file as plain, checked values.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_metadata.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

using TokenId = std::int32_t;

/// tokenizer.ggml.token_type; numbers are the file's.
enum class TokenType : std::uint8_t {
    Undefined = 0,
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6
};

struct Vocabulary {
    std::string model;               ///< tokenizer.ggml.model: "gpt2", "llama", ...
    std::string pre;                 ///< tokenizer.ggml.pre; empty when absent
    std::vector<std::string> tokens; ///< as stored: byte-level BPE in its printable alphabet, SPM with U+2581
    std::vector<float> scores;       ///< empty or one per token
    std::vector<TokenType> types;    ///< one per token (Normal when the file has none)
    std::vector<std::string> merges; ///< "left right", best first; BPE only
    std::optional<TokenId> bos, eos, eot, eom, unknown, padding;
    bool addBos = false; ///< the file's key, else the tokenizer model's default
    bool addEos = false;
    bool addSpacePrefix = true;
    bool removeExtraWhitespaces = false;
    std::string characterMap;    ///< tokenizer.ggml.precompiled_charsmap: bytes (CharacterMap); "t5" only
    bool lowerCase = false;      ///< "bert": text becomes lower case
    bool stripAccents = false;   ///< "bert": and loses its accents
    bool stripSpaceAfterSpecial = false; ///< phi-3: white space that follows a special token belongs to it
};

/// Reads and checks; ids out of range, counts that differ, unknown models are errors (MissingKey, MalformedFile,
/// UnsupportedTokenizer). Two liberties: an out-of-range padding id is dropped (nothing here pads), and a token spelled
/// like a known control token is Control whatever type the file gives it (converters get these wrong).
[[nodiscard]] Result<Vocabulary> readVocabulary(const GgufMetadata& metadata);

/// Values of tokenizer.ggml.model that readVocabulary and Tokenizer::create accept.
[[nodiscard]] std::span<const std::string_view> supportedTokenizerModels();

} // namespace hearth::core
