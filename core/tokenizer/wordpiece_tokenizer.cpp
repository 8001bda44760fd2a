// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/wordpiece_tokenizer.h"

#include "core/base/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>

namespace hearth::core {

namespace {

constexpr std::string_view kWordMark = "\xE2\x96\x81"; // U+2581
constexpr char32_t kInvalid = 0xFFFD;

bool isWhiteSpace(char32_t code) {
    if ((code >= 0x09 && code <= 0x0D) || code == 0x85) return true;
    const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool isControl(utf8proc_category_t category) {
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CS ||
           category == UTF8PROC_CATEGORY_CO;
}

bool isMark(utf8proc_category_t category) {
    return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

/// Unicode's punctuation, and of ASCII its symbols too: BERT takes $ and + as punctuation.
bool isPunctuation(char32_t code, utf8proc_category_t category) {
    if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) return true;
    return code < 0x7F && category >= UTF8PROC_CATEGORY_SM && category <= UTF8PROC_CATEGORY_SO;
}

/// The blocks of Chinese characters, as BERT's tokenizer lists them.
bool isChinese(char32_t code) {
    constexpr std::array<std::pair<char32_t, char32_t>, 8> kBlocks{{{0x3400, 0x4DBF},
                                                                    {0x4E00, 0x9FFF},
                                                                    {0xF900, 0xFAFF},
                                                                    {0x20000, 0x2A6DF},
                                                                    {0x2A700, 0x2B73F},
                                                                    {0x2B740, 0x2B81F},
                                                                    {0x2B920, 0x2CEAF},
                                                                    {0x2F800, 0x2FA1F}}};
    return std::ranges::any_of(kBlocks, [&](const auto& block) { return code >= block.first && code <= block.second; });
}

/// The code points of a text; malformed bytes are left out. Decomposed when accents are to go.
std::vector<char32_t> codesOf(std::string_view text, bool decompose) {
    std::vector<char32_t> codes;
    codes.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const utf8::Decoded decoded = utf8::decodeAt(text, at);
        at += decoded.length;
        if (!decoded.valid) continue;
        if (!decompose) {
            codes.push_back(decoded.codePoint);
            continue;
        }
        std::array<utf8proc_int32_t, 32> parts{};
        int boundary = 0;
        const utf8proc_ssize_t count =
            utf8proc_decompose_char(static_cast<utf8proc_int32_t>(decoded.codePoint), parts.data(), parts.size(),
                                    UTF8PROC_DECOMPOSE, &boundary);
        for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, parts.size()); ++i)
            codes.push_back(static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
    }
    return codes;
}

} // namespace

Result<std::unique_ptr<Tokenizer>> WordPieceTokenizer::create(Vocabulary vocabulary) {
    if (!vocabulary.unknown) return fail(ErrorCode::MissingKey, "tokenizer.ggml.unknown_token_id is missing");
    return std::unique_ptr<Tokenizer>(new WordPieceTokenizer(std::move(vocabulary)));
}

WordPieceTokenizer::WordPieceTokenizer(Vocabulary vocabulary)
    : TokenizerBase(std::move(vocabulary)) {
    m_bytes.resize(m_vocabulary.tokens.size());
    m_pieces.reserve(m_bytes.size());
    for (std::size_t i = 0; i < m_bytes.size(); ++i) {
        const std::string& token = m_vocabulary.tokens[i];
        if (typeOf(i) == TokenType::Control || typeOf(i) == TokenType::Unknown) continue;
        m_bytes[i] = token.starts_with(kWordMark) ? " " + token.substr(kWordMark.size()) : token;
        m_pieces.insert_or_assign(token, static_cast<TokenId>(i));
        m_longestPiece = std::max(m_longestPiece, token.size());
    }
}

std::string WordPieceTokenizer::decode(std::span<const TokenId> ids) const {
    std::string text = TokenizerBase::decode(ids);
    if (text.starts_with(' ')) text.erase(0, 1);
    return text;
}

std::vector<std::string> WordPieceTokenizer::wordsOf(std::string_view text) const {
    std::vector<std::string> words;
    std::string word;
    const auto endWord = [&] {
        if (!word.empty()) words.push_back(std::exchange(word, {}));
    };
    for (char32_t code : codesOf(text, m_vocabulary.stripAccents)) {
        if (isWhiteSpace(code)) {
            endWord();
            continue;
        }
        const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
        if (code == 0 || code == kInvalid || isControl(category)) continue;
        if (m_vocabulary.stripAccents && isMark(category)) continue;
        if (m_vocabulary.lowerCase)
            code = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
        const bool alone = isPunctuation(code, category) || isChinese(code);
        if (alone) endWord();
        utf8::append(word, code);
        if (alone) endWord();
    }
    endWord();
    return words;
}

void WordPieceTokenizer::encodeWord(std::string_view word, std::vector<TokenId>& ids) const {
    const std::size_t first = ids.size();
    while (!word.empty()) {
        std::size_t length = std::min(word.size(), m_longestPiece);
        auto piece = m_pieces.end();
        while (length > 0 && (piece = m_pieces.find(word.substr(0, length))) == m_pieces.end()) --length;
        if (length == 0) {
            ids.resize(first);
            ids.push_back(*m_vocabulary.unknown);
            return;
        }
        ids.push_back(piece->second);
        word.remove_prefix(length);
    }
}

void WordPieceTokenizer::encodeText(std::string_view text, Preceding, std::vector<TokenId>& ids) const {
    for (const std::string& word : wordsOf(text)) encodeWord(std::string(kWordMark) + word, ids);
}

} // namespace hearth::core
