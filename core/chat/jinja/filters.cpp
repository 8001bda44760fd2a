// SPDX-License-Identifier: Apache-2.0
//
// Filters (value | name) and tests (value is name), as Jinja2 documents them; tojson as the Hugging Face libraries set it up.
#include "core/chat/jinja/builtins.h"
#include "core/chat/jinja/text_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>

namespace hearth::core::jinja {

namespace {

bool flag(const Arguments& arguments, std::size_t place, std::string_view name, bool absent = false) {
    const Value* value = arguments.find(place, name);
    return value != nullptr ? value->truthy() : absent;
}

/// What Python's str() of undefined input gives: filters on text take it as "".
std::string inputText(const Value& input) {
    return input.str();
}

/// "a.b.0" followed from an item, as attribute= arguments mean it.
Value followPath(Interpreter& interpreter, const Value& item, const Value& path) {
    if (path.isInteger()) return interpreter.subscript(item, path);
    Value value = item;
    const std::string text = path.str();
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('.', begin), text.size());
        const std::string part = text.substr(begin, end - begin);
        const bool number = !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
        // Subscription first: a key wins over a method of the same name here.
        value = number ? interpreter.subscript(value, Value(std::int64_t{std::atoll(part.c_str())})) : interpreter.subscript(value, Value(part));
        begin = end + 1;
    }
    return value;
}

Value length(Interpreter&, const Value& input, const Arguments&) {
    if (input.isString()) return static_cast<std::int64_t>(characterCount(input.text()));
    if (const DictObject* dict = input.dict()) return static_cast<std::int64_t>(dict->entries.size());
    const SequenceObject* object = input.sequenceObject();
    if (object != nullptr && object->kind != SequenceKind::Generator) return static_cast<std::int64_t>(object->items.size());
    if (input.isUndefined()) return 0;
    raise(fmt::format("object of type '{}' has no len()", input.typeName()));
}

Value tojson(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    JsonStyle style;
    // HF: tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False)
    style.ensureAscii = flag(arguments, 0, "ensure_ascii");
    if (const Value* indent = arguments.find(1, "indent"); indent != nullptr && !indent->isNone()) {
        style.indent = static_cast<int>(std::clamp<std::int64_t>(indent->integer(), 0, 100));
        style.itemSeparator = ",";
    }
    if (const Value* separators = arguments.find(2, "separators"); separators != nullptr && !separators->isNone()) {
        const std::vector<Value> parts = iterate(*separators);
        if (parts.size() != 2) raise("separators needs two texts");
        style.itemSeparator = textOf(parts[0], "tojson");
        style.keySeparator = textOf(parts[1], "tojson");
    }
    style.sortKeys = flag(arguments, 3, "sort_keys");
    if (input.isUndefined()) raise(fmt::format("Object of type Undefined is not JSON serializable ({})", input.undefinedWhat()));
    std::string out = toJson(input, style);
    interpreter.charge(out.size());
    return out;
}

Value defaultFilter(Interpreter&, const Value& input, const Arguments& arguments) {
    const Value* fallback = arguments.find(0, "default_value");
    const bool replaces = input.isUndefined() || (flag(arguments, 1, "boolean") && !input.truthy());
    return replaces ? (fallback != nullptr ? *fallback : Value("")) : input;
}

Value join(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    const Value* separator = arguments.find(0, "d");
    const Value* attribute = arguments.find(1, "attribute");
    std::string out;
    bool first = true;
    for (const Value& item : iterate(input)) {
        if (!std::exchange(first, false) && separator != nullptr) out += separator->str();
        const std::string text = attribute != nullptr ? followPath(interpreter, item, *attribute).str() : item.str();
        interpreter.charge(text.size());
        out += text;
    }
    return out;
}

/// select and reject, with or without an attribute.
Value selection(Interpreter& interpreter, const Value& input, const Arguments& arguments, bool byAttribute, bool keeps) {
    std::size_t used = byAttribute ? 1 : 0;
    const Value* test = used < arguments.positional.size() ? &arguments.positional[used] : nullptr;
    Arguments testArguments;
    if (test != nullptr) testArguments.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(used) + 1, arguments.positional.end());
    std::vector<Value> kept;
    // What is false in Python (None too) selects nothing, as in Jinja2.
    for (const Value& item : input.truthy() ? iterate(input) : std::vector<Value>()) {
        interpreter.charge();
        const Value subject = byAttribute ? followPath(interpreter, item, required(arguments, 0, "attribute")) : item;
        const bool holds = test != nullptr ? interpreter.applyTest(textOf(*test, "select"), subject, testArguments, 0) : subject.truthy();
        if (holds == keeps) kept.push_back(item);
    }
    return Value::sequence(std::move(kept), SequenceKind::Generator);
}

Value map(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    const Value* attribute = arguments.positional.empty() ? arguments.find(0, "attribute") : nullptr;
    const Value* fallback = attribute != nullptr ? arguments.find(1, "default") : nullptr;
    Arguments filterArguments = arguments;
    if (attribute == nullptr) {
        if (arguments.positional.empty()) raise("map requires a filter argument");
        filterArguments.positional.erase(filterArguments.positional.begin());
    }
    std::vector<Value> out;
    for (const Value& item : input.truthy() ? iterate(input) : std::vector<Value>()) {
        interpreter.charge();
        if (attribute == nullptr) {
            out.push_back(interpreter.applyFilter(textOf(arguments.positional.front(), "map"), item, filterArguments, 0));
            continue;
        }
        Value value = followPath(interpreter, item, *attribute);
        out.push_back(value.isUndefined() && fallback != nullptr ? *fallback : std::move(value));
    }
    return Value::sequence(std::move(out), SequenceKind::Generator);
}

/// Text compared without regard to case, unless asked otherwise; as Jinja2's sort, dictsort, unique, min and max do.
Value sortKey(const Value& value, bool caseSensitive) {
    return value.isString() && !caseSensitive ? Value(cased(value.text(), false)) : value;
}

void stableSort(std::vector<Value>& items, bool reverse, const auto& key) {
    std::vector<std::pair<Value, Value>> keyed;
    keyed.reserve(items.size());
    for (Value& item : items) keyed.emplace_back(key(item), item);
    std::ranges::stable_sort(keyed, [reverse](const auto& a, const auto& b) { return reverse ? b.first.compare(a.first) < 0 : a.first.compare(b.first) < 0; });
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = keyed[i].second;
}

Value sort(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    std::vector<Value> items = iterate(input);
    interpreter.charge(items.size() * 1024);
    const bool caseSensitive = flag(arguments, 1, "case_sensitive");
    const Value* attribute = arguments.find(2, "attribute");
    stableSort(items, flag(arguments, 0, "reverse"), [&](const Value& item) { return sortKey(attribute != nullptr ? followPath(interpreter, item, *attribute) : item, caseSensitive); });
    return Value::sequence(std::move(items));
}

Value dictSort(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    if (input.dict() == nullptr) raise(fmt::format("'{}' object has no items", input.typeName()));
    std::vector<Value> pairs;
    for (const auto& [key, value] : input.dict()->entries) pairs.push_back(Value::sequence({key, value}, SequenceKind::Tuple));
    interpreter.charge(pairs.size() * 1024);
    const bool caseSensitive = flag(arguments, 0, "case_sensitive");
    const Value* by = arguments.find(1, "by");
    const std::size_t part = by != nullptr && by->str() == "value" ? 1 : 0;
    stableSort(pairs, flag(arguments, 2, "reverse"), [&](const Value& pair) { return sortKey(pair.sequenceObject()->items[part], caseSensitive); });
    return Value::sequence(std::move(pairs));
}

Value unique(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    const bool caseSensitive = flag(arguments, 0, "case_sensitive");
    const Value* attribute = arguments.find(1, "attribute");
    std::vector<Value> kept;
    std::vector<Value> seen;
    for (const Value& item : iterate(input)) {
        interpreter.charge(seen.size() * 8);
        const Value key = sortKey(attribute != nullptr ? followPath(interpreter, item, *attribute) : item, caseSensitive);
        if (std::ranges::any_of(seen, [&](const Value& other) { return other.equals(key); })) continue;
        seen.push_back(key);
        kept.push_back(item);
    }
    return Value::sequence(std::move(kept), SequenceKind::Generator);
}

Value extreme(const Value& input, const Arguments& arguments, int sign) {
    const bool caseSensitive = flag(arguments, 0, "case_sensitive");
    const std::vector<Value> items = iterate(input);
    if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
    const Value* best = &items.front();
    for (const Value& item : items) {
        if (sortKey(item, caseSensitive).compare(sortKey(*best, caseSensitive)) * sign > 0) best = &item;
    }
    return *best;
}

Value groupBy(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    const Value& attribute = required(arguments, 0, "attribute");
    std::vector<std::pair<Value, std::vector<Value>>> groups;
    for (const Value& item : iterate(input)) {
        interpreter.charge();
        const Value key = followPath(interpreter, item, attribute);
        const auto at = std::ranges::find_if(groups, [&](const auto& group) { return sortKey(group.first, false).equals(sortKey(key, false)); });
        if (at != groups.end()) {
            at->second.push_back(item);
        } else {
            groups.push_back({key, {item}});
        }
    }
    std::ranges::stable_sort(groups, [](const auto& a, const auto& b) { return sortKey(a.first, false).compare(sortKey(b.first, false)) < 0; });
    std::vector<Value> out;
    for (auto& [key, items] : groups) out.push_back(Value::sequence({key, Value::sequence(std::move(items))}, SequenceKind::Tuple));
    return Value::sequence(std::move(out));
}

Value indent(Interpreter&, const Value& input, const Arguments& arguments) {
    const Value* width = arguments.find(0, "width");
    std::string space = "    ";
    if (width != nullptr) space = width->isString() ? width->text() : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(width->integer(), 0, 1000)), ' ');
    const bool first = flag(arguments, 1, "first");
    const bool blank = flag(arguments, 2, "blank");
    const std::string text = inputText(input);
    std::string out = first ? space : "";
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find('\n', begin);
        const std::string_view line = std::string_view(text).substr(begin, end - begin);
        if (begin > 0 && (!line.empty() || blank)) out += space;
        out += line;
        if (end == std::string::npos) return out;
        out += '\n';
        begin = end + 1;
    }
}

Value toInteger(Interpreter&, const Value& input, const Arguments& arguments) {
    const Value* fallback = arguments.find(0, "default");
    const Value* base = arguments.find(1, "base");
    if (input.isFloat()) return std::abs(input.number()) < 9e18 ? Value(static_cast<std::int64_t>(input.number())) : Value(0);
    if (input.isNumber()) return input.integer();
    if (input.isString()) {
        const std::string text = stripped(input.text(), nullptr, true, true);
        char* end = nullptr;
        errno = 0;
        const long long number = std::strtoll(text.c_str(), &end, base != nullptr ? static_cast<int>(std::clamp<std::int64_t>(base->integer(), 0, 36)) : 10);
        if (!text.empty() && *end == '\0' && errno == 0) return static_cast<std::int64_t>(number);
        const double real = std::strtod(text.c_str(), &end);
        if (!text.empty() && *end == '\0' && std::abs(real) < 9e18) return static_cast<std::int64_t>(real);
    }
    return fallback != nullptr ? *fallback : Value(0);
}

Value toFloat(Interpreter&, const Value& input, const Arguments& arguments) {
    const Value* fallback = arguments.find(0, "default");
    if (input.isNumber()) return input.number();
    if (input.isString()) {
        const std::string text = stripped(input.text(), nullptr, true, true);
        char* end = nullptr;
        const double number = std::strtod(text.c_str(), &end);
        if (!text.empty() && *end == '\0') return number;
    }
    return fallback != nullptr ? *fallback : Value(0.0);
}

Value roundFilter(Interpreter&, const Value& input, const Arguments& arguments) {
    const Value* precision = arguments.find(0, "precision");
    const Value* method = arguments.find(1, "method");
    const double factor = std::pow(10.0, static_cast<double>(precision != nullptr ? std::clamp<std::int64_t>(precision->integer(), -300, 300) : 0));
    const double scaled = input.number() * factor;
    const std::string way = method != nullptr ? method->str() : "common";
    return (way == "ceil" ? std::ceil(scaled) : way == "floor" ? std::floor(scaled) : std::nearbyint(scaled)) / factor;
}

Value sum(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    const Value* attribute = arguments.find(0, "attribute");
    const Value* start = arguments.find(1, "start");
    std::int64_t whole = 0;
    double real = 0.0;
    bool isReal = false;
    const auto add = [&](const Value& value) {
        if (value.isFloat()) {
            isReal = true;
            real += value.number();
        } else if (__builtin_add_overflow(whole, value.integer(), &whole)) {
            throw Failure{ErrorCode::TemplateLimit, "an integer outgrew 64 bits"};
        }
    };
    if (start != nullptr) add(*start);
    for (const Value& item : iterate(input)) add(attribute != nullptr && !attribute->isNone() ? followPath(interpreter, item, *attribute) : item);
    return isReal ? Value(real + static_cast<double>(whole)) : Value(whole);
}

Value batch(Interpreter&, const Value& input, const Arguments& arguments) {
    const std::int64_t size = std::max<std::int64_t>(1, required(arguments, 0, "linecount").integer());
    const Value* fill = arguments.find(1, "fill_with");
    std::vector<Value> rows;
    std::vector<Value> row;
    for (const Value& item : iterate(input)) {
        row.push_back(item);
        if (static_cast<std::int64_t>(row.size()) == size) rows.push_back(Value::sequence(std::exchange(row, {})));
    }
    while (!row.empty() && fill != nullptr && static_cast<std::int64_t>(row.size()) < size && row.size() < 10'000) row.push_back(*fill);
    if (!row.empty()) rows.push_back(Value::sequence(std::move(row)));
    return Value::sequence(std::move(rows), SequenceKind::Generator);
}

Value escape(Interpreter&, const Value& input, const Arguments&) {
    return input.isMarkup() ? input : Value::markup(escaped(inputText(input)));
}

Value truncate(Interpreter&, const Value& input, const Arguments& arguments) {
    const Value* limit = arguments.find(0, "length");
    const Value* ending = arguments.find(2, "end");
    const Value* leeway = arguments.find(3, "leeway");
    const std::string end = ending != nullptr ? ending->str() : "...";
    const std::int64_t most = limit != nullptr ? limit->integer() : 255;
    const auto letters = characters(inputText(input));
    const auto count = static_cast<std::int64_t>(letters.size());
    if (count <= most + (leeway != nullptr ? leeway->integer() : 5)) return inputText(input);
    std::string out;
    const std::int64_t room = std::max<std::int64_t>(0, most - static_cast<std::int64_t>(characterCount(end)));
    for (std::int64_t i = 0; i < std::min(room, count); ++i) out += letters[static_cast<std::size_t>(i)];
    if (!flag(arguments, 1, "killwords") && out.rfind(' ') != std::string::npos) out.resize(out.rfind(' '));
    return out + end;
}

Value reverseFilter(Interpreter&, const Value& input, const Arguments&) {
    std::vector<Value> items = iterate(input);
    std::ranges::reverse(items);
    if (!input.isString()) return Value::sequence(std::move(items), SequenceKind::Generator);
    std::string out;
    for (const Value& letter : items) out += letter.text();
    return out;
}

Value itemsFilter(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    if (input.isUndefined()) return Value::sequence({}, SequenceKind::Generator);
    if (input.dict() == nullptr) raise("Can only get item pairs from a mapping.");
    return Value::sequence(iterate(findMethod(input, "items")(interpreter, input, arguments)), SequenceKind::Generator);
}

Value firstOrLast(const Value& input, bool last) {
    if (last && input.sequenceObject() != nullptr && input.sequenceObject()->kind == SequenceKind::Generator) raise("'generator' object is not reversible");
    const std::vector<Value> items = iterate(input);
    if (items.empty()) return Value::undefined(last ? "No last item, sequence was empty." : "No first item, sequence was empty.");
    return last ? items.back() : items.front();
}

Value absolute(Interpreter&, const Value& input, const Arguments&) {
    if (input.isFloat()) return std::abs(input.number());
    if (input.integer() == INT64_MIN) throw Failure{ErrorCode::TemplateLimit, "an integer outgrew 64 bits"};
    return std::abs(input.integer());
}

Value attrFilter(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    // |attr looks at attributes only, never at keys.
    if (input.dict() == nullptr) return interpreter.attribute(input, textOf(required(arguments, 0, "name"), "attr"));
    return Value::undefined(fmt::format("'dict object' has no attribute {}", required(arguments, 0, "name").repr()));
}

using FilterRow = std::pair<std::string_view, Filter>;

constexpr std::array kFilters{
    FilterRow{"abs", absolute},
    FilterRow{"attr", attrFilter},
    FilterRow{"batch", batch},
    FilterRow{"capitalize", [](Interpreter&, const Value& input, const Arguments&) { return Value(capitalized(inputText(input))); }},
    FilterRow{"count", length},
    FilterRow{"d", defaultFilter},
    FilterRow{"default", defaultFilter},
    FilterRow{"dictsort", dictSort},
    FilterRow{"e", escape},
    FilterRow{"escape", escape},
    FilterRow{"first", [](Interpreter&, const Value& input, const Arguments&) { return firstOrLast(input, false); }},
    FilterRow{"float", toFloat},
    FilterRow{"forceescape", escape},
    FilterRow{"format", [](Interpreter&, const Value& input, const Arguments& a) { return Value(percentFormat(inputText(input), Value::sequence(a.positional, SequenceKind::Tuple))); }},
    FilterRow{"groupby", groupBy},
    FilterRow{"indent", indent},
    FilterRow{"int", toInteger},
    FilterRow{"items", itemsFilter},
    FilterRow{"join", join},
    FilterRow{"last", [](Interpreter&, const Value& input, const Arguments&) { return firstOrLast(input, true); }},
    FilterRow{"length", length},
    FilterRow{"list", [](Interpreter&, const Value& input, const Arguments&) { return Value::sequence(iterate(input)); }},
    FilterRow{"lower", [](Interpreter&, const Value& input, const Arguments&) { return Value(cased(inputText(input), false)); }},
    FilterRow{"map", map},
    FilterRow{"max", [](Interpreter&, const Value& input, const Arguments& a) { return extreme(input, a, 1); }},
    FilterRow{"min", [](Interpreter&, const Value& input, const Arguments& a) { return extreme(input, a, -1); }},
    FilterRow{"pprint", [](Interpreter&, const Value& input, const Arguments&) { return Value(input.repr()); }},
    FilterRow{"reject", [](Interpreter& i, const Value& input, const Arguments& a) { return selection(i, input, a, false, false); }},
    FilterRow{"rejectattr", [](Interpreter& i, const Value& input, const Arguments& a) { return selection(i, input, a, true, false); }},
    FilterRow{"replace", [](Interpreter& i, const Value& input, const Arguments& a) {
                  const Value* count = a.find(2, "count");
                  return Value(replaced(i, inputText(input), required(a, 0, "old").str(), required(a, 1, "new").str(), count != nullptr && !count->isNone() ? count->integer() : -1));
              }},
    FilterRow{"reverse", reverseFilter},
    FilterRow{"round", roundFilter},
    FilterRow{"safe", [](Interpreter&, const Value& input, const Arguments&) { return Value::markup(inputText(input)); }},
    FilterRow{"select", [](Interpreter& i, const Value& input, const Arguments& a) { return selection(i, input, a, false, true); }},
    FilterRow{"selectattr", [](Interpreter& i, const Value& input, const Arguments& a) { return selection(i, input, a, true, true); }},
    FilterRow{"sort", sort},
    FilterRow{"string", [](Interpreter&, const Value& input, const Arguments&) { return input.isString() ? input : Value(inputText(input)); }},
    FilterRow{"sum", sum},
    FilterRow{"title", [](Interpreter& i, const Value& input, const Arguments& a) { return findMethod(Value(""), "title")(i, Value(inputText(input)), a); }},
    FilterRow{"tojson", tojson},
    FilterRow{"trim", [](Interpreter&, const Value& input, const Arguments& a) { return Value(stripped(inputText(input), a.find(0, "chars"), true, true)); }},
    FilterRow{"truncate", truncate},
    FilterRow{"unique", unique},
    FilterRow{"upper", [](Interpreter&, const Value& input, const Arguments&) { return Value(cased(inputText(input), true)); }},
    FilterRow{"wordcount", [](Interpreter& i, const Value& input, const Arguments&) {
                  return Value(static_cast<std::int64_t>(iterate(findMethod(Value(""), "split")(i, Value(inputText(input)), {})).size()));
              }},
};

// --- tests ----------------------------------------------------------------------------------------------------------

bool isSequence(const Value& input) {
    const SequenceObject* object = input.sequenceObject();
    return input.isString() || input.dict() != nullptr || input.isUndefined() || (object != nullptr && object->kind <= SequenceKind::Tuple);
}

bool contains(Interpreter&, const Value& input, const Arguments& arguments) {
    const Value& container = required(arguments, 0, "seq");
    if (container.isString()) return container.text().find(textOf(input, "in")) != std::string::npos;
    if (const DictObject* dict = container.dict()) return dict->find(input) != nullptr;
    return std::ranges::any_of(iterate(container), [&input](const Value& item) { return item.equals(input); });
}

bool sameObject(const Value& a, const Value& b) {
    // None, True and False are one object each; numbers and texts of equal value mostly are too.
    return a.typeName() == b.typeName() && a.equals(b);
}

template <int kLow, int kHigh>
bool ordered(Interpreter&, const Value& input, const Arguments& arguments) {
    const int order = input.compare(required(arguments, 0, "other"));
    return order >= kLow && order <= kHigh;
}

bool equal(Interpreter&, const Value& input, const Arguments& arguments) {
    return input.equals(required(arguments, 0, "other"));
}

bool notEqual(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
    return !equal(interpreter, input, arguments);
}

using TestRow = std::pair<std::string_view, Test>;

constexpr std::array kTests{
    TestRow{"boolean", [](Interpreter&, const Value& v, const Arguments&) { return v.isBool(); }},
    TestRow{"callable", [](Interpreter&, const Value& v, const Arguments&) { return v.function() != nullptr; }},
    TestRow{"defined", [](Interpreter&, const Value& v, const Arguments&) { return !v.isUndefined(); }},
    TestRow{"divisibleby", [](Interpreter&, const Value& v, const Arguments& a) {
                const std::int64_t by = required(a, 0, "num").integer();
                if (by == 0) raise("integer modulo by zero");
                return v.integer() % by == 0;
            }},
    TestRow{"eq", equal},
    TestRow{"equalto", equal},
    TestRow{"escaped", [](Interpreter&, const Value&, const Arguments&) { return false; }},
    TestRow{"even", [](Interpreter&, const Value& v, const Arguments&) { return v.integer() % 2 == 0; }},
    TestRow{"false", [](Interpreter&, const Value& v, const Arguments&) { return v.isBool() && !v.truthy(); }},
    TestRow{"filter", [](Interpreter&, const Value& v, const Arguments&) { return v.isString() && findFilter(v.text()) != nullptr; }},
    TestRow{"float", [](Interpreter&, const Value& v, const Arguments&) { return v.isFloat(); }},
    TestRow{"ge", ordered<0, 1>},
    TestRow{"greaterthan", ordered<1, 1>},
    TestRow{"gt", ordered<1, 1>},
    TestRow{"in", contains},
    TestRow{"integer", [](Interpreter&, const Value& v, const Arguments&) { return v.isInteger(); }},
    TestRow{"iterable", [](Interpreter&, const Value& v, const Arguments&) { return isIterable(v); }},
    TestRow{"le", ordered<-1, 0>},
    TestRow{"lessthan", ordered<-1, -1>},
    TestRow{"lower", [](Interpreter&, const Value& v, const Arguments&) { return cased(v.str(), false) == v.str() && cased(v.str(), true) != v.str(); }},
    TestRow{"lt", ordered<-1, -1>},
    TestRow{"mapping", [](Interpreter&, const Value& v, const Arguments&) { return v.dict() != nullptr; }},
    TestRow{"ne", notEqual},
    TestRow{"none", [](Interpreter&, const Value& v, const Arguments&) { return v.isNone(); }},
    TestRow{"number", [](Interpreter&, const Value& v, const Arguments&) { return v.isNumber(); }},
    TestRow{"odd", [](Interpreter&, const Value& v, const Arguments&) { return v.integer() % 2 != 0; }},
    TestRow{"sameas", [](Interpreter&, const Value& v, const Arguments& a) { return sameObject(v, required(a, 0, "other")); }},
    TestRow{"sequence", [](Interpreter&, const Value& v, const Arguments&) { return isSequence(v); }},
    TestRow{"string", [](Interpreter&, const Value& v, const Arguments&) { return v.isString(); }},
    TestRow{"test", [](Interpreter&, const Value& v, const Arguments&) { return v.isString() && findTest(v.text()) != nullptr; }},
    TestRow{"true", [](Interpreter&, const Value& v, const Arguments&) { return v.isBool() && v.truthy(); }},
    TestRow{"undefined", [](Interpreter&, const Value& v, const Arguments&) { return v.isUndefined(); }},
    TestRow{"upper", [](Interpreter&, const Value& v, const Arguments&) { return cased(v.str(), true) == v.str() && cased(v.str(), false) != v.str(); }},
    TestRow{"==", equal},
    TestRow{"!=", notEqual},
    TestRow{"<", ordered<-1, -1>},
    TestRow{"<=", ordered<-1, 0>},
    TestRow{">", ordered<1, 1>},
    TestRow{">=", ordered<0, 1>},
};

} // namespace

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&#34;"; break;
        case '\'': out += "&#39;"; break;
        default: out += c;
        }
    }
    return out;
}

Filter findFilter(std::string_view name) {
    const auto at = std::ranges::find(kFilters, name, &FilterRow::first);
    return at == kFilters.end() ? nullptr : at->second;
}

Test findTest(std::string_view name) {
    const auto at = std::ranges::find(kTests, name, &TestRow::first);
    return at == kTests.end() ? nullptr : at->second;
}

} // namespace hearth::core::jinja
