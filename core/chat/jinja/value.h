// SPDX-License-Identifier: Apache-2.0
//
// Value: what a template computes with; the Python types that Jinja2 templates meet. Immutable but for namespaces, so
// sharing is safe. Containers know their depth and refuse to nest without end: a hostile template could otherwise
// overflow the stack when they are printed or freed.
// Thread: one render.
#pragma once

#include "core/base/error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace hearth::core::jinja {

/// Thrown inside the interpreter, turned into an Error where it is left (ChatTemplate).
struct Failure {
    ErrorCode code = ErrorCode::TemplateRuntime;
    std::string message;
};

[[noreturn]] void raise(std::string message);

class Value;
class Interpreter;

struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;

    /// Argument by place or name; nullptr when not given.
    [[nodiscard]] const Value* find(std::size_t place, std::string_view name) const;
};

using Function = std::function<Value(Interpreter&, const Arguments&)>;

enum class SequenceKind : std::uint8_t { List, Tuple, Generator, View }; ///< View: dict.items() and the like

struct SequenceObject {
    std::vector<Value> items;
    SequenceKind kind = SequenceKind::List;
    int depth = 1;
};

struct DictObject {
    std::vector<std::pair<Value, Value>> entries; ///< in order of insertion
    std::unordered_map<std::string, std::size_t> byText;
    int depth = 1;

    void set(Value key, Value value);
    [[nodiscard]] const Value* find(const Value& key) const;
    [[nodiscard]] const Value* find(std::string_view key) const;
};

/// namespace(...): the one thing that {% set ns.x = ... %} may change.
struct NamespaceObject {
    std::vector<std::pair<std::string, Value>> attributes;

    [[nodiscard]] Value* find(std::string_view name);
};

struct FunctionObject {
    std::string name;
    Function call;
    /// Attributes that a template may read of it (a macro's name and arguments, a loop's index ...).
    std::function<const Value*(std::string_view)> attribute;
};

/// `markup`: the result of |safe or |escape. Adding plain text to it escapes that text, as Python's Markup does even
/// where automatic escaping is off; templates exist that (perhaps without meaning to) rely on it.
struct TextObject {
    std::string text;
    bool markup = false;
};

struct Undefined {
    std::string what; ///< for the error: "'x' is undefined"
};
struct None {};

class Value {
public:
    Value() : m_data(None{}) {}
    Value(bool value) : m_data(value) {}
    Value(int value) : m_data(static_cast<std::int64_t>(value)) {}
    Value(std::int64_t value) : m_data(value) {}
    Value(double value) : m_data(value) {}
    Value(const char* text) : Value(std::string(text)) {}
    Value(std::string text) : m_data(std::make_shared<const TextObject>(TextObject{std::move(text)})) {}
    Value(std::shared_ptr<const SequenceObject> sequence) : m_data(std::move(sequence)) {}
    Value(std::shared_ptr<const DictObject> dict) : m_data(std::move(dict)) {}
    Value(std::shared_ptr<NamespaceObject> space) : m_data(std::move(space)) {}
    Value(std::shared_ptr<const FunctionObject> function) : m_data(std::move(function)) {}

    [[nodiscard]] static Value undefined(std::string what);
    [[nodiscard]] static Value markup(std::string text);
    [[nodiscard]] static Value sequence(std::vector<Value> items, SequenceKind kind = SequenceKind::List);
    [[nodiscard]] static Value fromJson(const nlohmann::ordered_json& json);

    [[nodiscard]] bool isUndefined() const { return std::holds_alternative<Undefined>(m_data); }
    [[nodiscard]] bool isNone() const { return std::holds_alternative<None>(m_data); }
    [[nodiscard]] bool isBool() const { return std::holds_alternative<bool>(m_data); }
    [[nodiscard]] bool isInteger() const { return std::holds_alternative<std::int64_t>(m_data); } ///< not bool
    [[nodiscard]] bool isFloat() const { return std::holds_alternative<double>(m_data); }
    [[nodiscard]] bool isNumber() const { return isInteger() || isFloat() || isBool(); }
    [[nodiscard]] bool isString() const { return std::holds_alternative<std::shared_ptr<const TextObject>>(m_data); }

    [[nodiscard]] const std::string& text() const { return (*std::get_if<std::shared_ptr<const TextObject>>(&m_data))->text; } ///< isString()
    [[nodiscard]] bool isMarkup() const { return isString() && (*std::get_if<std::shared_ptr<const TextObject>>(&m_data))->markup; }
    [[nodiscard]] const SequenceObject* sequenceObject() const;
    [[nodiscard]] const DictObject* dict() const;
    [[nodiscard]] NamespaceObject* space() const;
    [[nodiscard]] const FunctionObject* function() const;
    [[nodiscard]] const std::string& undefinedWhat() const { return std::get<Undefined>(m_data).what; }

    [[nodiscard]] std::int64_t integer() const; ///< bool and integer; else raises
    [[nodiscard]] double number() const;        ///< isNumber(); else raises
    [[nodiscard]] bool truthy() const;
    [[nodiscard]] int depth() const;
    [[nodiscard]] std::string_view typeName() const; ///< as Python calls it: "str", "list" ...

    [[nodiscard]] bool equals(const Value& other) const;
    /// -1, 0, 1; raises for types that Python does not order.
    [[nodiscard]] int compare(const Value& other) const;

    [[nodiscard]] std::string str() const;  ///< Python's str(): what {{ }} prints
    [[nodiscard]] std::string repr() const; ///< Python's repr()

private:
    std::variant<None, Undefined, bool, std::int64_t, double, std::shared_ptr<const TextObject>, std::shared_ptr<const SequenceObject>,
                 std::shared_ptr<const DictObject>, std::shared_ptr<NamespaceObject>, std::shared_ptr<const FunctionObject>>
        m_data;
};

/// Elements as a for loop sees them: items of a sequence, keys of a dict, characters of a string, nothing of undefined.
[[nodiscard]] std::vector<Value> iterate(const Value& value);
[[nodiscard]] bool isIterable(const Value& value);

/// Code points of a UTF-8 text, each as its own text.
[[nodiscard]] std::vector<std::string> characters(std::string_view text);
[[nodiscard]] std::size_t characterCount(std::string_view text);

} // namespace hearth::core::jinja
