// SPDX-License-Identifier: Apache-2.0
//
// ReplyFormat: how a family of models marks its reasoning and its tool calls in what it writes. Recognised by what the chat
// template contains, because a family's format is written there. Sources: the model makers' documentation of their formats and
// the templates themselves.
// Thread: any (plain values).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

/// The tags that stand in every reply's text, whatever the model's own are (generation.h).
inline constexpr std::string_view kThinkOpen = "<think>";
inline constexpr std::string_view kThinkClose = "</think>";
inline constexpr std::string_view kToolCallOpen = "<tool_call>";
inline constexpr std::string_view kToolCallClose = "</tool_call>";

/// Who separates the messages of a reply.
enum class ReplyFrame : std::uint8_t {
    Marked,     ///< nobody: content, with marked sections of reasoning and calls
    Harmony,    ///< gpt-oss: messages with a header that names channel and recipient
    Recipients, ///< functionary v3.2: ">>>all\n" or ">>>tool\n" before each
};

/// What stands in a section of calls.
enum class CallSyntax : std::uint8_t {
    Json,     ///< {"name": ..., "arguments" or "parameters": {...}}, one, several or a list of them
    Named,    ///< name[ARGS]{...}, or functions.name:0<|tool_call_argument_begin|>{...}, or function<｜tool▁sep｜>name and JSON
    Function, ///< name>{...} or name> with <parameter=key>value</parameter>
    Python,   ///< Llama 3's: JSON, tool.call(key="value"), or code for the tool "python"
};

/// A section of calls. `close` empty: up to the end of the reply, or the next `open`.
struct CallSection {
    std::string open;
    std::string close;
    CallSyntax syntax = CallSyntax::Json;
};

struct ReplyFormat {
    ReplyFrame frame = ReplyFrame::Marked;
    std::string reasoningOpen{kThinkOpen};
    std::string reasoningClose{kThinkClose};
    std::vector<CallSection> calls;
    bool bareJsonCalls = false; ///< Llama 3: where tools were given, a reply that begins with '{' is a call
    /// Control tokens that the reader must see as text; all others stay silent.
    std::vector<std::string> markers;

    /// Past replies keep their reasoning in the text: the template drops it itself when the tags are its own.
    [[nodiscard]] bool templateKnowsThinkTags() const { return frame == ReplyFrame::Marked && reasoningOpen == kThinkOpen; }
};

/// `templateSource`: of the chat template in use; empty = none is known.
[[nodiscard]] ReplyFormat detectReplyFormat(std::string_view templateSource);

/// `text` without its leading <think> ... </think> section and the white space around it; all of it when the section is open.
[[nodiscard]] std::string_view withoutReasoning(std::string_view text);

} // namespace hearth::core
