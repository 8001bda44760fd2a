// SPDX-License-Identifier: Apache-2.0
//
// Tool calls as models write them, and as every reply's text shows them.
// The text is a model's: limits on size and depth, and what is no call is not one.
// Thread: any.
#pragma once

#include "core/chat/reply.h"
#include "core/chat/reply_format.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

inline constexpr std::size_t kLongestCallText = 1u << 20; ///< bytes of a section of calls

/// The calls in the text of a section, markers of the section left out. Empty when it does not hold calls alone.
[[nodiscard]] std::vector<ToolCall> parseToolCalls(std::string_view text, CallSyntax syntax);

/// `name` with arguments that must be a JSON object (or a string that holds one); no calls when they are not.
[[nodiscard]] std::vector<ToolCall> namedCall(std::string_view name, std::string_view arguments);

/// <tool_call>\n{"name": ..., "arguments": ...}\n</tool_call>
[[nodiscard]] std::string toolCallText(const ToolCall& call);

} // namespace hearth::core
