// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/bpe_tokenizer.h"

#include "core/tokenizer/byte_alphabet.h"
#include "core/tokenizer/word_cache.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <functional>

#include <fmt/format.h>

namespace hearth::core {

namespace {

constexpr std::int32_t kEnd = -1; ///< of the linked list

std::size_t hashOfPair(std::int32_t left, std::int32_t right) {
    std::uint64_t mixed = (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
    mixed ^= mixed >> 31;
    mixed *= 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 29;
    return static_cast<std::size_t>(mixed);
}

} // namespace

/// Byte strings to symbols, while the merges are read.
class BpeTokenizer::SymbolTable {
public:
    explicit SymbolTable(const BpeTokenizer& tokenizer)
        : m_next(static_cast<Symbol>(tokenizer.m_bytes.size())) {
        m_symbols.reserve(tokenizer.m_bytes.size() + 256);
        for (std::size_t i = 0; i < tokenizer.m_bytes.size(); ++i) {
            // Text must never become a control token, not even one that merges could spell.
            if (tokenizer.m_bytes[i].empty()) continue;
            m_symbols.insert_or_assign(tokenizer.m_bytes[i], static_cast<Symbol>(i));
        }
    }

    [[nodiscard]] Symbol symbolOf(std::string_view bytes) {
        if (const auto found = m_symbols.find(bytes); found != m_symbols.end()) return found->second;
        return m_symbols.emplace(m_extra.emplace_back(bytes), m_next++).first->second;
    }

    [[nodiscard]] std::unordered_map<std::string_view, TokenId> takeTokens() && {
        const Symbol firstExtra = m_next - static_cast<Symbol>(m_extra.size());
        std::erase_if(m_symbols, [firstExtra](const auto& entry) { return entry.second >= firstExtra; });
        return std::move(m_symbols);
    }

private:
    std::unordered_map<std::string_view, Symbol> m_symbols;
    std::deque<std::string> m_extra; ///< what is no token; a deque because the map looks into it
    Symbol m_next;
};

/// Buffers that encodeText reuses from word to word.
struct BpeTokenizer::Scratch {
    struct Node {
        Symbol symbol;
        std::int32_t begin;    ///< offset in the word
        std::int32_t previous; ///< index, or kEnd
        std::int32_t next;
    };
    std::vector<Node> nodes;
    std::vector<std::uint64_t> queue; ///< a heap of rank << 32 | index of the left node; smallest first
};

Result<std::unique_ptr<Tokenizer>> BpeTokenizer::create(Vocabulary vocabulary) {
    const PreTokenizerRecipe recipe = preTokenizerRecipe(vocabulary.pre);
    auto preTokenizer = PreTokenizer::create(recipe);
    if (!preTokenizer) return std::unexpected(std::move(preTokenizer).error());
    std::unique_ptr<BpeTokenizer> tokenizer(
        new BpeTokenizer(std::move(vocabulary), std::move(*preTokenizer), recipe.ignoreMerges));
    if (!recipe.known) {
        tokenizer->m_notice =
            tokenizer->m_vocabulary.pre.empty()
                ? "the file does not say how its text is cut into words (tokenizer.ggml.pre); Llama 3's way is used"
                : fmt::format(
                      "tokenizer.ggml.pre is '{}', which is not known here; Llama 3's way of cutting words is used",
                      tokenizer->m_vocabulary.pre);
    }
    tokenizer->fillBytes();
    if (auto built = tokenizer->buildMerges(); !built) return std::unexpected(std::move(built).error());
    return tokenizer;
}

BpeTokenizer::BpeTokenizer(Vocabulary vocabulary, PreTokenizer preTokenizer, bool ignoreMerges)
    : TokenizerBase(std::move(vocabulary))
    , m_preTokenizer(std::move(preTokenizer))
    , m_ignoreMerges(ignoreMerges) {}

void BpeTokenizer::fillBytes() {
    m_bytes.resize(m_vocabulary.tokens.size());
    for (std::size_t i = 0; i < m_bytes.size(); ++i) {
        const std::string& token = m_vocabulary.tokens[i];
        switch (typeOf(i)) {
        case TokenType::Control:
        case TokenType::Unknown:
            break;
        case TokenType::UserDefined:
            m_bytes[i] = token;
            break; // stored as text, not in the alphabet
        default:
            m_bytes[i] = bytesOfPrintable(token).value_or(token);
            break;
        }
    }
}

Result<void> BpeTokenizer::buildMerges() {
    SymbolTable symbols(*this);
    for (std::size_t byte = 0; byte < m_symbolOfByte.size(); ++byte) {
        m_symbolOfByte[byte] = symbols.symbolOf(std::string(1, static_cast<char>(byte)));
    }
    m_merges.reserve(m_vocabulary.merges.size());
    m_rankSlots.assign(std::bit_ceil(m_vocabulary.merges.size() * 2 + 2), kNoRank);
    for (std::size_t i = 0; i < m_vocabulary.merges.size(); ++i) {
        const std::string_view merge = m_vocabulary.merges[i];
        const std::size_t space =
            merge.find(' ', 1); // a merge may begin with a space in vocabularies without the alphabet
        const auto left = space < merge.size() ? bytesOfPrintable(merge.substr(0, space)) : std::nullopt;
        const auto right = space < merge.size() ? bytesOfPrintable(merge.substr(space + 1)) : std::nullopt;
        if (!left || !right || right->empty()) {
            return fail(ErrorCode::MalformedFile,
                        fmt::format("tokenizer.ggml.merges[{}] is not two byte-level tokens with a space between", i));
        }
        m_merges.push_back({symbols.symbolOf(*left), symbols.symbolOf(*right), symbols.symbolOf(*left + *right)});
        insertRank(static_cast<Rank>(i));
    }
    if (m_ignoreMerges) m_wholeWords = std::move(symbols).takeTokens();
    return {};
}

void BpeTokenizer::insertRank(Rank rank) {
    const Merge& merge = m_merges[static_cast<std::size_t>(rank)];
    if (rankOf(merge.left, merge.right) != kNoRank) return; // said twice: the better rank stays
    const std::size_t mask = m_rankSlots.size() - 1;
    std::size_t slot = hashOfPair(merge.left, merge.right) & mask;
    while (m_rankSlots[slot] != kNoRank)
        slot = (slot + 1) & mask;
    m_rankSlots[slot] = rank;
}

BpeTokenizer::Rank BpeTokenizer::rankOf(Symbol left, Symbol right) const {
    const std::size_t mask = m_rankSlots.size() - 1;
    for (std::size_t slot = hashOfPair(left, right) & mask; m_rankSlots[slot] != kNoRank; slot = (slot + 1) & mask) {
        const Merge& merge = m_merges[static_cast<std::size_t>(m_rankSlots[slot])];
        if (merge.left == left && merge.right == right) return m_rankSlots[slot];
    }
    return kNoRank;
}

void BpeTokenizer::encodeText(std::string_view text, Preceding, std::vector<TokenId>& ids) const {
    Scratch scratch;
    WordCache cache;
    for (std::string_view word : m_preTokenizer.split(text)) {
        // Offsets inside a word are 32 bits wide.
        constexpr std::size_t kLongestWord = std::size_t{1} << 30;
        for (; word.size() > kLongestWord; word.remove_prefix(kLongestWord))
            encodeWord(word.substr(0, kLongestWord), scratch, ids);
        cache.append(word, ids, [&](std::string_view fresh) { encodeWord(fresh, scratch, ids); });
    }
}

void BpeTokenizer::encodeWord(std::string_view word, Scratch& scratch, std::vector<TokenId>& ids) const {
    if (m_ignoreMerges) {
        if (const auto whole = m_wholeWords.find(word); whole != m_wholeWords.end()) {
            ids.push_back(whole->second);
            return;
        }
    }
    mergeWord(word, scratch);
    const auto tokens = static_cast<Symbol>(m_vocabulary.tokens.size());
    for (std::int32_t i = 0; i != kEnd; i = scratch.nodes[static_cast<std::size_t>(i)].next) {
        const Scratch::Node& node = scratch.nodes[static_cast<std::size_t>(i)];
        if (node.symbol < tokens) {
            ids.push_back(node.symbol);
            continue;
        }
        const auto begin = static_cast<std::size_t>(node.begin);
        const std::size_t end =
            node.next == kEnd ? word.size()
                              : static_cast<std::size_t>(scratch.nodes[static_cast<std::size_t>(node.next)].begin);
        appendBytes(word.substr(begin, end - begin), ids);
    }
}

void BpeTokenizer::mergeWord(std::string_view word, Scratch& scratch) const {
    auto& nodes = scratch.nodes;
    auto& queue = scratch.queue;
    const auto length = static_cast<std::int32_t>(word.size());
    nodes.resize(word.size());
    for (std::int32_t i = 0; i < length; ++i) {
        const auto byte = static_cast<unsigned char>(word[static_cast<std::size_t>(i)]);
        nodes[static_cast<std::size_t>(i)] = {m_symbolOfByte[byte], i, i - 1, i + 1 < length ? i + 1 : kEnd};
    }

    const auto node = [&](std::int32_t index) -> Scratch::Node& { return nodes[static_cast<std::size_t>(index)]; };
    const auto rankAt = [&](std::int32_t left) {
        return left == kEnd || node(left).next == kEnd ? kNoRank
                                                       : rankOf(node(left).symbol, node(node(left).next).symbol);
    };
    const auto entry = [](Rank rank, std::int32_t left) {
        return (std::uint64_t{static_cast<std::uint32_t>(rank)} << 32) | static_cast<std::uint32_t>(left);
    };
    const auto offer = [&](std::int32_t left) {
        const Rank rank = rankAt(left);
        if (rank == kNoRank) return;
        queue.push_back(entry(rank, left));
        std::push_heap(queue.begin(), queue.end(), std::greater<>());
    };

    queue.clear();
    for (std::int32_t i = 0; i + 1 < length; ++i) {
        if (const Rank rank = rankAt(i); rank != kNoRank) queue.push_back(entry(rank, i));
    }
    std::make_heap(queue.begin(), queue.end(), std::greater<>());

    while (!queue.empty()) {
        const std::uint64_t best = queue.front();
        std::pop_heap(queue.begin(), queue.end(), std::greater<>());
        queue.pop_back();
        const Merge& merge = m_merges[static_cast<std::size_t>(best >> 32)];
        const auto left = static_cast<std::int32_t>(best & 0xFFFFFFFFu);
        const std::int32_t right = node(left).next;
        // Neighbours may have been joined since this was offered. A node that was joined to its left keeps no symbol.
        if (right == kEnd || node(left).symbol != merge.left || node(right).symbol != merge.right) continue;
        node(left).symbol = merge.joined;
        node(left).next = node(right).next;
        node(right).symbol = kEnd;
        if (node(left).next != kEnd) node(node(left).next).previous = left;
        offer(node(left).previous);
        offer(left);
    }
}

void BpeTokenizer::appendBytes(std::string_view bytes, std::vector<TokenId>& ids) const {
    const auto tokens = static_cast<Symbol>(m_vocabulary.tokens.size());
    const auto append = [&](char byte) {
        const Symbol symbol = m_symbolOfByte[static_cast<unsigned char>(byte)];
        if (symbol < tokens) ids.push_back(symbol);
        return symbol < tokens;
    };
    for (const char byte : bytes) {
        if (append(byte)) continue;
        // Some vocabularies lack the bytes that valid UTF-8 never has.
        if (m_vocabulary.unknown) {
            ids.push_back(*m_vocabulary.unknown);
        } else {
            for (const char replacement : std::string_view("\xEF\xBF\xBD"))
                append(replacement);
        }
    }
}

} // namespace hearth::core
