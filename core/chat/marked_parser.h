// SPDX-License-Identifier: Apache-2.0
//
// MarkedParser: replies of most families: content, with sections of reasoning and calls between markers (ReplyFrame::Marked).
// Reasoning counts as that at the start of a reply and after a call: a tag in the middle of an answer is what it talks about.
// Thread: engine only.
#pragma once

#include "core/chat/reply_parser.h"

#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

class MarkedParser final : public ReplyParser {
public:
    MarkedParser(const ReplyFormat& format, ReplyStart start, ReplySink sink);

    void feed(std::string_view text) override;
    void finish() override;

private:
    enum class State : std::uint8_t { Start, Content, Reasoning, Call };

    void step(bool atEnd);
    bool stepOnce(bool atEnd); ///< true: there may be more to do
    void addText(std::string_view text);
    void enter(State state);
    void endCall(std::string_view close);

    ReplyFormat m_format;
    bool m_tools = false;
    bool m_openTag = false; ///< <think> is still to be shown
    State m_state = State::Start;
    std::size_t m_section = 0;         ///< of m_format.calls, in State::Call
    std::vector<std::string> m_wanted; ///< markers that matter in this state
    std::string m_held;
};

} // namespace hearth::core
