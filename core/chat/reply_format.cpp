// SPDX-License-Identifier: Apache-2.0
#include "core/chat/reply_format.h"

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

struct ReasoningRow {
    std::string_view sign; ///< the template contains it
    std::string_view open;
    std::string_view close;
};

constexpr std::array kReasoning{
    ReasoningRow{"<|START_THINKING|>", "<|START_THINKING|>", "<|END_THINKING|>"}, // Command R7B, Command A
    ReasoningRow{"<|channel>thought", "<|channel>thought\n", "<channel|>"},       // Gemma 4
    ReasoningRow{"<seed:think>", "<seed:think>", "</seed:think>"},
    ReasoningRow{"[THINK]", "[THINK]", "[/THINK]"},                               // Magistral
};

struct CallRow {
    std::string_view sign;
    std::string_view also; ///< the template contains this too; empty = no matter
    std::string_view open;
    std::string_view close;
    CallSyntax syntax;
};

// The first row that fits counts: specific signs come before those that other formats mention.
constexpr std::array kCalls{
    CallRow{"[TOOL_CALLS]", "[ARGS]", "[TOOL_CALLS]", "", CallSyntax::Named},
    CallRow{"[TOOL_CALLS]", "", "[TOOL_CALLS]", "", CallSyntax::Json},
    CallRow{"<｜tool▁call▁begin｜>", "", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", CallSyntax::Named},
    CallRow{"<|tool_call_begin|>", "", "<|tool_call_begin|>", "<|tool_call_end|>", CallSyntax::Named},
    CallRow{"<|START_ACTION|>", "", "<|START_ACTION|>", "<|END_ACTION|>", CallSyntax::Json},
    CallRow{"<tool_calls>", "", "<tool_calls>", "</tool_calls>", CallSyntax::Json},
    CallRow{"<tool_call>", "<parameter=", "<tool_call>", "</tool_call>", CallSyntax::Function},
    CallRow{"<tool_call>", "", "<tool_call>", "</tool_call>", CallSyntax::Json},
    CallRow{"<function=", "", "<function=", "</function>", CallSyntax::Function},
};

/// Control tokens inside the sections.
constexpr std::array<std::string_view, 13> kInner{
    "[ARGS]", "[CALL_ID]", "<|tool_call_argument_begin|>", "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>",
    "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁sep｜>", "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>",
};

} // namespace

ReplyFormat detectReplyFormat(std::string_view templateSource) {
    const auto has = [templateSource](std::string_view part) { return templateSource.find(part) != std::string_view::npos; };
    ReplyFormat format;
    if (has("<|channel|>") && has("<|message|>")) {
        format.frame = ReplyFrame::Harmony;
    } else if (has(">>>") && has("recipient")) {
        format.frame = ReplyFrame::Recipients;
    }
    if (const auto row = std::ranges::find_if(kReasoning, [&](const ReasoningRow& one) { return has(one.sign); }); row != kReasoning.end()) {
        format.reasoningOpen = row->open;
        format.reasoningClose = row->close;
    }
    if (format.frame == ReplyFrame::Marked) {
        const auto row = std::ranges::find_if(kCalls, [&](const CallRow& one) { return has(one.sign) && (one.also.empty() || has(one.also)); });
        if (row != kCalls.end()) format.calls.push_back({std::string(row->open), std::string(row->close), row->syntax});
        // Llama 3.1 and later, and functionary v3.1 beside its own.
        if (has("<|python_tag|>")) format.calls.push_back({"<|python_tag|>", "", CallSyntax::Python});
        format.bareJsonCalls = has("<|start_header_id|>") && has("\"parameters\"") && row == kCalls.end();
    }
    format.markers = {format.reasoningOpen, format.reasoningClose};
    for (const CallSection& section : format.calls) {
        format.markers.push_back(section.open);
        if (!section.close.empty()) format.markers.push_back(section.close);
    }
    for (const std::string_view inner : kInner) {
        const bool frame = inner == "<|end|>" || inner == "<|start|>"; // of Harmony; an end of a turn elsewhere
        if (has(inner) && (!frame || format.frame == ReplyFrame::Harmony)) format.markers.emplace_back(inner);
    }
    if (format.frame == ReplyFrame::Harmony) format.markers.emplace_back("<|constrain|>");
    return format;
}

std::string_view withoutReasoning(std::string_view text) {
    const std::size_t start = text.find_first_not_of(kSpace);
    if (start == std::string_view::npos || !text.substr(start).starts_with(kThinkOpen)) return text;
    const std::size_t close = text.find(kThinkClose, start);
    if (close == std::string_view::npos) return {};
    const std::size_t rest = text.find_first_not_of(kSpace, close + kThinkClose.size());
    return rest == std::string_view::npos ? std::string_view() : text.substr(rest);
}

} // namespace hearth::core
