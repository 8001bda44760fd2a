// SPDX-License-Identifier: Apache-2.0
//
// The variables of a chat template as JSON: messages and tool definitions, as the Hugging Face libraries name their parts.
// Thread: engine only.
#pragma once

#include "core/base/error.h"
#include "core/chat/reply_format.h"
#include "core/engine/generation.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace hearth::core {

/// Makes text of others safe inside a prompt (ChatPrompt).
using TextGuard = std::function<std::string(std::string_view)>;

/// [{"role", "content", "tool_calls", "tool_call_id", "name"}, ...]. Reasoning of past replies goes where the template would take
/// its tags for an answer.
[[nodiscard]] nlohmann::ordered_json messagesJson(std::span<const ChatMessage> messages, const ReplyFormat& format, const TextGuard& guard);

/// A list of objects with everything in it guarded. InvalidArgument when `tools` is not that, or is nested too deeply.
[[nodiscard]] Result<nlohmann::ordered_json> toolsJson(std::string_view tools, const TextGuard& guard);

} // namespace hearth::core
