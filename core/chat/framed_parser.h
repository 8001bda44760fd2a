// SPDX-License-Identifier: Apache-2.0
//
// Replies that are made of messages, each with a header: gpt-oss's Harmony, and functionary v3.2's recipients.
// Sources: the Harmony response format (OpenAI, 2025); functionary's template of v3.2.
// Thread: engine only.
#pragma once

#include "core/chat/reply_parser.h"

#include <string>
#include <string_view>

namespace hearth::core {

/// <|start|>assistant to=functions.name<|channel|>commentary <|constrain|>json<|message|>{...}<|call|>: channel "analysis" is
/// reasoning, a recipient makes a call, everything else is content. The prompt ends behind the role of the first message.
class HarmonyParser final : public ReplyParser {
public:
    HarmonyParser(ReplyStart start, ReplySink sink);

    void feed(std::string_view text) override;
    void finish() override;

private:
    enum class State : std::uint8_t { Header, Content, Reasoning, Call };

    bool stepOnce(bool atEnd);
    void readHeader(std::string_view header);
    void addText(std::string_view text);
    void endMessage();

    State m_state = State::Header;
    bool m_openTag = false;  ///< <think> was shown and not closed
    bool m_gap = false;      ///< content was shown: the next message's begins a paragraph
    std::string m_recipient;
    std::string m_call;
    std::string m_held;
};

/// "name\n" and a text, then again from ">>>": "all" is content, any other name a call. The prompt ends in ">>>".
class RecipientParser final : public ReplyParser {
public:
    RecipientParser(ReplyStart start, ReplySink sink);

    void feed(std::string_view text) override;
    void finish() override;

private:
    enum class State : std::uint8_t { Header, Content, Call };

    bool stepOnce(bool atEnd);
    void endMessage();

    State m_state = State::Header;
    std::string m_recipient;
    std::string m_call;
    std::string m_held;
};

} // namespace hearth::core
