// SPDX-License-Identifier: Apache-2.0
//
// Tokenizer: text to token ids and back. Implementations: BpeTokenizer (byte-level), SpmTokenizer (SentencePiece),
// UnigramTokenizer (T5), WordPieceTokenizer (BERT).
// User text is never parsed for control tokens: only a rendered chat template is, with SpecialTokens::Parse.
// Thread: any; const after creation (encode is re-entrant).
#pragma once

#include "core/base/error.h"
#include "core/tokenizer/vocabulary.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

enum class SpecialTokens : std::uint8_t {
    AsText, ///< control tokens written in the text are text (user-defined tokens are still matched, as llama.cpp does)
    Parse,  ///< control tokens written in the text become their ids
};
enum class AddSpecial : std::uint8_t {
    No,
    AsModelSays, ///< BOS and EOS as the file's keys ask
};

/// U+FDD0, a noncharacter: chat_prompt puts it inside control-token spellings that a user typed, so that they never
/// match under SpecialTokens::Parse. encode() removes it from text fragments before tokenizing them (Parse mode only).
inline constexpr std::string_view kControlBreaker = "\xEF\xB7\x90";

class Tokenizer {
public:
    virtual ~Tokenizer() = default;

    /// Picks the implementation from vocabulary.model. UnsupportedTokenizer names what is supported.
    [[nodiscard]] static Result<std::unique_ptr<Tokenizer>> create(Vocabulary vocabulary);

    /// Any byte string is accepted (malformed UTF-8 goes through byte fallback or bytes).
    [[nodiscard]] virtual std::vector<TokenId> encode(std::string_view text, AddSpecial addSpecial,
                                                      SpecialTokens special) const = 0;

    /// The bytes that a token adds to the text; empty for control tokens. Not necessarily whole UTF-8 sequences.
    [[nodiscard]] virtual std::string_view tokenBytes(TokenId id) const = 0;

    /// Concatenated tokenBytes; for SPM the space that the space prefix added at the very start is removed.
    [[nodiscard]] virtual std::string decode(std::span<const TokenId> ids) const = 0;

    [[nodiscard]] virtual const Vocabulary& vocabulary() const = 0;

    /// EOS, EOT, EOM and every control token known to end a turn (<|im_end|>, <|eot_id|>, <end_of_turn>, </s>, <|end|> ...).
    [[nodiscard]] virtual bool endsGeneration(TokenId id) const = 0;

    /// The token with which another turn begins (<|im_start|>, <|user|>, [INST] ...): in the middle of a reply, its end.
    [[nodiscard]] virtual bool beginsTurn(TokenId id) const = 0;

    /// Why the result may differ from the model makers' (unknown tokenizer.ggml.pre, missing scores ...); empty when
    /// exact.
    [[nodiscard]] virtual std::string_view notice() const = 0;

    [[nodiscard]] std::size_t size() const { return vocabulary().tokens.size(); }
};

} // namespace hearth::core
