// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/special_token_splitter.h"

#include <algorithm>

namespace hearth::core {

namespace {

bool isSpace(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

} // namespace

SpecialTokenSplitter::SpecialTokenSplitter(const Vocabulary& vocabulary) {
    for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
        const TokenType type = vocabulary.types[i];
        const bool control = type == TokenType::Control || type == TokenType::Unknown;
        const std::string_view spelling = vocabulary.tokens[i];
        if ((!control && type != TokenType::UserDefined) || spelling.empty()) continue;
        const bool keepsSpace = spelling == "<s>" || spelling == "<unk>" || spelling == "<|endoftext|>";
        m_specials.push_back(
            {spelling, static_cast<TokenId>(i), control, vocabulary.stripSpaceAfterSpecial && !keepsSpace});
    }
    std::stable_sort(m_specials.begin(), m_specials.end(),
                     [](const Special& a, const Special& b) { return a.spelling < b.spelling; });
    for (std::size_t i = 0; i < m_specials.size(); ++i) {
        auto& [begin, end] = m_byFirstByte[static_cast<unsigned char>(m_specials[i].spelling[0])];
        if (begin == end) begin = i;
        end = i + 1;
    }
}

/// Which specials occur anywhere, longest first. One pass over the text: at each byte the sorted list is narrowed
/// character by character, which for ordinary text ends at the first one.
std::vector<std::size_t> SpecialTokenSplitter::occurring(std::string_view text, SpecialTokens special) const {
    std::vector<bool> found(m_specials.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto [begin, end] = m_byFirstByte[static_cast<unsigned char>(text[at])];
        for (std::size_t depth = 1; begin < end; ++depth) {
            for (; begin < end && m_specials[begin].spelling.size() == depth; ++begin)
                found[begin] = true;
            if (begin == end || at + depth >= text.size()) break;
            const auto range =
                std::equal_range(m_specials.begin() + static_cast<std::ptrdiff_t>(begin),
                                 m_specials.begin() + static_cast<std::ptrdiff_t>(end),
                                 Special{text.substr(at, depth + 1)}, [depth](const Special& a, const Special& b) {
                                     return static_cast<unsigned char>(a.spelling[depth]) <
                                            static_cast<unsigned char>(b.spelling[depth]);
                                 });
            begin = static_cast<std::size_t>(range.first - m_specials.begin());
            end = static_cast<std::size_t>(range.second - m_specials.begin());
        }
    }
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i] && (special == SpecialTokens::Parse || !m_specials[i].control)) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
        return m_specials[a].spelling.size() > m_specials[b].spelling.size();
    });
    return order;
}

std::vector<TextFragment> SpecialTokenSplitter::split(std::string_view text, SpecialTokens special) const {
    std::vector<TextFragment> fragments;
    if (!text.empty()) fragments.push_back({text});

    for (const std::size_t index : occurring(text, special)) {
        const Special& wanted = m_specials[index];
        std::vector<TextFragment> next;
        next.reserve(fragments.size());
        for (const TextFragment& fragment : fragments) {
            std::string_view rest = fragment.text;
            if (fragment.token != TextFragment::kText) {
                next.push_back(fragment);
                continue;
            }
            for (std::size_t at; (at = rest.find(wanted.spelling)) != std::string_view::npos;) {
                if (at > 0) next.push_back({rest.substr(0, at)});
                next.push_back({{}, wanted.token});
                rest.remove_prefix(at + wanted.spelling.size());
                if (!wanted.stripSpaceAfter) continue;
                while (!rest.empty() && isSpace(rest.front()))
                    rest.remove_prefix(1);
            }
            if (!rest.empty()) next.push_back({rest});
        }
        fragments = std::move(next);
    }
    return fragments;
}

} // namespace hearth::core
