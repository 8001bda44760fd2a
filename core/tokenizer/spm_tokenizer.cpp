// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/spm_tokenizer.h"

#include "core/base/utf8.h"
#include "core/tokenizer/word_cache.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace hearth::core {

namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81"; ///< U+2581
constexpr std::int32_t kEnd = -1;                       ///< of the linked list

/// The byte that a token spelled <0xE2> stands for.
std::optional<unsigned char> byteOfToken(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
    unsigned value = 0;
    const char* end = token.data() + 5;
    if (const auto parsed = std::from_chars(token.data() + 3, end, value, 16); parsed.ptr != end) return std::nullopt;
    return static_cast<unsigned char>(value);
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at; (at = text.find(from)) != std::string_view::npos;) {
        out += text.substr(0, at);
        out += to;
        text.remove_prefix(at + from.size());
    }
    out += text;
    return out;
}

/// Whether a space mark follows something else: "▁of▁the", but not "▁▁▁".
bool hasMarkInside(std::string_view token) {
    std::size_t at = 0;
    while (token.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
    return token.find(kSpaceMark, at) != std::string_view::npos;
}

/// A run of text that is one symbol for now.
struct Node {
    std::size_t begin = 0;
    std::size_t length = 0; ///< bytes; 0 when joined to its left
    std::int32_t previous = kEnd;
    std::int32_t next = kEnd;
};

/// Two neighbours that together are a token.
struct Candidate {
    float score = 0;
    std::int32_t left = 0;
    std::size_t length = 0; ///< of both together: tells whether either has changed since
};

/// Heap order: the highest score first, then the leftmost.
struct Worse {
    bool operator()(const Candidate& a, const Candidate& b) const {
        return a.score < b.score || (a.score == b.score && a.left > b.left);
    }
};

} // namespace

/// Buffers that encodeText reuses from word to word.
struct SpmTokenizer::Scratch {
    std::vector<Node> nodes;
    std::vector<Candidate> queue; ///< a heap, best first
};

Result<std::unique_ptr<Tokenizer>> SpmTokenizer::create(Vocabulary vocabulary) {
    return std::unique_ptr<Tokenizer>(new SpmTokenizer(std::move(vocabulary)));
}

SpmTokenizer::SpmTokenizer(Vocabulary vocabulary)
    : TokenizerBase(std::move(vocabulary)) {
    if (m_vocabulary.scores.empty()) {
        m_notice = "the file has no token scores (tokenizer.ggml.scores); earlier tokens are taken as the better ones";
    }
    m_tokenOfByte.fill(kNone);
    const std::size_t tokens = m_vocabulary.tokens.size();
    m_bytes.resize(tokens);
    m_pieces.reserve(tokens);
    for (std::size_t i = 0; i < tokens; ++i) {
        const std::string& token = m_vocabulary.tokens[i];
        switch (typeOf(i)) {
        case TokenType::Control:
        case TokenType::Unknown:
            break;
        case TokenType::Byte:
            if (const auto byte = byteOfToken(token)) {
                m_tokenOfByte[*byte] = static_cast<TokenId>(i);
                m_bytes[i].assign(1, static_cast<char>(*byte));
            }
            break;
        default:
            m_bytes[i] = replaced(token, kSpaceMark, " ");
            m_pieces.insert_or_assign(token, static_cast<TokenId>(i));
            m_longestPiece = std::max(m_longestPiece, token.size());
            m_wordsStandAlone = m_wordsStandAlone && !hasMarkInside(token);
            break;
        }
    }
}

std::string SpmTokenizer::decode(std::span<const TokenId> ids) const {
    std::string text = TokenizerBase::decode(ids);
    if (m_vocabulary.addSpacePrefix && text.starts_with(' ')) text.erase(0, 1);
    return text;
}

void SpmTokenizer::encodeText(std::string_view text, Preceding preceding, std::vector<TokenId>& ids) const {
    std::string escaped = replaced(text, " ", kSpaceMark);
    if (m_vocabulary.addSpacePrefix && preceding == Preceding::Special) escaped.insert(0, kSpaceMark);
    if (m_wordsStandAlone) return encodeWords(escaped, ids);
    // Node indices are 32 bits wide.
    constexpr std::size_t kLongest = std::size_t{1} << 30;
    Scratch scratch;
    std::string_view rest = escaped;
    while (rest.size() > kLongest) {
        const std::size_t length = kLongest - utf8::incompleteTail(rest.substr(0, kLongest));
        encodeEscaped(rest.substr(0, length), scratch, ids);
        rest.remove_prefix(length);
    }
    encodeEscaped(rest, scratch, ids);
}

/// No token spans the place before a word's first space mark, so no merge does, and each word is merged by itself.
void SpmTokenizer::encodeWords(std::string_view text, std::vector<TokenId>& ids) const {
    constexpr std::size_t kLongest = std::size_t{1} << 30; // node indices are 32 bits wide
    WordCache cache;
    Scratch scratch;
    while (!text.empty()) {
        std::size_t end = 0;
        while (text.substr(end).starts_with(kSpaceMark)) end += kSpaceMark.size();
        end = std::min(text.find(kSpaceMark, end), text.size());
        if (end > kLongest) end = kLongest - utf8::incompleteTail(text.substr(0, kLongest));
        cache.append(text.substr(0, end), ids, [&](std::string_view word) { encodeEscaped(word, scratch, ids); });
        text.remove_prefix(end);
    }
}

TokenId SpmTokenizer::find(std::string_view piece) const {
    if (piece.size() > m_longestPiece) return kNone;
    const auto found = m_pieces.find(piece);
    return found == m_pieces.end() ? kNone : found->second;
}

float SpmTokenizer::scoreOf(TokenId id) const {
    return m_vocabulary.scores.empty() ? -static_cast<float>(id) : m_vocabulary.scores[static_cast<std::size_t>(id)];
}

void SpmTokenizer::encodeEscaped(std::string_view text, Scratch& scratch, std::vector<TokenId>& ids) const {
    std::vector<Node>& nodes = scratch.nodes;
    std::vector<Candidate>& queue = scratch.queue;
    nodes.clear();
    queue.clear();
    nodes.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8::decodeAt(text, at).length;
        const auto index = static_cast<std::int32_t>(nodes.size());
        nodes.push_back({at, length, index - 1, at + length < text.size() ? index + 1 : kEnd});
        at += length;
    }

    const auto node = [&](std::int32_t index) -> Node& { return nodes[static_cast<std::size_t>(index)]; };
    const auto offer = [&](std::int32_t left) {
        if (left == kEnd || node(left).next == kEnd) return;
        const std::size_t length = node(left).length + node(node(left).next).length;
        const TokenId token = find(text.substr(node(left).begin, length));
        if (token == kNone) return;
        queue.push_back({scoreOf(token), left, length});
        std::push_heap(queue.begin(), queue.end(), Worse());
    };
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(nodes.size()); ++i)
        offer(i);

    while (!queue.empty()) {
        const Candidate best = queue.front();
        std::pop_heap(queue.begin(), queue.end(), Worse());
        queue.pop_back();
        const std::int32_t left = best.left;
        const std::int32_t right = node(left).next;
        if (node(left).length == 0 || right == kEnd || node(left).length + node(right).length != best.length) continue;
        node(left).length = best.length;
        node(left).next = node(right).next;
        node(right).length = 0;
        if (node(left).next != kEnd) node(node(left).next).previous = left;
        offer(node(left).previous);
        offer(left);
    }

    for (std::int32_t i = nodes.empty() ? kEnd : 0; i != kEnd; i = node(i).next) {
        appendPiece(text.substr(node(i).begin, node(i).length), ids);
    }
}

void SpmTokenizer::appendPiece(std::string_view piece, std::vector<TokenId>& ids) const {
    if (const TokenId token = find(piece); token != kNone) {
        ids.push_back(token);
        return;
    }
    for (const char byte : piece) {
        const TokenId token = m_tokenOfByte[static_cast<unsigned char>(byte)];
        if (token != kNone) {
            ids.push_back(token);
        } else if (m_vocabulary.unknown) {
            ids.push_back(*m_vocabulary.unknown);
        }
    }
}

} // namespace hearth::core
