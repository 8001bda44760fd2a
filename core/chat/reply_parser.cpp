// SPDX-License-Identifier: Apache-2.0
#include "core/chat/reply_parser.h"

#include "core/chat/framed_parser.h"
#include "core/chat/marked_parser.h"
#include "core/chat/tool_call_text.h"

namespace hearth::core {

std::unique_ptr<ReplyParser> ReplyParser::create(const ReplyFormat& format, ReplyStart start, ReplySink sink) {
    switch (format.frame) {
    case ReplyFrame::Harmony: return std::make_unique<HarmonyParser>(start, std::move(sink));
    case ReplyFrame::Recipients: return std::make_unique<RecipientParser>(start, std::move(sink));
    case ReplyFrame::Marked: break;
    }
    return std::make_unique<MarkedParser>(format, start, std::move(sink));
}

void ReplyParser::show(std::string_view text) {
    if (!text.empty() && m_sink.text) m_sink.text(text);
}

void ReplyParser::addTrimmed(ReplyPart part, std::string& space, bool& begun, std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t last = text.find_last_not_of(kSpace);
    if (last == std::string_view::npos) {
        if (begun) space += text;
        return;
    }
    const std::size_t first = begun ? 0 : text.find_first_not_of(kSpace);
    std::string piece = std::move(space);
    piece += text.substr(first, last + 1 - first);
    space = text.substr(last + 1);
    begun = true;
    if (m_sink.part) m_sink.part({part, std::move(piece), {}});
}

void ReplyParser::addContent(std::string_view text) {
    addTrimmed(ReplyPart::Content, m_contentSpace, m_contentBegun, text);
}

void ReplyParser::addReasoning(std::string_view text) {
    addTrimmed(ReplyPart::Reasoning, m_reasoningSpace, m_reasoningBegun, text);
}

void ReplyParser::endContent() {
    m_contentSpace.clear();
}

void ReplyParser::addCalls(const std::vector<ToolCall>& calls) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (i > 0) show("\n");
        show(toolCallText(calls[i]));
        if (m_sink.part) m_sink.part({ReplyPart::ToolCall, {}, calls[i]});
    }
}

} // namespace hearth::core
