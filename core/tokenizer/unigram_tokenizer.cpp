// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/unigram_tokenizer.h"

#include "core/base/utf8.h"

#include <algorithm>
#include <limits>

namespace hearth::core {

namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";   // U+2581
constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD, for bytes that are not UTF-8
constexpr double kUnknownPenalty = 10.0;                  // below the least likely token, as SentencePiece has it

std::string withSpaces(std::string_view token) {
    std::string text;
    for (std::size_t at; (at = token.find(kSpaceMark)) != std::string_view::npos;) {
        text += token.substr(0, at);
        text += ' ';
        token.remove_prefix(at + kSpaceMark.size());
    }
    text += token;
    return text;
}

/// The best way to a place in the text.
struct Step {
    double score = -std::numeric_limits<double>::infinity();
    std::size_t from = 0;
    TokenId token = 0;
};

} // namespace

std::size_t UnigramTokenizer::Trie::slotOf(std::uint64_t key) const {
    const std::size_t mask = m_edges.size() - 1;
    std::size_t slot = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> 20) & mask;
    while (m_edges[slot].key != 0 && m_edges[slot].key != key) slot = (slot + 1) & mask;
    return slot;
}

void UnigramTokenizer::Trie::grow() {
    std::vector<Edge> old(m_edges.size() * 2);
    old.swap(m_edges);
    for (const Edge& edge : old) {
        if (edge.key != 0) m_edges[slotOf(edge.key)] = edge;
    }
}

void UnigramTokenizer::Trie::insert(std::string_view key, TokenId token) {
    std::int32_t node = kRoot;
    for (const char letter : key) {
        if (m_used * 2 >= m_edges.size()) grow();
        const std::uint64_t edgeKey = (static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(letter)) + 1;
        Edge& edge = m_edges[slotOf(edgeKey)];
        if (edge.key == 0) {
            edge = {edgeKey, static_cast<std::int32_t>(m_tokens.size())};
            m_tokens.push_back(-1);
            ++m_used;
        }
        node = edge.child;
    }
    m_tokens[static_cast<std::size_t>(node)] = token;
}

std::int32_t UnigramTokenizer::Trie::child(std::int32_t node, unsigned char letter) const {
    return m_edges[slotOf((static_cast<std::uint64_t>(node) << 8 | letter) + 1)].child;
}

Result<std::unique_ptr<Tokenizer>> UnigramTokenizer::create(Vocabulary vocabulary) {
    if (vocabulary.scores.empty())
        return fail(ErrorCode::MissingKey, "tokenizer.ggml.scores is missing: a unigram tokenizer cannot do without");
    if (!vocabulary.unknown)
        return fail(ErrorCode::MissingKey, "tokenizer.ggml.unknown_token_id is missing, and no token is of that type");
    CharacterMap characters;
    if (!vocabulary.characterMap.empty()) {
        auto read = CharacterMap::read(vocabulary.characterMap);
        if (!read) return std::unexpected(std::move(read.error()));
        characters = std::move(*read);
    }
    return std::unique_ptr<Tokenizer>(new UnigramTokenizer(std::move(vocabulary), std::move(characters)));
}

UnigramTokenizer::UnigramTokenizer(Vocabulary vocabulary, CharacterMap characters)
    : TokenizerBase(std::move(vocabulary))
    , m_characters(std::move(characters)) {
    m_bytes.resize(m_vocabulary.tokens.size());
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < m_bytes.size(); ++i) {
        const TokenType type = typeOf(i);
        if (type == TokenType::Normal) least = std::min(least, static_cast<double>(m_vocabulary.scores[i]));
        if (type != TokenType::Normal && type != TokenType::UserDefined && type != TokenType::Unused) continue;
        m_bytes[i] = withSpaces(m_vocabulary.tokens[i]);
        m_trie.insert(m_vocabulary.tokens[i], static_cast<TokenId>(i));
    }
    m_unknownScore = (least == std::numeric_limits<double>::infinity() ? 0.0 : least) - kUnknownPenalty;
}

std::string UnigramTokenizer::decode(std::span<const TokenId> ids) const {
    std::string text = TokenizerBase::decode(ids);
    if (m_vocabulary.addSpacePrefix && text.starts_with(' ')) text.erase(0, 1);
    return text;
}

/// Characters replaced, spaces as marks: one before the first word where the file asks for it, and where it asks for no
/// superfluous ones exactly one before every word.
std::string UnigramTokenizer::normalised(std::string_view text) const {
    const bool merge = m_vocabulary.removeExtraWhitespaces;
    std::string out;
    out.reserve(text.size() + text.size() / 2);
    bool prefixed = !m_vocabulary.addSpacePrefix;
    bool inWord = false;
    for (std::size_t at = 0; at < text.size();) {
        std::string_view piece;
        if (const auto match = m_characters.longestPrefix(text.substr(at))) {
            piece = match->replacement;
            at += match->length;
        } else {
            const utf8::Decoded decoded = utf8::decodeAt(text, at);
            piece = decoded.valid ? text.substr(at, decoded.length) : kReplacement;
            at += decoded.valid ? decoded.length : 1;
        }
        for (const char letter : piece) {
            if (letter == ' ') {
                inWord = false;
                if (!merge) out += kSpaceMark;
                continue;
            }
            if (!inWord && (merge || !prefixed)) {
                out += kSpaceMark;
                prefixed = true;
            }
            inWord = true;
            out += letter;
        }
    }
    return out;
}

void UnigramTokenizer::encodeText(std::string_view text, Preceding, std::vector<TokenId>& ids) const {
    const std::string normal = normalised(text);
    if (normal.empty()) return;
    const TokenId unknown = *m_vocabulary.unknown;
    std::vector<Step> steps(normal.size() + 1);
    steps[0].score = 0.0;
    const auto offer = [&](std::size_t from, std::size_t to, TokenId token, double score) {
        if (steps[from].score + score > steps[to].score) steps[to] = {steps[from].score + score, from, token};
    };
    for (std::size_t at = 0; at < normal.size();) {
        const std::size_t length = utf8::decodeAt(normal, at).length;
        bool covered = false;
        std::int32_t node = Trie::kRoot;
        for (std::size_t end = at; end < normal.size();) {
            node = m_trie.child(node, static_cast<unsigned char>(normal[end++]));
            if (node == Trie::kNowhere) break;
            const TokenId token = m_trie.token(node);
            if (token < 0) continue;
            const auto index = static_cast<std::size_t>(token);
            covered |= end - at == length;
            offer(at, end, token, typeOf(index) == TokenType::UserDefined ? 0.0 : m_vocabulary.scores[index]);
        }
        if (!covered) offer(at, at + length, unknown, m_unknownScore);
        at += length;
    }

    // Backwards; unknown neighbours become one.
    const std::size_t first = ids.size();
    for (std::size_t at = normal.size(); at > 0; at = steps[at].from) {
        const TokenId token = steps[at].token;
        if (token == unknown && ids.size() > first && ids.back() == unknown) continue;
        ids.push_back(token);
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
}

} // namespace hearth::core
