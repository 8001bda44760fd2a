// SPDX-License-Identifier: Apache-2.0
#include "core/engine/prompt_json.h"

#include "core/base/json_limits.h"

#include <algorithm>

namespace hearth::core {

namespace {

using Json = nlohmann::ordered_json;

std::string_view roleName(Role role) {
    switch (role) {
    case Role::System: return "system";
    case Role::User: return "user";
    case Role::Assistant: return "assistant";
    case Role::Tool: return "tool";
    }
    return "user";
}

/// Every string of `value`, keys too. The depth is bounded by whoever parsed it.
Json guarded(const Json& value, const TextGuard& guard) {
    if (value.is_string()) return guard(value.get_ref<const std::string&>());
    if (value.is_array()) {
        Json list = Json::array();
        for (const Json& one : value) list.push_back(guarded(one, guard));
        return list;
    }
    if (!value.is_object()) return value;
    Json object = Json::object();
    for (const auto& [key, one] : value.items()) object[guard(key)] = guarded(one, guard);
    return object;
}

Json callsJson(const std::vector<ToolCall>& calls, const TextGuard& guard) {
    Json list = Json::array();
    for (const ToolCall& call : calls) {
        const auto arguments = parseJson(call.arguments);
        Json one{{"type", "function"}, {"function", {{"name", guard(call.name)}, {"arguments", arguments ? guarded(*arguments, guard) : Json(guard(call.arguments))}}}};
        if (!call.id.empty()) one["id"] = guard(call.id);
        list.push_back(std::move(one));
    }
    return list;
}

} // namespace

Json messagesJson(std::span<const ChatMessage> messages, const ReplyFormat& format, const TextGuard& guard) {
    Json list = Json::array();
    for (const ChatMessage& message : messages) {
        const bool drop = message.role == Role::Assistant && !format.templateKnowsThinkTags();
        Json one{{"role", roleName(message.role)}, {"content", guard(drop ? withoutReasoning(message.text) : std::string_view(message.text))}};
        if (!message.toolCalls.empty()) one["tool_calls"] = callsJson(message.toolCalls, guard);
        if (!message.toolName.empty()) one["name"] = guard(message.toolName);
        if (!message.toolCallId.empty()) one["tool_call_id"] = guard(message.toolCallId);
        list.push_back(std::move(one));
    }
    return list;
}

Result<Json> toolsJson(std::string_view tools, const TextGuard& guard) {
    const auto list = parseJson(tools);
    const bool objects = list && list->is_array() && std::ranges::all_of(*list, [](const Json& one) { return one.is_object(); });
    if (!objects) return fail(ErrorCode::InvalidArgument, "the tool definitions are not a JSON list of objects");
    return guarded(*list, guard);
}

} // namespace hearth::core
