// SPDX-License-Identifier: Apache-2.0
//
// Methods of strings, lists and dicts, and the global functions. What would change a value is refused, as Jinja2's
// immutable sandbox refuses it.
#include "core/chat/jinja/builtins.h"
#include "core/chat/jinja/text_format.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace hearth::core::jinja {

namespace {

constexpr std::int64_t kLongestRange = 100'000; // Jinja2's sandbox has the same limit

bool isSpaceCharacter(std::string_view letter) {
    if (letter.size() == 1) return std::string_view(" \t\n\r\f\v\x1c\x1d\x1e\x1f").find(letter.front()) != std::string_view::npos;
    utf8proc_int32_t code = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(letter.data()), static_cast<utf8proc_ssize_t>(letter.size()), &code);
    const auto category = utf8proc_category(code);
    return code == 0x85 || category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

std::string mapped(std::string_view text, utf8proc_int32_t (*change)(utf8proc_int32_t)) {
    std::string out;
    for (const std::string& letter : characters(text)) {
        utf8proc_int32_t code = 0;
        if (utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(letter.data()), static_cast<utf8proc_ssize_t>(letter.size()), &code) <= 0) {
            out += letter;
            continue;
        }
        utf8proc_uint8_t buffer[4];
        const utf8proc_ssize_t length = utf8proc_encode_char(change(code), buffer);
        out.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(length));
    }
    return out;
}

bool allCharacters(std::string_view text, const auto& accepts) {
    const auto letters = characters(text);
    return !letters.empty() && std::ranges::all_of(letters, accepts);
}

utf8proc_category_t categoryOf(const std::string& letter) {
    utf8proc_int32_t code = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(letter.data()), static_cast<utf8proc_ssize_t>(letter.size()), &code);
    return utf8proc_category(code);
}

bool isAlphabetic(const std::string& letter) {
    const auto category = categoryOf(letter);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool isNumeric(const std::string& letter) {
    return categoryOf(letter) == UTF8PROC_CATEGORY_ND;
}

// --- methods of str -------------------------------------------------------------------------------------------------

Value split(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
    const Value* separator = arguments.find(0, "sep");
    const Value* limit = arguments.find(1, "maxsplit");
    const std::int64_t most = limit != nullptr ? limit->integer() : -1;
    const std::string& text = self.text();
    std::vector<Value> parts;
    if (separator == nullptr || separator->isNone()) {
        std::string part;
        const auto letters = characters(text);
        for (std::size_t i = 0; i < letters.size(); ++i) {
            const bool space = isSpaceCharacter(letters[i]);
            if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most && !space && part.empty()) {
                for (; i < letters.size(); ++i) part += letters[i];
                parts.emplace_back(stripped(part, nullptr, false, true));
                return Value::sequence(std::move(parts));
            }
            if (!space) {
                part += letters[i];
            } else if (!part.empty()) {
                parts.emplace_back(std::exchange(part, {}));
            }
        }
        if (!part.empty()) parts.emplace_back(std::move(part));
        return Value::sequence(std::move(parts));
    }
    const std::string& mark = textOf(*separator, "split");
    if (mark.empty()) raise("empty separator");
    std::size_t begin = 0;
    while (most < 0 || static_cast<std::int64_t>(parts.size()) < most) {
        const std::size_t end = text.find(mark, begin);
        if (end == std::string::npos) break;
        interpreter.charge();
        parts.emplace_back(text.substr(begin, end - begin));
        begin = end + mark.size();
    }
    parts.emplace_back(text.substr(begin));
    return Value::sequence(std::move(parts));
}

Value rightSplit(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
    const Value* separator = arguments.find(0, "sep");
    const Value* limit = arguments.find(1, "maxsplit");
    if (limit == nullptr || limit->integer() < 0 || separator == nullptr || separator->isNone()) return split(interpreter, self, arguments);
    const std::string& mark = textOf(*separator, "rsplit");
    if (mark.empty()) raise("empty separator");
    std::string rest = self.text();
    std::vector<Value> parts;
    while (static_cast<std::int64_t>(parts.size()) < limit->integer()) {
        const std::size_t at = rest.rfind(mark);
        if (at == std::string::npos) break;
        interpreter.charge(rest.size());
        parts.emplace_back(rest.substr(at + mark.size()));
        rest.resize(at);
    }
    parts.emplace_back(std::move(rest));
    std::ranges::reverse(parts);
    return Value::sequence(std::move(parts));
}

Value splitLines(Interpreter&, const Value& self, const Arguments& arguments) {
    const Value* keep = arguments.find(0, "keepends");
    const bool keepEnds = keep != nullptr && keep->truthy();
    const std::string& text = self.text();
    std::vector<Value> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = text.find_first_of("\r\n", begin);
        if (end == std::string::npos) end = text.size();
        std::size_t after = std::min(end + 1, text.size());
        if (end + 1 < text.size() && text[end] == '\r' && text[end + 1] == '\n') ++after;
        lines.emplace_back(text.substr(begin, (keepEnds ? after : end) - begin));
        begin = after;
    }
    return Value::sequence(std::move(lines));
}

/// True when the text has one of the affixes (a string or a tuple of them) at the side that `has` looks at.
bool hasAffix(const Arguments& arguments, std::string_view who, const auto& has) {
    const Value& affix = required(arguments, 0, who);
    if (const SequenceObject* several = affix.sequenceObject(); several != nullptr && several->kind == SequenceKind::Tuple) {
        return std::ranges::any_of(several->items, [&](const Value& one) { return has(textOf(one, who)); });
    }
    return has(textOf(affix, who));
}

std::int64_t findText(const Value& self, const Arguments& arguments, bool last) {
    const std::string& text = self.text();
    const std::size_t at = last ? text.rfind(textOf(required(arguments, 0, "sub"), "find")) : text.find(textOf(required(arguments, 0, "sub"), "find"));
    return at == std::string::npos ? -1 : static_cast<std::int64_t>(characterCount(std::string_view(text).substr(0, at)));
}

Value partition(const Value& self, const Arguments& arguments, bool last) {
    const std::string& mark = textOf(required(arguments, 0, "sep"), "partition");
    const std::string& text = self.text();
    const std::size_t at = last ? text.rfind(mark) : text.find(mark);
    std::vector<Value> parts;
    if (at == std::string::npos) {
        parts = last ? std::vector<Value>{"", "", text} : std::vector<Value>{text, "", ""};
    } else {
        parts = {text.substr(0, at), mark, text.substr(at + mark.size())};
    }
    return Value::sequence(std::move(parts), SequenceKind::Tuple);
}

std::int64_t countText(const Value& self, const Arguments& arguments) {
    const std::string& part = textOf(required(arguments, 0, "sub"), "count");
    if (part.empty()) return static_cast<std::int64_t>(characterCount(self.text())) + 1;
    std::int64_t count = 0;
    for (std::size_t at = self.text().find(part); at != std::string::npos; at = self.text().find(part, at + part.size())) ++count;
    return count;
}

Value titled(Interpreter&, const Value& self, const Arguments&) {
    std::string out;
    bool inWord = false;
    for (const std::string& letter : characters(self.text())) {
        out += cased(letter, !inWord);
        inWord = isAlphabetic(letter);
    }
    return out;
}

Value joinMethod(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
    std::string out;
    bool first = true;
    for (const Value& item : iterate(required(arguments, 0, "iterable"))) {
        if (!std::exchange(first, false)) out += self.text();
        out += textOf(item, "join");
        interpreter.charge(item.text().size());
    }
    return out;
}

Value justified(const Value& self, const Arguments& arguments, bool left) {
    const std::int64_t width = required(arguments, 0, "width").integer();
    const Value* fill = arguments.find(1, "fillchar");
    const auto count = static_cast<std::int64_t>(characterCount(self.text()));
    if (width > 100'000) throw Failure{ErrorCode::TemplateLimit, "a field wider than 100,000 characters"};
    std::string space;
    for (std::int64_t i = count; i < width; ++i) space += fill != nullptr ? textOf(*fill, "ljust") : " ";
    return left ? self.text() + space : space + self.text();
}

using Row = std::pair<std::string_view, Method>;

constexpr std::array kTextMethods{
    Row{"__mod__", [](Interpreter&, const Value& self, const Arguments& a) { return Value(percentFormat(self.text(), required(a, 0, "values"))); }},
    Row{"capitalize", [](Interpreter&, const Value& self, const Arguments&) { return Value(capitalized(self.text())); }},
    Row{"count", [](Interpreter&, const Value& self, const Arguments& a) { return Value(countText(self, a)); }},
    Row{"endswith", [](Interpreter&, const Value& self, const Arguments& a) {
            return Value(hasAffix(a, "endswith", [&self](const std::string& affix) { return self.text().ends_with(affix); }));
        }},
    Row{"find", [](Interpreter&, const Value& self, const Arguments& a) { return Value(findText(self, a, false)); }},
    Row{"format", [](Interpreter&, const Value& self, const Arguments& a) { return Value(braceFormat(self.text(), a)); }},
    Row{"index", [](Interpreter&, const Value& self, const Arguments& a) {
            const std::int64_t at = findText(self, a, false);
            if (at < 0) raise("substring not found");
            return Value(at);
        }},
    Row{"isalnum", [](Interpreter&, const Value& self, const Arguments&) {
            return Value(allCharacters(self.text(), [](const std::string& letter) { return isAlphabetic(letter) || isNumeric(letter); }));
        }},
    Row{"isalpha", [](Interpreter&, const Value& self, const Arguments&) { return Value(allCharacters(self.text(), isAlphabetic)); }},
    Row{"isdecimal", [](Interpreter&, const Value& self, const Arguments&) { return Value(allCharacters(self.text(), isNumeric)); }},
    Row{"isdigit", [](Interpreter&, const Value& self, const Arguments&) { return Value(allCharacters(self.text(), isNumeric)); }},
    Row{"islower", [](Interpreter&, const Value& self, const Arguments&) { return Value(cased(self.text(), false) == self.text() && cased(self.text(), true) != self.text()); }},
    Row{"isnumeric", [](Interpreter&, const Value& self, const Arguments&) { return Value(allCharacters(self.text(), isNumeric)); }},
    Row{"isspace", [](Interpreter&, const Value& self, const Arguments&) { return Value(allCharacters(self.text(), isSpaceCharacter)); }},
    Row{"isupper", [](Interpreter&, const Value& self, const Arguments&) { return Value(cased(self.text(), true) == self.text() && cased(self.text(), false) != self.text()); }},
    Row{"join", joinMethod},
    Row{"ljust", [](Interpreter&, const Value& self, const Arguments& a) { return justified(self, a, true); }},
    Row{"lower", [](Interpreter&, const Value& self, const Arguments&) { return Value(cased(self.text(), false)); }},
    Row{"lstrip", [](Interpreter&, const Value& self, const Arguments& a) { return Value(stripped(self.text(), a.find(0, "chars"), true, false)); }},
    Row{"partition", [](Interpreter&, const Value& self, const Arguments& a) { return partition(self, a, false); }},
    Row{"removeprefix", [](Interpreter&, const Value& self, const Arguments& a) {
            const std::string& affix = textOf(required(a, 0, "prefix"), "removeprefix");
            return Value(self.text().starts_with(affix) ? self.text().substr(affix.size()) : self.text());
        }},
    Row{"removesuffix", [](Interpreter&, const Value& self, const Arguments& a) {
            const std::string& affix = textOf(required(a, 0, "suffix"), "removesuffix");
            return Value(self.text().ends_with(affix) ? self.text().substr(0, self.text().size() - affix.size()) : self.text());
        }},
    Row{"replace", [](Interpreter& interpreter, const Value& self, const Arguments& a) {
            const Value* count = a.find(2, "count");
            return Value(replaced(interpreter, self.text(), textOf(required(a, 0, "old"), "replace"), textOf(required(a, 1, "new"), "replace"),
                                  count != nullptr ? count->integer() : -1));
        }},
    Row{"rfind", [](Interpreter&, const Value& self, const Arguments& a) { return Value(findText(self, a, true)); }},
    Row{"rjust", [](Interpreter&, const Value& self, const Arguments& a) { return justified(self, a, false); }},
    Row{"rpartition", [](Interpreter&, const Value& self, const Arguments& a) { return partition(self, a, true); }},
    Row{"rsplit", rightSplit},
    Row{"rstrip", [](Interpreter&, const Value& self, const Arguments& a) { return Value(stripped(self.text(), a.find(0, "chars"), false, true)); }},
    Row{"split", split},
    Row{"splitlines", splitLines},
    Row{"startswith", [](Interpreter&, const Value& self, const Arguments& a) {
            return Value(hasAffix(a, "startswith", [&self](const std::string& affix) { return self.text().starts_with(affix); }));
        }},
    Row{"strip", [](Interpreter&, const Value& self, const Arguments& a) { return Value(stripped(self.text(), a.find(0, "chars"), true, true)); }},
    Row{"title", titled},
    Row{"upper", [](Interpreter&, const Value& self, const Arguments&) { return Value(cased(self.text(), true)); }},
    Row{"zfill", [](Interpreter&, const Value& self, const Arguments& a) { return Value(percentFormat(fmt::format("%0{}s", required(a, 0, "width").integer()), self)); }},
};

// --- methods of list and dict ---------------------------------------------------------------------------------------

template <char const* kName>
Value unsafe(Interpreter&, const Value& self, const Arguments&) {
    raise(fmt::format("access to attribute '{}' of '{}' object is unsafe.", kName, self.typeName()));
}
constexpr char kAppend[] = "append";
constexpr char kClear[] = "clear";
constexpr char kExtend[] = "extend";
constexpr char kInsert[] = "insert";
constexpr char kPop[] = "pop";
constexpr char kPopItem[] = "popitem";
constexpr char kRemove[] = "remove";
constexpr char kReverse[] = "reverse";
constexpr char kSetDefault[] = "setdefault";
constexpr char kSort[] = "sort";
constexpr char kUpdate[] = "update";

constexpr std::array kListMethods{
    Row{"append", unsafe<kAppend>},
    Row{"clear", unsafe<kClear>},
    Row{"copy", [](Interpreter&, const Value& self, const Arguments&) { return self; }},
    Row{"count", [](Interpreter&, const Value& self, const Arguments& a) {
            const Value& wanted = required(a, 0, "value");
            return Value(static_cast<std::int64_t>(std::ranges::count_if(self.sequenceObject()->items, [&](const Value& item) { return item.equals(wanted); })));
        }},
    Row{"extend", unsafe<kExtend>},
    Row{"index", [](Interpreter&, const Value& self, const Arguments& a) {
            const Value& wanted = required(a, 0, "value");
            const auto& items = self.sequenceObject()->items;
            const auto at = std::ranges::find_if(items, [&](const Value& item) { return item.equals(wanted); });
            if (at == items.end()) raise(fmt::format("{} is not in list", wanted.repr()));
            return Value(static_cast<std::int64_t>(at - items.begin()));
        }},
    Row{"insert", unsafe<kInsert>},
    Row{"pop", unsafe<kPop>},
    Row{"remove", unsafe<kRemove>},
    Row{"reverse", unsafe<kReverse>},
    Row{"sort", unsafe<kSort>},
};

Value dictPart(const Value& self, const auto& pick) {
    std::vector<Value> items;
    for (const auto& entry : self.dict()->entries) items.push_back(pick(entry));
    return Value::sequence(std::move(items), SequenceKind::View);
}

constexpr std::array kDictMethods{
    Row{"clear", unsafe<kClear>},
    Row{"copy", [](Interpreter&, const Value& self, const Arguments&) { return self; }},
    Row{"get", [](Interpreter&, const Value& self, const Arguments& a) {
            if (const Value* found = self.dict()->find(required(a, 0, "key"))) return *found;
            const Value* fallback = a.find(1, "default");
            return fallback != nullptr ? *fallback : Value();
        }},
    Row{"items", [](Interpreter&, const Value& self, const Arguments&) {
            return dictPart(self, [](const auto& entry) { return Value::sequence({entry.first, entry.second}, SequenceKind::Tuple); });
        }},
    Row{"keys", [](Interpreter&, const Value& self, const Arguments&) { return dictPart(self, [](const auto& entry) { return entry.first; }); }},
    Row{"pop", unsafe<kPop>},
    Row{"popitem", unsafe<kPopItem>},
    Row{"setdefault", unsafe<kSetDefault>},
    Row{"update", unsafe<kUpdate>},
    Row{"values", [](Interpreter&, const Value& self, const Arguments&) { return dictPart(self, [](const auto& entry) { return entry.second; }); }},
};

Method findIn(const auto& table, std::string_view name) {
    const auto at = std::ranges::find(table, name, &Row::first);
    return at == table.end() ? nullptr : at->second;
}

Value range(Interpreter& interpreter, const Arguments& arguments) {
    const std::vector<Value>& given = arguments.positional;
    if (given.empty() || given.size() > 3) raise("range takes 1 to 3 arguments");
    const std::int64_t start = given.size() > 1 ? given[0].integer() : 0;
    const std::int64_t stop = given.size() > 1 ? given[1].integer() : given[0].integer();
    const std::int64_t step = given.size() > 2 ? given[2].integer() : 1;
    if (step == 0) raise("range step must not be zero");
    std::vector<Value> items;
    for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
        if (static_cast<std::int64_t>(items.size()) >= kLongestRange) throw Failure{ErrorCode::TemplateLimit, fmt::format("a range of more than {} numbers", kLongestRange)};
        interpreter.charge();
        items.emplace_back(i);
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return Value::sequence(std::move(items));
}

Value dictFunction(Interpreter&, const Arguments& arguments) {
    auto dict = std::make_shared<DictObject>();
    for (const Value& source : arguments.positional) {
        if (const DictObject* other = source.dict()) {
            for (const auto& [key, value] : other->entries) dict->set(key, value);
            continue;
        }
        for (const Value& pair : iterate(source)) {
            const std::vector<Value> parts = iterate(pair);
            if (parts.size() != 2) raise("dict needs pairs");
            dict->set(parts[0], parts[1]);
        }
    }
    for (const auto& [key, value] : arguments.named) dict->set(Value(key), value);
    return Value(std::shared_ptr<const DictObject>(std::move(dict)));
}

Value namespaceFunction(Interpreter& interpreter, const Arguments& arguments) {
    std::vector<std::pair<std::string, Value>> attributes;
    for (const Value& source : arguments.positional) {
        if (source.dict() == nullptr) raise("namespace takes mappings and named values");
        for (const auto& [key, value] : source.dict()->entries) attributes.emplace_back(key.str(), value);
    }
    for (const auto& named : arguments.named) attributes.push_back(named);
    return interpreter.makeNamespace(std::move(attributes));
}

Value joiner(Interpreter&, const Arguments& arguments) {
    const Value* given = arguments.find(0, "sep");
    auto used = std::make_shared<bool>(false);
    return makeFunction("joiner", [separator = given != nullptr ? *given : Value(", "), used](Interpreter&, const Arguments&) { return std::exchange(*used, true) ? separator : Value(""); });
}

Value cycler(Interpreter&, const Arguments& arguments) {
    if (arguments.positional.empty()) raise("at least one item has to be provided");
    struct State {
        std::vector<Value> items;
        std::size_t at = 0;
        Value current, next, reset;
    };
    auto state = std::make_shared<State>();
    state->items = arguments.positional;
    // The functions hold the state weakly: it holds them.
    const std::weak_ptr<State> weak = state;
    state->next = makeFunction("next", [weak](Interpreter&, const Arguments&) {
        const auto self = weak.lock();
        return self ? self->items[self->at++ % self->items.size()] : Value();
    });
    state->reset = makeFunction("reset", [weak](Interpreter&, const Arguments&) {
        if (const auto self = weak.lock()) self->at = 0;
        return Value();
    });
    auto function = std::make_shared<FunctionObject>();
    function->name = "cycler";
    function->call = [](Interpreter&, const Arguments&) -> Value { raise("a cycler is not callable"); };
    function->attribute = [state](std::string_view name) -> const Value* {
        state->current = state->items[state->at % state->items.size()];
        if (name == "current") return &state->current;
        return name == "next" ? &state->next : name == "reset" ? &state->reset : nullptr;
    };
    return Value(std::shared_ptr<const FunctionObject>(std::move(function)));
}

} // namespace

Value makeFunction(std::string name, Function call) {
    auto function = std::make_shared<FunctionObject>();
    function->name = std::move(name);
    function->call = std::move(call);
    return Value(std::shared_ptr<const FunctionObject>(std::move(function)));
}

const Value& required(const Arguments& arguments, std::size_t place, std::string_view what) {
    const Value* value = arguments.find(place, what);
    if (value == nullptr) raise(fmt::format("missing argument '{}'", what));
    return *value;
}

const std::string& textOf(const Value& value, std::string_view who) {
    if (value.isUndefined()) raise(value.undefinedWhat());
    if (!value.isString()) raise(fmt::format("{}: a str is needed, not '{}'", who, value.typeName()));
    return value.text();
}

std::string stripped(std::string_view text, const Value* letters, bool left, bool right) {
    const bool spaces = letters == nullptr || letters->isNone();
    const std::vector<std::string> set = spaces ? std::vector<std::string>{} : characters(textOf(*letters, "strip"));
    const auto drops = [&](const std::string& letter) { return spaces ? isSpaceCharacter(letter) : std::ranges::find(set, letter) != set.end(); };
    const std::vector<std::string> all = characters(text);
    std::size_t begin = 0;
    std::size_t end = all.size();
    while (left && begin < end && drops(all[begin])) ++begin;
    while (right && end > begin && drops(all[end - 1])) --end;
    std::string out;
    for (std::size_t i = begin; i < end; ++i) out += all[i];
    return out;
}

std::string replaced(Interpreter& interpreter, std::string_view text, std::string_view from, std::string_view to, std::int64_t count) {
    std::string out;
    if (from.empty()) { // Python: between all characters
        const auto letters = characters(text);
        for (std::size_t i = 0; i <= letters.size(); ++i) {
            if (count < 0 || static_cast<std::int64_t>(i) < count) out += to;
            if (i < letters.size()) out += letters[i];
            interpreter.charge(to.size());
        }
        return out;
    }
    std::size_t begin = 0;
    for (std::int64_t done = 0; count < 0 || done < count; ++done) {
        const std::size_t at = text.find(from, begin);
        if (at == std::string_view::npos) break;
        interpreter.charge(at - begin + to.size());
        out.append(text, begin, at - begin);
        out += to;
        begin = at + from.size();
    }
    out.append(text, begin);
    return out;
}

std::string cased(std::string_view text, bool upper) {
    return mapped(text, upper ? utf8proc_toupper : utf8proc_tolower);
}

std::string capitalized(std::string_view text) {
    const auto letters = characters(text);
    std::string out;
    for (std::size_t i = 0; i < letters.size(); ++i) out += cased(letters[i], i == 0);
    return out;
}

Method findMethod(const Value& self, std::string_view name) {
    if (self.isString()) return findIn(kTextMethods, name);
    if (self.dict() != nullptr) return findIn(kDictMethods, name);
    const SequenceObject* object = self.sequenceObject();
    return object != nullptr && object->kind <= SequenceKind::Tuple ? findIn(kListMethods, name) : nullptr;
}

std::unordered_map<std::string, Value> globals() {
    std::unordered_map<std::string, Value> names;
    const auto add = [&names](const char* name, Function call) { names.emplace(name, makeFunction(name, std::move(call))); };
    add("cycler", cycler);
    add("dict", dictFunction);
    add("joiner", joiner);
    add("namespace", namespaceFunction);
    add("raise_exception", [](Interpreter&, const Arguments& arguments) -> Value { throw Failure{ErrorCode::TemplateRaised, required(arguments, 0, "message").str()}; });
    add("range", range);
    add("strftime_now", [](Interpreter& interpreter, const Arguments& arguments) {
        return Value(formatTime(textOf(required(arguments, 0, "format"), "strftime_now"), interpreter.now()));
    });
    return names;
}

} // namespace hearth::core::jinja
