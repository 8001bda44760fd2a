// SPDX-License-Identifier: Apache-2.0
//
// What templates find ready-made: global functions, filters, tests, and the methods of strings, lists and dicts.
// Explicit tables; nullptr for an unknown name.
#pragma once

#include "core/chat/jinja/interpreter.h"

#include <string_view>
#include <unordered_map>

namespace hearth::core::jinja {

using Filter = Value (*)(Interpreter&, const Value& input, const Arguments& arguments);
using Test = bool (*)(Interpreter&, const Value& input, const Arguments& arguments);
using Method = Value (*)(Interpreter&, const Value& self, const Arguments& arguments);

[[nodiscard]] Filter findFilter(std::string_view name);
[[nodiscard]] Test findTest(std::string_view name);
[[nodiscard]] Method findMethod(const Value& self, std::string_view name);
[[nodiscard]] std::unordered_map<std::string, Value> globals();

/// A function value without attributes.
[[nodiscard]] Value makeFunction(std::string name, Function call);

// --- arguments of built-ins ---------------------------------------------------------------------------------------
/// Raises "NAME needs an argument 'WHAT'" when it is missing.
[[nodiscard]] const Value& required(const Arguments& arguments, std::size_t place, std::string_view what);
/// The text; raises for other types.
[[nodiscard]] const std::string& textOf(const Value& value, std::string_view who);

// --- text operations that filters and methods share ---------------------------------------------------------------
[[nodiscard]] std::string stripped(std::string_view text, const Value* letters, bool left, bool right);
[[nodiscard]] std::string replaced(Interpreter& interpreter, std::string_view text, std::string_view from, std::string_view to, std::int64_t count);
[[nodiscard]] std::string cased(std::string_view text, bool upper);
[[nodiscard]] std::string capitalized(std::string_view text);
[[nodiscard]] std::string escaped(std::string_view text); ///< & < > " ' as HTML entities

} // namespace hearth::core::jinja
