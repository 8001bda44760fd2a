// SPDX-License-Identifier: Apache-2.0
#include "core/chat/tool_call_text.h"

#include "core/base/json_limits.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace hearth::core {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t start = text.find_first_not_of(kSpace);
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

/// An object or a list that is all of `text`.
std::optional<Json> parseValue(std::string_view text) {
    text = trimmed(text);
    return endOfJson(text) == text.size() ? parseJson(text) : std::nullopt;
}

std::optional<std::string> argumentsText(const Json& arguments) {
    if (arguments.is_object()) return writeJson(arguments);
    if (arguments.is_null()) return "{}";
    if (!arguments.is_string()) return std::nullopt;
    const auto inner = parseValue(arguments.get_ref<const std::string&>());
    return inner && inner->is_object() ? argumentsText(*inner) : std::nullopt;
}

std::string stringAt(const Json& object, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
        const auto found = object.find(key);
        if (found != object.end() && found->is_string()) return found->get<std::string>();
    }
    return {};
}

bool addObject(const Json& value, std::vector<ToolCall>& calls) {
    if (value.is_array()) return std::ranges::all_of(value, [&](const Json& one) { return one.is_object() && addObject(one, calls); });
    if (!value.is_object()) return false;
    // OpenAI's form wraps the two in "function".
    if (const auto inner = value.find("function"); inner != value.end() && inner->is_object()) return addObject(*inner, calls);
    ToolCall call{stringAt(value, {"name", "tool_name", "function"}), {}, stringAt(value, {"id", "tool_call_id"})};
    if (call.name.empty()) return false;
    Json arguments;
    for (const char* key : {"arguments", "parameters"}) {
        if (value.contains(key)) arguments = value.at(key);
    }
    auto text = argumentsText(arguments);
    if (!text) return false;
    call.arguments = std::move(*text);
    calls.push_back(std::move(call));
    return true;
}

/// Values one after another, with white space, ',' or ';' between them.
std::vector<ToolCall> parseObjects(std::string_view text) {
    std::vector<ToolCall> calls;
    for (text = trimmed(text); !text.empty();) {
        const std::size_t end = endOfJson(text);
        if (end == std::string_view::npos) return {};
        const auto value = parseValue(text.substr(0, end));
        if (!value || !addObject(*value, calls)) return {};
        const std::size_t next = text.find_first_not_of(" \t\r\n,;", end);
        text = next == std::string_view::npos ? std::string_view() : text.substr(next);
    }
    return calls;
}

/// What stands before `mark`; takes it and the mark off `text`. nullopt when there is no mark.
std::optional<std::string_view> upTo(std::string_view& text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view before = text.substr(0, at);
    text.remove_prefix(at + mark.size());
    return before;
}

std::vector<ToolCall> parseNamed(std::string_view text) {
    // DeepSeek: function<｜tool▁sep｜>name, and the arguments in a fence of code, or (V3.1) name<｜tool▁sep｜>{...}
    if (auto kind = upTo(text, "<｜tool▁sep｜>")) {
        if (trimmed(text).starts_with('{')) return namedCall(*kind, text);
        const auto name = upTo(text, "\n");
        if (!name) return {};
        text = trimmed(text);
        if (text.starts_with("```json")) text.remove_prefix(7);
        if (text.ends_with("```")) text.remove_suffix(3);
        return namedCall(*name, text);
    }
    // Kimi: functions.name:0, which is the call's id.
    if (const auto id = upTo(text, "<|tool_call_argument_begin|>")) {
        std::string_view name = trimmed(*id);
        if (name.starts_with("functions.")) name.remove_prefix(10);
        auto calls = namedCall(name.substr(0, name.rfind(':')), text);
        if (!calls.empty()) calls.front().id = trimmed(*id);
        return calls;
    }
    // Mistral: name[CALL_ID]id[ARGS]{...}; older ones write a list of objects.
    auto name = upTo(text, "[ARGS]");
    if (!name) return parseObjects(text);
    std::string_view id;
    if (const std::size_t at = name->find("[CALL_ID]"); at != std::string_view::npos) {
        id = trimmed(name->substr(at + 9));
        name = name->substr(0, at);
    }
    auto calls = namedCall(*name, text);
    if (!calls.empty()) calls.front().id = id;
    return calls;
}

/// A parameter's text as a value: JSON where it is that, else the text itself.
Json parameterValue(std::string_view text) {
    if (text.starts_with('\n')) text.remove_prefix(1);
    if (text.ends_with('\n')) text.remove_suffix(1);
    const std::string_view plain = trimmed(text);
    if (plain.starts_with('{') || plain.starts_with('[')) {
        if (auto value = parseValue(plain)) return *value;
    } else if (!plain.empty() && plain.front() != '"') {
        Json value = Json::parse(plain, nullptr, false); // a number, true, false, null
        if (!value.is_discarded()) return value;
    }
    return std::string(text);
}

/// `text`: name>{...}, or name> and parameters; with or without the tag around it. Several one after another.
std::vector<ToolCall> parseFunctions(std::string_view text) {
    constexpr std::string_view kOpen = "<function=";
    constexpr std::string_view kClose = "</function>";
    std::vector<ToolCall> calls;
    text = trimmed(text);
    if (text.starts_with('{')) return parseObjects(text);
    while (!text.empty()) {
        if (text.starts_with(kOpen)) text.remove_prefix(kOpen.size());
        const std::size_t end = text.find(kClose);
        std::string_view body = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : trimmed(text.substr(end + kClose.size()));
        const auto name = upTo(body, ">");
        if (!name) return {};
        std::vector<ToolCall> one;
        if (trimmed(body).starts_with('{')) {
            one = namedCall(*name, body);
        } else {
            Json arguments = Json::object();
            for (body = trimmed(body); !body.empty(); body = trimmed(body)) {
                constexpr std::string_view kParameter = "<parameter=";
                if (!body.starts_with(kParameter)) return {};
                body.remove_prefix(kParameter.size());
                const auto key = upTo(body, ">");
                const auto value = key ? upTo(body, "</parameter>") : std::nullopt;
                if (!value) return {};
                arguments[std::string(trimmed(*key))] = parameterValue(*value);
            }
            one = namedCall(*name, writeJson(arguments));
        }
        if (one.empty()) return {};
        calls.push_back(std::move(one.front()));
    }
    return calls;
}

/// Llama 3's tools of its own: brave_search.call(query="..."); else code.
std::vector<ToolCall> parsePython(std::string_view text) {
    text = trimmed(text);
    if (text.empty()) return {};
    if (auto calls = parseObjects(text); !calls.empty()) return calls;
    Json arguments = Json::object();
    const std::size_t call = text.find(".call(");
    const std::size_t equals = text.find("=\"");
    if (call != std::string_view::npos && equals != std::string_view::npos && equals > call && text.ends_with("\")")) {
        const std::string_view key = trimmed(text.substr(call + 6, equals - call - 6));
        arguments[std::string(key)] = std::string(text.substr(equals + 2, text.size() - equals - 4));
        return {{std::string(text.substr(0, call)), writeJson(arguments), {}}};
    }
    arguments["code"] = std::string(text);
    return {{"python", writeJson(arguments), {}}};
}

} // namespace

void ReplyParts::add(const ReplyDelta& delta) {
    switch (delta.part) {
    case ReplyPart::Reasoning: reasoning += delta.text; return;
    case ReplyPart::Content: content += delta.text; return;
    case ReplyPart::ToolCall: toolCalls.push_back(delta.call); return;
    }
}

std::vector<ToolCall> namedCall(std::string_view name, std::string_view arguments) {
    name = trimmed(name);
    const bool plain = !name.empty() && name.find_first_of(" \t\r\n{}\"<>") == std::string_view::npos;
    const auto value = trimmed(arguments).empty() ? std::optional<Json>(Json::object()) : parseValue(arguments);
    if (!plain || !value) return {};
    auto text = argumentsText(*value);
    if (!text || value->is_array()) return {};
    return {{std::string(name), std::move(*text), {}}};
}

std::vector<ToolCall> parseToolCalls(std::string_view text, CallSyntax syntax) {
    if (text.size() > kLongestCallText) return {};
    switch (syntax) {
    case CallSyntax::Json: return parseObjects(text);
    case CallSyntax::Named: return parseNamed(text);
    case CallSyntax::Function: return parseFunctions(text);
    case CallSyntax::Python: return parsePython(text);
    }
    return {};
}

std::string toolCallText(const ToolCall& call) {
    const std::string name = writeJson(call.name);
    return std::string(kToolCallOpen) + "\n{\"name\": " + name + ", \"arguments\": " + call.arguments + "}\n" + std::string(kToolCallClose);
}

} // namespace hearth::core
