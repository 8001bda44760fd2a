// SPDX-License-Identifier: Apache-2.0
#include "core/gguf/gguf_metadata.h"

#include <fmt/format.h>

#include <utility>

namespace hearth::core {

namespace {

using Values = std::map<std::string, GgufValue, std::less<>>;

const GgufScalar* findScalar(const Values& values, std::string_view key) {
    const auto found = values.find(key);
    return found == values.end() ? nullptr : std::get_if<GgufScalar>(&found->second);
}

template <class T>
const T* findArray(const Values& values, std::string_view key) {
    const auto found = values.find(key);
    if (found == values.end()) return nullptr;
    const auto* array = std::get_if<GgufArray>(&found->second);
    return array == nullptr ? nullptr : std::get_if<T>(array);
}

std::unexpected<Error> absentOrWrongKind(const Values& values, std::string_view key, std::string_view wanted) {
    if (!values.contains(key)) return fail(ErrorCode::MissingKey, fmt::format("key '{}' is missing", key));
    return fail(ErrorCode::MalformedFile, fmt::format("key '{}' is not {}", key, wanted));
}

} // namespace

bool GgufMetadata::insert(std::string key, GgufValue value) {
    return m_values.try_emplace(std::move(key), std::move(value)).second;
}

bool GgufMetadata::contains(std::string_view key) const {
    return m_values.contains(key);
}

std::optional<std::uint64_t> GgufMetadata::uint(std::string_view key) const {
    const GgufScalar* scalar = findScalar(m_values, key);
    if (scalar == nullptr) return std::nullopt;
    if (const auto* value = std::get_if<std::uint64_t>(scalar)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(scalar); value != nullptr && *value >= 0) {
        return static_cast<std::uint64_t>(*value);
    }
    return std::nullopt;
}

std::optional<double> GgufMetadata::number(std::string_view key) const {
    const GgufScalar* scalar = findScalar(m_values, key);
    if (scalar == nullptr) return std::nullopt;
    if (const auto* value = std::get_if<double>(scalar)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(scalar)) return static_cast<double>(*value);
    if (const auto* value = std::get_if<std::uint64_t>(scalar)) return static_cast<double>(*value);
    return std::nullopt;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
    const GgufScalar* scalar = findScalar(m_values, key);
    const bool* value = scalar == nullptr ? nullptr : std::get_if<bool>(scalar);
    return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::string_view> GgufMetadata::string(std::string_view key) const {
    const GgufScalar* scalar = findScalar(m_values, key);
    const auto* value = scalar == nullptr ? nullptr : std::get_if<std::string>(scalar);
    return value == nullptr ? std::nullopt : std::optional<std::string_view>(*value);
}

const std::vector<std::string>* GgufMetadata::strings(std::string_view key) const {
    return findArray<std::vector<std::string>>(m_values, key);
}

const std::vector<std::int64_t>* GgufMetadata::ints(std::string_view key) const {
    return findArray<std::vector<std::int64_t>>(m_values, key);
}

const std::vector<float>* GgufMetadata::floats(std::string_view key) const {
    return findArray<std::vector<float>>(m_values, key);
}

Result<std::uint64_t> GgufMetadata::requireUint(std::string_view key) const {
    if (const auto value = uint(key)) return *value;
    return absentOrWrongKind(m_values, key, "a non-negative integer");
}

Result<double> GgufMetadata::requireNumber(std::string_view key) const {
    if (const auto value = number(key)) return *value;
    return absentOrWrongKind(m_values, key, "a number");
}

Result<std::string_view> GgufMetadata::requireString(std::string_view key) const {
    if (const auto value = string(key)) return *value;
    return absentOrWrongKind(m_values, key, "a string");
}

} // namespace hearth::core
