// SPDX-License-Identifier: Apache-2.0
//
// What a reply is made of: what the model thought, what it says, which tools it calls. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::core {

/// A tool that the model wants to be called.
struct ToolCall {
    std::string name;
    std::string arguments; ///< a JSON object as text, keys in the model's order
    std::string id;        ///< the model's own, or the caller's in a message; empty = none

    bool operator==(const ToolCall&) const = default;
};

enum class ReplyPart : std::uint8_t { Reasoning, Content, ToolCall };

/// The next piece of a reply.
struct ReplyDelta {
    ReplyPart part = ReplyPart::Content;
    std::string text; ///< whole UTF-8; empty for a call
    ToolCall call;    ///< complete; ReplyPart::ToolCall only
};

/// A whole reply; the sum of its deltas.
struct ReplyParts {
    std::string reasoning;
    std::string content;
    std::vector<ToolCall> toolCalls;

    void add(const ReplyDelta& delta);
};

} // namespace hearth::core
