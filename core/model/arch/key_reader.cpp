// SPDX-License-Identifier: Apache-2.0
#include "core/model/arch/key_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::core {

std::string KeyReader::name(std::string_view suffix) const {
    return fmt::format("{}.{}", m_prefix, suffix);
}

void KeyReader::setError(ErrorCode code, std::string message) {
    if (!m_error) m_error = Error{code, std::move(message)};
}

std::optional<std::uint64_t> KeyReader::unsignedNumber(const std::string& key) {
    if (const auto* perLayer = m_metadata.ints(key); perLayer != nullptr && !perLayer->empty()) {
        if (std::ranges::count(*perLayer, perLayer->front()) != std::ssize(*perLayer)) {
            setError(ErrorCode::UnsupportedArchitecture, fmt::format("key '{}': differs between layers", key));
            return std::nullopt;
        }
        return perLayer->front() > 0 ? static_cast<std::uint64_t>(perLayer->front()) : 0;
    }
    const auto read = m_metadata.requireUint(key);
    if (read) return *read;
    setError(read.error().code, read.error().message);
    return std::nullopt;
}

std::optional<std::int32_t> KeyReader::count(std::string_view suffix, std::uint64_t most, TensorNeed need) {
    const std::string key = name(suffix);
    if (!m_metadata.contains(key) && need == TensorNeed::Optional) return std::nullopt;
    const auto value = unsignedNumber(key);
    if (!value) return std::nullopt;
    if (*value < 1 || *value > most) {
        setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} is outside 1 to {}", key, *value, most));
        return std::nullopt;
    }
    return static_cast<std::int32_t>(*value);
}

std::optional<std::int32_t> KeyReader::countOrZero(std::string_view suffix, std::uint64_t most) {
    const std::string key = name(suffix);
    if (!m_metadata.contains(key)) return std::nullopt;
    const auto value = unsignedNumber(key);
    if (!value) return std::nullopt;
    if (*value > most) {
        setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} is outside 0 to {}", key, *value, most));
        return std::nullopt;
    }
    return static_cast<std::int32_t>(*value);
}

std::optional<double> KeyReader::number(const std::string& key) {
    const auto read = m_metadata.requireNumber(key);
    if (!read) {
        setError(read.error().code, read.error().message);
        return std::nullopt;
    }
    return *read;
}

std::optional<float> KeyReader::positive(std::string_view suffix, TensorNeed need) {
    const std::string key = name(suffix);
    if (!m_metadata.contains(key) && need == TensorNeed::Optional) return std::nullopt;
    const auto read = number(key);
    if (!read) return std::nullopt;
    const auto value = static_cast<float>(*read);
    if (std::isfinite(value) && value > 0.0f) return value;
    setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} is not a positive number", key, *read));
    return std::nullopt;
}

std::optional<float> KeyReader::positiveOrZero(std::string_view suffix) {
    const std::string key = name(suffix);
    if (!m_metadata.contains(key)) return std::nullopt;
    const auto read = number(key);
    if (!read) return std::nullopt;
    const auto value = static_cast<float>(*read);
    if (std::isfinite(value) && value >= 0.0f) return value;
    setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} is neither 0 nor a positive number", key, *read));
    return std::nullopt;
}

std::optional<bool> KeyReader::flag(std::string_view suffix) {
    const std::string key = name(suffix);
    if (!m_metadata.contains(key)) return std::nullopt;
    const auto value = m_metadata.boolean(key);
    if (!value) setError(ErrorCode::MalformedFile, fmt::format("key '{}': is not a boolean", key));
    return value;
}

std::optional<std::string_view> KeyReader::text(std::string_view suffix) {
    const std::string key = name(suffix);
    if (!m_metadata.contains(key)) return std::nullopt;
    const auto value = m_metadata.string(key);
    if (!value) setError(ErrorCode::MalformedFile, fmt::format("key '{}': is not text", key));
    return value;
}

std::vector<bool> KeyReader::slidingLayers(std::int32_t layers, std::int32_t otherwise) {
    const std::string key = name("attention.sliding_window_pattern");
    const auto found = m_metadata.all().find(key);
    std::vector<bool> sliding(static_cast<std::size_t>(layers));
    const auto takeFlags = [&](const auto& flags) {
        if (flags.size() < sliding.size()) {
            setError(ErrorCode::MalformedFile,
                     fmt::format("key '{}': {} values for {} layers", key, flags.size(), layers));
            return;
        }
        for (std::size_t i = 0; i < sliding.size(); ++i) sliding[i] = static_cast<bool>(flags[i]);
    };
    if (found != m_metadata.all().end()) {
        if (const auto* array = std::get_if<GgufArray>(&found->second)) {
            if (const auto* flags = std::get_if<std::vector<bool>>(array)) {
                takeFlags(*flags);
            } else if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(array)) {
                takeFlags(*numbers);
            } else {
                setError(ErrorCode::MalformedFile, fmt::format("key '{}': is not an array of flags", key));
            }
            return sliding;
        }
    }
    const std::int32_t period =
        count("attention.sliding_window_pattern", kMostLayers, TensorNeed::Optional).value_or(otherwise);
    for (std::int32_t i = 0; i < layers; ++i) sliding[static_cast<std::size_t>(i)] = i % period < period - 1;
    return sliding;
}

} // namespace hearth::core
