// SPDX-License-Identifier: Apache-2.0
#include "core/grammar/json_schema.h"

#include "core/base/json_limits.h"
#include "core/base/utf8.h"
#include "core/grammar/json_schema_merge.h"
#include "core/grammar/json_schema_strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace hearth::core {

namespace {

using Json = nlohmann::ordered_json;
using Sequence = GrammarBuilder::Sequence;

constexpr int kDeepestSchema = 100;
constexpr int kMostSchemas = 20'000; ///< visited; parts that are merged are visited wherever they are used

constexpr std::array<std::string_view, 15> kNotDone{
    "contains", "dependencies", "dependentRequired", "dependentSchemas", "else", "if", "maxProperties", "minProperties",
    "multipleOf", "not", "patternProperties", "propertyNames", "then", "unevaluatedProperties", "uniqueItems"};

struct Format {
    std::string_view name;
    std::string_view pattern;
};

#define HEARTH_DATE "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
#define HEARTH_TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define HEARTH_BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
constexpr std::array<Format, 5> kFormats{{
    {"date", "^" HEARTH_DATE "$"},
    {"time", "^" HEARTH_TIME "$"},
    {"date-time", "^" HEARTH_DATE "T" HEARTH_TIME "$"},
    {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
    {"ipv4", "^(" HEARTH_BYTE "\\.){3}" HEARTH_BYTE "$"},
}};
#undef HEARTH_DATE
#undef HEARTH_TIME
#undef HEARTH_BYTE

bool fitsType(const Json& value, std::string_view type) {
    if (type == "string") return value.is_string();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    return false;
}

class Compiler {
public:
    explicit Compiler(const Json& root)
        : m_root(root) {}

    Result<Grammar> run() {
        auto value = visit(m_root, 0);
        if (!value) return std::unexpected(value.error());
        while (!m_open.empty()) {
            const auto [pointer, rule] = m_open.back();
            m_open.pop_back();
            const Json* target = resolveRef(m_root, pointer);
            if (target == nullptr) return wrong(fmt::format("$ref '{}' leads nowhere in this schema", pointer));
            auto made = visit(*target, 0);
            if (!made) return std::unexpected(made.error());
            if (auto done = m_builder.define(rule, {{*made}}); !done) return std::unexpected(done.error());
        }
        if (auto done = m_builder.define(m_builder.rule("root"), {{*value}}); !done) return std::unexpected(done.error());
        return m_builder.finish("root");
    }

private:
    [[nodiscard]] std::unexpected<Error> wrong(std::string what) const { return fail(ErrorCode::InvalidArgument, "JSON schema: " + std::move(what)); }

    [[nodiscard]] Sequence text(std::string_view bytes) {
        Sequence sequence;
        m_builder.addText(sequence, bytes);
        return sequence;
    }
    [[nodiscard]] GrammarElement one(std::string_view bytes) { return m_builder.group({text(bytes)}); }

    /// Nothing, a space, or a new line with an indentation: enough for every way of writing JSON that models have.
    GrammarElement space() {
        if (!m_space) {
            Sequence line = text("\n");
            line.push_back(*m_builder.repeated(m_builder.characters({{U' ', U' '}, {U'\t', U'\t'}}, false), 0, 20));
            m_space = m_builder.group({{}, text(" "), std::move(line)});
        }
        return *m_space;
    }

    GrammarElement anyCharacter() {
        if (!m_character) m_character = anyJsonCharacter(m_builder);
        return *m_character;
    }

    GrammarElement quoted(GrammarElement inner) {
        Sequence sequence = text("\"");
        sequence.push_back(inner);
        m_builder.addText(sequence, "\"");
        return m_builder.group({std::move(sequence)});
    }

    GrammarElement digitsUpTo(std::int64_t least, std::int64_t most) { return *m_builder.repeated(m_builder.characters({{U'0', U'9'}}, false), least, most); }

    GrammarElement anyNumber() {
        const GrammarElement whole = integersBetween(m_builder, -kLargestInteger, kLargestInteger);
        Sequence fraction = text(".");
        fraction.push_back(digitsUpTo(1, 15));
        const GrammarElement point = m_builder.group({std::move(fraction)});
        const Sequence power{m_builder.characters({{U'e', U'e'}, {U'E', U'E'}}, false), m_builder.group({{}, text("+"), text("-")}), digitsUpTo(1, 2)};
        const GrammarElement exponent = m_builder.group({{}, power});
        return m_builder.group({{whole, exponent}, {whole, point, exponent}, {one("-0"), point, exponent}});
    }

    GrammarElement anyString() { return quoted(*m_builder.repeated(anyCharacter(), 0, -1)); }

    GrammarElement anyValue() {
        if (m_any) return m_builder.reference(*m_any);
        m_any = m_builder.newRule();
        const GrammarElement self = m_builder.reference(*m_any);
        std::vector<Sequence> alternatives{{anyString()}, {anyNumber()}, text("true"), text("false"), text("null"), {listOf(self, 0, -1)}, {objectOf({}, self)}};
        (void)m_builder.define(*m_any, std::move(alternatives));
        return self;
    }

    /// "[" items "]"
    GrammarElement listOf(GrammarElement item, std::int64_t least, std::int64_t most) {
        Sequence more = text(",");
        more.push_back(space());
        more.push_back(item);
        const GrammarElement next = m_builder.group({std::move(more)});
        Sequence full = text("[");
        full.push_back(space());
        full.push_back(item);
        full.push_back(*m_builder.repeated(next, std::max<std::int64_t>(least - 1, 0), most < 0 ? -1 : std::max<std::int64_t>(most - 1, 0)));
        full.push_back(space());
        m_builder.addText(full, "]");
        std::vector<Sequence> alternatives;
        if (most != 0) alternatives.push_back(std::move(full));
        if (least == 0) alternatives.push_back(text("[]"));
        return m_builder.group(std::move(alternatives));
    }

    struct Property {
        std::string key;
        GrammarElement value;
        bool required = false;
    };

    GrammarElement pair(GrammarElement key, GrammarElement value) {
        Sequence sequence{key};
        m_builder.addText(sequence, ":");
        sequence.push_back(space());
        sequence.push_back(value);
        return m_builder.group({std::move(sequence)});
    }

    /// A string that is none of the keys: beside them it may part at any character. Written without escapes until it has.
    GrammarElement otherKey(const std::vector<std::string>& keys, std::size_t depth) {
        const GrammarElement rest = *m_builder.repeated(anyCharacter(), 0, -1);
        std::map<char32_t, std::vector<std::string>> next;
        std::vector<CodePointRange> taken;
        bool whole = false;
        for (const std::string& key : keys) {
            if (key.empty()) {
                whole = true;
                continue;
            }
            const auto decoded = utf8::decodeAt(key, 0);
            next[decoded.codePoint].push_back(key.substr(decoded.length));
        }
        for (const auto& [character, tails] : next) taken.emplace_back(character, character);
        taken.insert(taken.end(), {{0, 0x1F}, {U'"', U'"'}, {U'\\', U'\\'}, {0x7F, 0x7F}});
        std::vector<Sequence> alternatives{{m_builder.characters(taken, true), rest}};
        if (!whole && depth > 0) alternatives.push_back({});
        for (const auto& [character, tails] : next) {
            if (character < 0x20 || character == U'"' || character == U'\\' || character == 0x7F) continue; // such a key is written escaped
            alternatives.push_back({m_builder.characters({{character, character}}, false), otherKey(tails, depth + 1)});
        }
        return m_builder.group(std::move(alternatives));
    }

    /// Properties in their order, then any number of others when there may be some.
    GrammarElement objectOf(const std::vector<Property>& properties, std::optional<GrammarElement> others) {
        std::vector<std::string> keys;
        for (const Property& property : properties) keys.push_back(property.key);
        const auto comma = [this](GrammarElement what) {
            Sequence sequence = text(",");
            sequence.push_back(space());
            sequence.push_back(what);
            return sequence;
        };
        // `after`: something was written; `first`: nothing yet.
        GrammarElement after = m_builder.group({{}});
        GrammarElement first = m_builder.group({{}});
        if (others) {
            const GrammarElement other = pair(keys.empty() ? anyString() : quoted(otherKey(keys, 0)), *others);
            after = *m_builder.repeated(m_builder.group({comma(other)}), 0, -1);
            first = m_builder.group({{other, after}, {}});
        }
        for (auto property = properties.rbegin(); property != properties.rend(); ++property) {
            const GrammarElement whole = pair(one(writeJson(property->key)), property->value);
            Sequence withComma = comma(whole);
            withComma.push_back(after);
            std::vector<Sequence> alternatives{{whole, after}};
            if (!property->required) alternatives.push_back({first});
            first = m_builder.group(std::move(alternatives));
            alternatives = {std::move(withComma)};
            if (!property->required) alternatives.push_back({after});
            after = m_builder.group(std::move(alternatives));
        }
        Sequence sequence = text("{");
        sequence.push_back(space());
        sequence.push_back(first);
        sequence.push_back(space());
        m_builder.addText(sequence, "}");
        return m_builder.group({std::move(sequence)});
    }

    Result<GrammarElement> visit(const Json& schema, int depth) {
        if (depth > kDeepestSchema) return wrong("it is nested too deeply");
        if (++m_visits > kMostSchemas) return wrong("it is too large");
        if (schema.is_boolean()) return schema.get<bool>() ? Result<GrammarElement>(anyValue()) : wrong("'false' allows nothing");
        if (!schema.is_object()) return wrong("a schema is an object, true or false");
        for (const std::string_view keyword : kNotDone) {
            if (schema.contains(keyword)) return wrong(fmt::format("'{}' is not supported", keyword));
        }
        if (schema.contains("$ref") && !hasConstraintsBeside(schema, "$ref")) return reference(schema.at("$ref"));
        for (const char* keyword : {"$ref", "allOf"}) {
            if (!schema.contains(keyword)) continue;
            auto merged = mergedSchema(m_root, schema);
            if (!merged) return wrong(merged.error().message);
            return visit(*merged, depth + 1);
        }
        for (const char* keyword : {"anyOf", "oneOf"}) {
            if (schema.contains(keyword)) return alternatives(schema, keyword, depth);
        }
        if (schema.contains("const")) return one(writeJson(schema.at("const")));
        if (schema.contains("enum")) return enumeration(schema);
        return ofTypes(schema, depth);
    }

    Result<GrammarElement> reference(const Json& ref) {
        if (!ref.is_string()) return wrong("$ref is not a string");
        const std::string pointer = ref;
        const auto known = m_refs.find(pointer);
        if (known != m_refs.end()) return m_builder.reference(known->second);
        const std::uint32_t rule = m_builder.rule("$ref " + pointer);
        m_refs.emplace(pointer, rule);
        m_open.emplace_back(pointer, rule);
        return m_builder.reference(rule);
    }

    Result<GrammarElement> alternatives(const Json& schema, const char* keyword, int depth) {
        const Json& list = schema.at(keyword);
        if (!list.is_array() || list.empty()) return wrong(fmt::format("'{}' is not a list of schemas", keyword));
        const bool alone = !hasConstraintsBeside(schema, keyword);
        std::vector<Sequence> all;
        for (const Json& alternative : list) {
            Json whole = alternative;
            if (!alone) {
                // What stands beside the alternatives holds for each of them.
                Json rest = schema;
                rest.erase(keyword);
                auto merged = mergedSchema(m_root, Json{{"allOf", Json::array({rest, alternative})}});
                if (!merged) return wrong(merged.error().message);
                whole = std::move(*merged);
            }
            auto made = visit(whole, depth + 1);
            if (!made) return made;
            all.push_back({*made});
        }
        return m_builder.group(std::move(all));
    }

    Result<GrammarElement> enumeration(const Json& schema) {
        const Json& list = schema.at("enum");
        if (!list.is_array()) return wrong("'enum' is not a list");
        std::vector<Sequence> all;
        for (const Json& value : list) {
            if (schema.contains("type") && schema.at("type").is_string() && !fitsType(value, schema.at("type").get<std::string>())) continue;
            all.push_back(text(writeJson(value)));
        }
        if (all.empty()) return wrong("'enum' has no value that fits");
        return m_builder.group(std::move(all));
    }

    Result<GrammarElement> ofTypes(const Json& schema, int depth) {
        std::vector<std::string> types;
        if (schema.contains("type")) {
            const Json& type = schema.at("type");
            for (const Json& each : type.is_array() ? type : Json::array({type})) {
                if (!each.is_string()) return wrong("'type' is neither a name nor a list of names");
                types.push_back(each);
            }
        } else {
            const auto any = [&](std::initializer_list<const char*> keywords) { return std::ranges::any_of(keywords, [&](const char* keyword) { return schema.contains(keyword); }); };
            if (any({"properties", "required", "additionalProperties"})) {
                types = {"object"};
            } else if (any({"items", "prefixItems", "minItems", "maxItems"})) {
                types = {"array"};
            } else if (any({"pattern", "minLength", "maxLength", "format"})) {
                types = {"string"};
            } else if (any({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})) {
                types = {"number"};
            } else {
                return anyValue();
            }
        }
        std::vector<Sequence> all;
        for (const std::string& type : types) {
            auto made = ofType(schema, type, depth);
            if (!made) return made;
            all.push_back({*made});
        }
        if (all.empty()) return wrong("'type' names none");
        return m_builder.group(std::move(all));
    }

    Result<GrammarElement> ofType(const Json& schema, const std::string& type, int depth) {
        if (type == "string") return ofString(schema);
        if (type == "number" || type == "integer") return ofNumber(schema, type == "integer");
        if (type == "object") return ofObject(schema, depth);
        if (type == "array") return ofArray(schema, depth);
        if (type == "null") return one("null");
        if (type == "boolean") return m_builder.group({text("true"), text("false")});
        return wrong(fmt::format("there is no type '{}'", type));
    }

    /// A count of a keyword; `absent` when it is not there.
    Result<std::int64_t> count(const Json& schema, const char* keyword, std::int64_t absent) const {
        if (!schema.contains(keyword)) return absent;
        const Json& value = schema.at(keyword);
        const double number = value.is_number() ? value.get<double>() : -1.0;
        if (number < 0.0 || number != std::floor(number)) return wrong(fmt::format("'{}' is not a count", keyword));
        if (number > static_cast<double>(kMostRepetitions)) return wrong(fmt::format("'{}' is above {}", keyword, kMostRepetitions));
        return static_cast<std::int64_t>(number);
    }

    Result<GrammarElement> ofString(const Json& schema) {
        const auto least = count(schema, "minLength", 0);
        const auto most = count(schema, "maxLength", -1);
        if (!least || !most) return std::unexpected((least ? most : least).error());
        const bool bounded = *least > 0 || *most >= 0;
        std::string pattern;
        if (schema.contains("pattern")) {
            if (!schema.at("pattern").is_string()) return wrong("'pattern' is not a string");
            pattern = schema.at("pattern");
        } else if (schema.contains("format") && schema.at("format").is_string()) {
            const auto known = std::ranges::find(kFormats, schema.at("format").get<std::string>(), &Format::name);
            if (known != kFormats.end()) pattern = known->pattern;
        }
        if (!pattern.empty()) {
            if (bounded) return wrong("'pattern' or 'format' together with 'minLength' or 'maxLength' is not supported; write the length into the pattern");
            auto inner = jsonPattern(m_builder, pattern);
            if (!inner) return wrong(inner.error().message);
            return quoted(*inner);
        }
        auto inner = m_builder.repeated(anyCharacter(), *least, *most);
        if (!inner) return wrong("'minLength' is above 'maxLength'");
        return quoted(*inner);
    }

    struct Bounds {
        double low = -static_cast<double>(kLargestInteger);
        double high = static_cast<double>(kLargestInteger);
        bool lowOut = false; ///< the bound itself is not allowed
        bool highOut = false;
        bool any = false;
    };

    Result<Bounds> bounds(const Json& schema) const {
        Bounds all;
        const auto read = [&](const char* keyword, auto use) -> Result<void> {
            if (!schema.contains(keyword)) return {};
            const Json& value = schema.at(keyword);
            if (value.is_boolean()) return wrong(fmt::format("'{}' as true or false is of an old draft and not supported", keyword));
            if (!value.is_number()) return wrong(fmt::format("'{}' is not a number", keyword));
            all.any = true;
            use(value.get<double>());
            return {};
        };
        const auto raise = [&](bool out) {
            return [&all, out](double value) {
                if (value > all.low || (value == all.low && out)) {
                    all.low = value;
                    all.lowOut = out;
                }
            };
        };
        const auto lower = [&](bool out) {
            return [&all, out](double value) {
                if (value < all.high || (value == all.high && out)) {
                    all.high = value;
                    all.highOut = out;
                }
            };
        };
        for (auto done : {read("minimum", raise(false)), read("exclusiveMinimum", raise(true)), read("maximum", lower(false)), read("exclusiveMaximum", lower(true))}) {
            if (!done) return std::unexpected(done.error());
        }
        return all;
    }

    Result<GrammarElement> ofNumber(const Json& schema, bool whole) {
        const auto limits = bounds(schema);
        if (!limits) return std::unexpected(limits.error());
        if (!whole && !limits->any) return anyNumber();
        auto least = static_cast<std::int64_t>(std::ceil(limits->low));
        auto most = static_cast<std::int64_t>(std::floor(limits->high));
        const auto inclusiveLeast = least;
        const auto inclusiveMost = most;
        if (limits->lowOut && static_cast<double>(least) == limits->low) ++least;
        if (limits->highOut && static_cast<double>(most) == limits->high) --most;
        std::vector<Sequence> all;
        if (least <= most) all.push_back({integersBetween(m_builder, least, most)});
        if (!whole) {
            // A fraction leads away from zero, by less than one, and is not nothing.
            Sequence fraction = text(".");
            fraction.push_back(digitsUpTo(0, 14));
            fraction.push_back(m_builder.characters({{U'1', U'9'}}, false));
            const GrammarElement more = m_builder.group({std::move(fraction)});
            const std::int64_t from = std::max<std::int64_t>(0, inclusiveLeast);
            if (from <= inclusiveMost - 1) all.push_back({integersBetween(m_builder, from, inclusiveMost - 1), more});
            const std::int64_t to = std::min<std::int64_t>(0, inclusiveMost);
            if (inclusiveLeast + 1 <= to) {
                if (to == 0) {
                    Sequence sequence = text("-0");
                    sequence.push_back(more);
                    all.push_back(std::move(sequence));
                }
                if (inclusiveLeast + 1 <= std::min<std::int64_t>(to, -1)) all.push_back({integersBetween(m_builder, inclusiveLeast + 1, std::min<std::int64_t>(to, -1)), more});
            }
        }
        if (all.empty()) return wrong("the bounds of a number leave no whole number between them");
        return m_builder.group(std::move(all));
    }

    Result<GrammarElement> ofArray(const Json& schema, int depth) {
        const auto least = count(schema, "minItems", 0);
        const auto most = count(schema, "maxItems", -1);
        if (!least || !most) return std::unexpected((least ? most : least).error());
        if (*most >= 0 && *most < *least) return wrong("'minItems' is above 'maxItems'");
        const bool oldTuple = schema.contains("items") && schema.at("items").is_array();
        if (schema.contains("prefixItems") || oldTuple) return ofTuple(schema, oldTuple ? "items" : "prefixItems", *least, *most, depth);
        if (schema.contains("items") && schema.at("items") == Json(false)) {
            if (*least > 0) return wrong("'minItems' asks for items that 'items' forbids");
            return one("[]");
        }
        auto item = schema.contains("items") ? visit(schema.at("items"), depth + 1) : Result<GrammarElement>(anyValue());
        if (!item) return item;
        return listOf(*item, *least, *most);
    }

    /// All of the named items, and no others.
    Result<GrammarElement> ofTuple(const Json& schema, const char* keyword, std::int64_t least, std::int64_t most, int depth) {
        const Json& items = schema.at(keyword);
        const auto size = static_cast<std::int64_t>(items.size());
        if (!items.is_array() || items.empty()) return wrong(fmt::format("'{}' is not a list of schemas", keyword));
        if (least > size || (most >= 0 && most < size)) return wrong(fmt::format("other counts of items than those of '{}' are not supported", keyword));
        Sequence sequence = text("[");
        sequence.push_back(space());
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i > 0) {
                m_builder.addText(sequence, ",");
                sequence.push_back(space());
            }
            auto made = visit(items.at(i), depth + 1);
            if (!made) return made;
            sequence.push_back(*made);
        }
        sequence.push_back(space());
        m_builder.addText(sequence, "]");
        return m_builder.group({std::move(sequence)});
    }

    Result<GrammarElement> ofObject(const Json& schema, int depth) {
        static const Json kNone = Json::object();
        const Json& named = schema.contains("properties") ? schema.at("properties") : kNone;
        if (!named.is_object()) return wrong("'properties' is not an object");
        std::optional<GrammarElement> others;
        const bool openByDefault = named.empty();
        if (schema.contains("additionalProperties") ? schema.at("additionalProperties") != Json(false) : openByDefault) {
            auto made = schema.contains("additionalProperties") ? visit(schema.at("additionalProperties"), depth + 1) : Result<GrammarElement>(anyValue());
            if (!made) return made;
            others = *made;
        }
        std::vector<std::string> required;
        if (schema.contains("required")) {
            for (const Json& key : schema.at("required")) {
                if (!key.is_string()) return wrong("'required' is not a list of names");
                required.push_back(key);
            }
        }
        std::vector<Property> properties;
        for (const auto& [key, value] : named.items()) {
            auto made = visit(value, depth + 1);
            if (!made) return made;
            properties.push_back({key, *made, std::ranges::find(required, key) != required.end()});
        }
        for (const std::string& key : required) {
            if (named.contains(key) || std::ranges::find(properties, key, &Property::key) != properties.end()) continue;
            if (!others && schema.contains("additionalProperties")) return wrong(fmt::format("'{}' is required and not allowed", key));
            properties.push_back({key, others ? *others : anyValue(), true});
        }
        return objectOf(properties, others);
    }

    const Json& m_root;
    GrammarBuilder m_builder;
    int m_visits = 0;
    std::map<std::string, std::uint32_t> m_refs;
    std::vector<std::pair<std::string, std::uint32_t>> m_open; ///< references whose rule is still to be made
    std::optional<GrammarElement> m_space;
    std::optional<GrammarElement> m_character;
    std::optional<std::uint32_t> m_any;
};

} // namespace

Result<Grammar> jsonSchemaGrammar(std::string_view schema) {
    const auto parsed = parseJson(schema);
    if (!parsed) return fail(ErrorCode::InvalidArgument, fmt::format("the JSON schema is not JSON, or nested more than {} deep", kDeepestJson));
    return Compiler(*parsed).run();
}

} // namespace hearth::core
