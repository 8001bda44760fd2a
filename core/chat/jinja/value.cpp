// SPDX-License-Identifier: Apache-2.0
#include "core/chat/jinja/value.h"

#include "core/base/utf8.h"
#include "core/chat/jinja/text_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hearth::core::jinja {

namespace {

constexpr int kDeepest = 200;

int checkedDepth(int inner) {
    if (inner + 1 > kDeepest) throw Failure{ErrorCode::TemplateLimit, fmt::format("values nested more than {} deep", kDeepest)};
    return inner + 1;
}

} // namespace

void raise(std::string message) {
    throw Failure{ErrorCode::TemplateRuntime, std::move(message)};
}

const Value* Arguments::find(std::size_t place, std::string_view name) const {
    if (place < positional.size()) return &positional[place];
    for (const auto& [key, value] : named) {
        if (key == name) return &value;
    }
    return nullptr;
}

void DictObject::set(Value key, Value value) {
    depth = std::max(depth, checkedDepth(std::max(key.depth(), value.depth())));
    if (key.isString()) {
        const auto [at, fresh] = byText.try_emplace(key.text(), entries.size());
        if (!fresh) {
            entries[at->second].second = std::move(value);
            return;
        }
    } else {
        if (key.sequenceObject() != nullptr && key.sequenceObject()->kind == SequenceKind::List) raise("unhashable type: 'list'");
        if (key.dict() != nullptr) raise("unhashable type: 'dict'");
        const auto same = std::ranges::find_if(entries, [&](const auto& entry) { return entry.first.equals(key); });
        if (same != entries.end()) {
            same->second = std::move(value);
            return;
        }
    }
    entries.emplace_back(std::move(key), std::move(value));
}

const Value* DictObject::find(std::string_view key) const {
    const auto at = byText.find(std::string(key));
    return at == byText.end() ? nullptr : &entries[at->second].second;
}

const Value* DictObject::find(const Value& key) const {
    if (key.isString()) return find(std::string_view(key.text()));
    for (const auto& [candidate, value] : entries) {
        if (candidate.equals(key)) return &value;
    }
    return nullptr;
}

Value* NamespaceObject::find(std::string_view name) {
    for (auto& [key, value] : attributes) {
        if (key == name) return &value;
    }
    return nullptr;
}

Value Value::undefined(std::string what) {
    Value value;
    value.m_data = Undefined{std::move(what)};
    return value;
}

Value Value::markup(std::string text) {
    Value value;
    value.m_data = std::make_shared<const TextObject>(TextObject{std::move(text), true});
    return value;
}

Value Value::sequence(std::vector<Value> items, SequenceKind kind) {
    auto object = std::make_shared<SequenceObject>();
    for (const Value& item : items) object->depth = std::max(object->depth, checkedDepth(item.depth()));
    object->items = std::move(items);
    object->kind = kind;
    return Value(std::shared_ptr<const SequenceObject>(std::move(object)));
}

Value Value::fromJson(const nlohmann::ordered_json& json) {
    using Kind = nlohmann::ordered_json::value_t;
    switch (json.type()) {
    case Kind::boolean: return json.get<bool>();
    case Kind::number_integer: return json.get<std::int64_t>();
    case Kind::number_unsigned: {
        const auto number = json.get<std::uint64_t>();
        if (number > static_cast<std::uint64_t>(INT64_MAX)) return static_cast<double>(number);
        return static_cast<std::int64_t>(number);
    }
    case Kind::number_float: return json.get<double>();
    case Kind::string: return json.get<std::string>();
    case Kind::array: {
        std::vector<Value> items;
        items.reserve(json.size());
        for (const auto& item : json) items.push_back(fromJson(item));
        return sequence(std::move(items));
    }
    case Kind::object: {
        auto dict = std::make_shared<DictObject>();
        for (const auto& [key, value] : json.items()) dict->set(key, fromJson(value));
        return Value(std::shared_ptr<const DictObject>(std::move(dict)));
    }
    default: return {};
    }
}

const SequenceObject* Value::sequenceObject() const {
    const auto* pointer = std::get_if<std::shared_ptr<const SequenceObject>>(&m_data);
    return pointer != nullptr ? pointer->get() : nullptr;
}

const DictObject* Value::dict() const {
    const auto* pointer = std::get_if<std::shared_ptr<const DictObject>>(&m_data);
    return pointer != nullptr ? pointer->get() : nullptr;
}

NamespaceObject* Value::space() const {
    const auto* pointer = std::get_if<std::shared_ptr<NamespaceObject>>(&m_data);
    return pointer != nullptr ? pointer->get() : nullptr;
}

const FunctionObject* Value::function() const {
    const auto* pointer = std::get_if<std::shared_ptr<const FunctionObject>>(&m_data);
    return pointer != nullptr ? pointer->get() : nullptr;
}

std::int64_t Value::integer() const {
    if (const auto* flag = std::get_if<bool>(&m_data)) return *flag ? 1 : 0;
    if (const auto* number = std::get_if<std::int64_t>(&m_data)) return *number;
    raise(fmt::format("an integer is needed, not '{}'", typeName()));
}

double Value::number() const {
    if (const auto* number = std::get_if<double>(&m_data)) return *number;
    if (isNumber()) return static_cast<double>(integer());
    raise(fmt::format("a number is needed, not '{}'", typeName()));
}

bool Value::truthy() const {
    if (isUndefined() || isNone()) return false;
    if (isFloat()) return number() != 0.0;
    if (isNumber()) return integer() != 0;
    if (isString()) return !text().empty();
    if (const SequenceObject* object = sequenceObject()) return object->kind == SequenceKind::Generator || !object->items.empty();
    if (const DictObject* object = dict()) return !object->entries.empty();
    return true;
}

int Value::depth() const {
    if (const SequenceObject* object = sequenceObject()) return object->depth;
    if (const DictObject* object = dict()) return object->depth;
    return 0;
}

std::string_view Value::typeName() const {
    if (isUndefined()) return "Undefined";
    if (isNone()) return "NoneType";
    if (isBool()) return "bool";
    if (isInteger()) return "int";
    if (isFloat()) return "float";
    if (isString()) return "str";
    if (dict() != nullptr) return "dict";
    if (space() != nullptr) return "Namespace";
    if (function() != nullptr) return "function";
    switch (sequenceObject()->kind) {
    case SequenceKind::List: return "list";
    case SequenceKind::Tuple: return "tuple";
    case SequenceKind::Generator: return "generator";
    case SequenceKind::View: return "dict_items";
    }
    return "object";
}

bool Value::equals(const Value& other) const {
    if (isNumber() && other.isNumber()) {
        if (isFloat() || other.isFloat()) return number() == other.number();
        return integer() == other.integer();
    }
    if (isString() && other.isString()) return text() == other.text();
    if (isNone() || other.isNone()) return isNone() && other.isNone();
    if (isUndefined() || other.isUndefined()) return isUndefined() && other.isUndefined();
    if (const SequenceObject *a = sequenceObject(), *b = other.sequenceObject(); a != nullptr && b != nullptr) {
        if (a->kind != b->kind) return false;
        return std::ranges::equal(a->items, b->items, [](const Value& x, const Value& y) { return x.equals(y); });
    }
    if (const DictObject *a = dict(), *b = other.dict(); a != nullptr && b != nullptr) {
        if (a->entries.size() != b->entries.size()) return false;
        return std::ranges::all_of(a->entries, [b](const auto& entry) {
            const Value* value = b->find(entry.first);
            return value != nullptr && value->equals(entry.second);
        });
    }
    if (space() != nullptr) return space() == other.space();
    if (function() != nullptr) return function() == other.function();
    return false;
}

int Value::compare(const Value& other) const {
    const auto sign = [](const auto& a, const auto& b) { return a < b ? -1 : (b < a ? 1 : 0); };
    if (isNumber() && other.isNumber()) {
        if (isFloat() || other.isFloat()) return sign(number(), other.number());
        return sign(integer(), other.integer());
    }
    // The order of UTF-8 bytes is the order of code points.
    if (isString() && other.isString()) return sign(text(), other.text());
    if (const SequenceObject *a = sequenceObject(), *b = other.sequenceObject(); a != nullptr && b != nullptr && a->kind == b->kind) {
        for (std::size_t i = 0; i < std::min(a->items.size(), b->items.size()); ++i) {
            if (!a->items[i].equals(b->items[i])) return a->items[i].compare(b->items[i]);
        }
        return sign(a->items.size(), b->items.size());
    }
    if (isUndefined()) raise(undefinedWhat());
    if (other.isUndefined()) raise(other.undefinedWhat());
    raise(fmt::format("'<' not supported between instances of '{}' and '{}'", typeName(), other.typeName()));
}

std::string Value::str() const {
    if (isString()) return text();
    if (isUndefined()) return {};
    return repr();
}

std::string Value::repr() const {
    if (isNone()) return "None";
    if (isUndefined()) return "Undefined";
    if (isBool()) return integer() != 0 ? "True" : "False";
    if (isInteger()) return fmt::format("{}", integer());
    if (isFloat()) return formatFloat(number());
    if (isString()) return quotedText(text());
    if (const SequenceObject* object = sequenceObject()) {
        if (object->kind == SequenceKind::Generator) return "<generator object>";
        std::string out = object->kind == SequenceKind::View ? "dict_items([" : (object->kind == SequenceKind::Tuple ? "(" : "[");
        for (std::size_t i = 0; i < object->items.size(); ++i) {
            if (i > 0) out += ", ";
            out += object->items[i].repr();
        }
        if (object->kind == SequenceKind::Tuple && object->items.size() == 1) out += ",";
        return out + (object->kind == SequenceKind::View ? "])" : (object->kind == SequenceKind::Tuple ? ")" : "]"));
    }
    if (const DictObject* object = dict()) {
        std::string out = "{";
        for (const auto& [key, value] : object->entries) {
            if (out.size() > 1) out += ", ";
            out += key.repr() + ": " + value.repr();
        }
        return out + "}";
    }
    if (function() != nullptr) return fmt::format("<function {}>", function()->name);
    return "<Namespace>";
}

std::vector<Value> iterate(const Value& value) {
    if (const SequenceObject* object = value.sequenceObject()) return object->items;
    if (const DictObject* object = value.dict()) {
        std::vector<Value> keys;
        for (const auto& entry : object->entries) keys.push_back(entry.first);
        return keys;
    }
    if (value.isString()) {
        std::vector<Value> letters;
        for (std::string& letter : characters(value.text())) letters.emplace_back(std::move(letter));
        return letters;
    }
    if (value.isUndefined()) return {};
    raise(fmt::format("'{}' object is not iterable", value.typeName()));
}

bool isIterable(const Value& value) {
    return value.sequenceObject() != nullptr || value.dict() != nullptr || value.isString() || value.isUndefined();
}

std::vector<std::string> characters(std::string_view text) {
    std::vector<std::string> letters;
    letters.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8::decodeAt(text, at).length;
        letters.emplace_back(text.substr(at, length));
        at += length;
    }
    return letters;
}

std::size_t characterCount(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += utf8::decodeAt(text, at).length) ++count;
    return count;
}

} // namespace hearth::core::jinja
