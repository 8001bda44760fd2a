// SPDX-License-Identifier: Apache-2.0
#include "core/store/archive_json.h"

#include <fmt/format.h>

#include <cmath>
#include <unordered_map>

namespace hearth::core {

namespace {

constexpr std::size_t kNone = ~std::size_t{0};

} // namespace

std::string textOf(const Json& object, const char* key) {
    if (!object.is_object()) return {};
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool truthOf(const Json& object, const char* key) {
    if (!object.is_object()) return false;
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::int64_t timeOf(const Json& object, const char* key, std::int64_t otherwise) {
    constexpr double kYear2100 = 4'102'444'800.0; // seconds
    if (!object.is_object()) return otherwise;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number()) return otherwise;
    const double value = found->get<double>();
    if (!std::isfinite(value) || value < 0) return otherwise;
    if (value <= kYear2100) return found->is_number_integer() && value < 1e7 ? static_cast<std::int64_t>(value) : std::llround(value * 1000.0);
    if (value > kYear2100 * 1000.0) return otherwise;
    return found->is_number_integer() ? found->get<std::int64_t>() : std::llround(value);
}

const Json* partOf(const Json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found != object.end() && found->is_structured() ? &*found : nullptr;
}

std::unexpected<Error> malformed(std::string what) { return fail(ErrorCode::MalformedFile, std::move(what)); }

Result<void> fillTree(ArchiveConversation& conversation, const std::vector<ForeignNode>& nodes, const std::string& shown) {
    std::unordered_map<std::string, std::size_t> byId;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!byId.emplace(nodes[i].id, i).second) return malformed(fmt::format("two messages are called \"{}\"", nodes[i].id));
    }
    std::vector<std::vector<std::size_t>> children(nodes.size());
    std::vector<std::size_t> open; // to be placed, the next one last
    for (std::size_t i = nodes.size(); i-- > 0;) {
        const auto parent = nodes[i].parent.empty() ? byId.end() : byId.find(nodes[i].parent);
        if (parent == byId.end()) open.push_back(i);
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto parent = nodes[i].parent.empty() ? byId.end() : byId.find(nodes[i].parent);
        if (parent != byId.end()) children[parent->second].push_back(i);
    }
    // Place of each node, or of the nearest one above it that has a text.
    std::vector<std::size_t> places(nodes.size(), kNone);
    std::size_t visited = 0;
    while (!open.empty()) {
        const std::size_t at = open.back();
        open.pop_back();
        ++visited;
        const auto parent = nodes[at].parent.empty() ? byId.end() : byId.find(nodes[at].parent);
        const std::size_t above = parent == byId.end() ? kNone : places[parent->second];
        places[at] = above;
        if (nodes[at].message) {
            ArchiveMessage& message = conversation.messages.emplace_back(*nodes[at].message);
            if (above != kNone) message.parent = above;
            places[at] = conversation.messages.size() - 1;
        }
        open.insert(open.end(), children[at].rbegin(), children[at].rend());
    }
    if (visited != nodes.size()) return malformed("its messages are each other's parents in a ring");
    const auto leaf = byId.find(shown);
    if (leaf != byId.end() && places[leaf->second] != kNone) {
        conversation.activeLeaf = places[leaf->second];
    } else if (!conversation.messages.empty()) {
        conversation.activeLeaf = conversation.messages.size() - 1;
    }
    return {};
}

} // namespace hearth::core
