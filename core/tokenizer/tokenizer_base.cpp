// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer_base.h"

#include "core/tokenizer/known_tokens.h"

#include <algorithm>

namespace hearth::core {

namespace {

std::string withoutBreakers(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at; (at = text.find(kControlBreaker)) != std::string_view::npos;) {
        out += text.substr(0, at);
        text.remove_prefix(at + kControlBreaker.size());
    }
    out += text;
    return out;
}

/// Harmony (gpt-oss) ends a turn by <|return|> or <|call|>; its <|end|> only ends a message inside the turn.
/// Solar's <|flush|> and <|calls|> are the same kind.
bool endOnlySeparates(const std::vector<std::string>& tokens) {
    const auto has = [&](std::string_view spelling) {
        return std::find(tokens.begin(), tokens.end(), spelling) != tokens.end();
    };
    return (has("<|return|>") && has("<|call|>")) || (has("<|flush|>") && has("<|calls|>"));
}

} // namespace

TokenizerBase::TokenizerBase(Vocabulary vocabulary)
    : m_vocabulary(std::move(vocabulary))
    , m_splitter(m_vocabulary)
    , m_ends(m_vocabulary.tokens.size())
    , m_begins(m_vocabulary.tokens.size()) {
    const bool endSeparates = endOnlySeparates(m_vocabulary.tokens);
    for (std::size_t i = 0; i < m_ends.size(); ++i) {
        const std::string& token = m_vocabulary.tokens[i];
        // Converters make tokens of a chat format user-defined as often as control tokens; ordinary text they are never.
        if (typeOf(i) != TokenType::Control && typeOf(i) != TokenType::UserDefined) continue;
        m_ends[i] = isEndSpelling(token) && !(endSeparates && token == "<|end|>");
        m_begins[i] = isTurnBeginSpelling(token);
    }
    for (const auto& id : {m_vocabulary.eos, m_vocabulary.eot, m_vocabulary.eom}) {
        if (id) m_ends[static_cast<std::size_t>(*id)] = true;
    }
}

std::vector<TokenId> TokenizerBase::encode(std::string_view text, AddSpecial addSpecial, SpecialTokens special) const {
    std::vector<TokenId> ids;
    const bool add = addSpecial == AddSpecial::AsModelSays;
    if (add && m_vocabulary.addBos && m_vocabulary.bos) ids.push_back(*m_vocabulary.bos);

    Preceding preceding = Preceding::Special;
    for (const TextFragment& fragment : m_splitter.split(text, special)) {
        if (fragment.token != TextFragment::kText) {
            ids.push_back(fragment.token);
            preceding = Preceding::Special;
            continue;
        }
        if (special == SpecialTokens::Parse && fragment.text.find(kControlBreaker) != std::string_view::npos) {
            const std::string clean = withoutBreakers(fragment.text);
            if (clean.empty()) continue;
            encodeText(clean, preceding, ids);
        } else {
            encodeText(fragment.text, preceding, ids);
        }
        preceding = Preceding::Text;
    }

    if (add && m_vocabulary.addEos && m_vocabulary.eos) ids.push_back(*m_vocabulary.eos);
    return ids;
}

std::string_view TokenizerBase::tokenBytes(TokenId id) const {
    if (id < 0 || static_cast<std::size_t>(id) >= m_bytes.size()) return {};
    return m_bytes[static_cast<std::size_t>(id)];
}

std::string TokenizerBase::decode(std::span<const TokenId> ids) const {
    std::string text;
    for (const TokenId id : ids)
        text += tokenBytes(id);
    return text;
}

bool TokenizerBase::endsGeneration(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < m_ends.size() && m_ends[static_cast<std::size_t>(id)];
}

bool TokenizerBase::beginsTurn(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < m_begins.size() && m_begins[static_cast<std::size_t>(id)];
}

} // namespace hearth::core
