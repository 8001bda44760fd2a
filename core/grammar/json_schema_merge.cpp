// SPDX-License-Identifier: Apache-2.0
#include "core/grammar/json_schema_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepestMerge = 50;
constexpr int kMostKeywords = 20'000; ///< looked at in one merge: references to references grow by powers

constexpr std::array<std::string_view, 13> kAnnotations{"$comment", "$defs", "$id", "$schema", "default", "definitions", "deprecated", "description", "example", "examples", "readOnly", "title", "writeOnly"};

bool isAnnotation(std::string_view keyword) {
    return std::ranges::find(kAnnotations, keyword) != kAnnotations.end();
}

class Merger {
public:
    explicit Merger(const Json& root)
        : m_root(root) {}

    Result<void> take(Json& into, const Json& schema, int depth) {
        if (depth > kDeepestMerge) return fail(ErrorCode::InvalidArgument, "allOf or $ref is nested too deeply, or leads to itself");
        if (schema == Json(true)) return {};
        if (!schema.is_object()) return fail(ErrorCode::InvalidArgument, "a part of allOf is not a schema");
        for (const auto& [keyword, value] : schema.items()) {
            Result<void> done;
            if (++m_keywords > kMostKeywords) return fail(ErrorCode::InvalidArgument, "allOf and $ref grow too large");
            if (keyword == "allOf") {
                for (const Json& part : value) {
                    if (done = take(into, part, depth + 1); !done) return done;
                }
            } else if (keyword == "$ref") {
                const Json* target = value.is_string() ? resolveRef(m_root, value.get<std::string>()) : nullptr;
                if (target == nullptr) return fail(ErrorCode::InvalidArgument, fmt::format("$ref '{}' leads nowhere in this schema", value.is_string() ? value.get<std::string>() : "?"));
                done = take(into, *target, depth + 1);
            } else if (!isAnnotation(keyword)) {
                done = takeKeyword(into, keyword, value);
            }
            if (!done) return done;
        }
        return {};
    }

private:
    static Result<void> takeKeyword(Json& into, const std::string& keyword, const Json& value) {
        if (!into.contains(keyword)) {
            into[keyword] = value;
            return {};
        }
        Json& had = into[keyword];
        if (had == value) return {};
        if (keyword == "properties" && had.is_object() && value.is_object()) {
            for (const auto& [key, schema] : value.items()) {
                had[key] = had.contains(key) && had.at(key) != schema ? Json{{"allOf", Json::array({had.at(key), schema})}} : schema;
            }
            return {};
        }
        if (keyword == "required" && had.is_array() && value.is_array()) {
            for (const Json& key : value) {
                if (std::ranges::find(had, key) == had.end()) had.push_back(key);
            }
            return {};
        }
        const bool numbers = had.is_number() && value.is_number();
        const bool least = keyword.starts_with("min") || keyword == "exclusiveMinimum";
        const bool most = keyword.starts_with("max") || keyword == "exclusiveMaximum";
        if (numbers && (least || most)) {
            if (least == (value.get<double>() > had.get<double>())) had = value;
            return {};
        }
        if (keyword == "type" || keyword == "enum") {
            const Json first = had.is_array() ? had : Json::array({had});
            const Json second = value.is_array() ? value : Json::array({value});
            Json both = Json::array();
            for (const Json& one : first) {
                const bool narrower = keyword == "type" && one == Json("integer") && std::ranges::find(second, Json("number")) != second.end();
                if (narrower || std::ranges::find(second, one) != second.end()) both.push_back(one);
            }
            for (const Json& one : second) {
                if (keyword == "type" && one == Json("integer") && std::ranges::find(first, Json("number")) != first.end()) both.push_back(one);
            }
            if (both.empty()) return fail(ErrorCode::InvalidArgument, fmt::format("the parts of allOf agree on no '{}'", keyword));
            had = std::move(both);
            return {};
        }
        return fail(ErrorCode::InvalidArgument, fmt::format("two different values of '{}' that must both hold are not supported", keyword));
    }

    const Json& m_root;
    int m_keywords = 0;
};

} // namespace

const Json* resolveRef(const Json& root, const std::string& ref) {
    if (!ref.starts_with('#')) return nullptr;
    const Json* at = &root;
    std::string_view rest = std::string_view(ref).substr(1);
    while (!rest.empty()) {
        if (!rest.starts_with('/')) return nullptr;
        rest.remove_prefix(1);
        const std::string_view part = rest.substr(0, rest.find('/'));
        rest.remove_prefix(part.size());
        std::string key;
        for (std::size_t i = 0; i < part.size(); ++i) {
            const bool escaped = part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1');
            key += escaped ? (part[++i] == '0' ? '~' : '/') : part[i];
        }
        if (at->is_object() && at->contains(key)) {
            at = &at->at(key);
        } else if (at->is_array() && !key.empty() && key.size() < 6 && std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; }) && std::stoul(key) < at->size()) {
            at = &at->at(std::stoul(key));
        } else {
            return nullptr;
        }
    }
    return at;
}

bool hasConstraintsBeside(const Json& schema, std::string_view keyword) {
    return std::ranges::any_of(schema.items(), [&](const auto& item) { return item.key() != keyword && !isAnnotation(item.key()); });
}

Result<Json> mergedSchema(const Json& root, const Json& schema) {
    Json merged = Json::object();
    if (auto done = Merger(root).take(merged, schema, 0); !done) return std::unexpected(done.error());
    return merged;
}

} // namespace hearth::core
