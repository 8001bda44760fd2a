// SPDX-License-Identifier: Apache-2.0
//
// What the readers of exports share: fields of JSON that may be absent or of another type, and trees put in order.
// Private to core/store. Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/store/chat_archive.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearth::core {

using Json = nlohmann::ordered_json;

/// The member as text; empty when absent or of another type.
[[nodiscard]] std::string textOf(const Json& object, const char* key);
[[nodiscard]] bool truthOf(const Json& object, const char* key);
/// The member as a time, Unix seconds or milliseconds (told apart by size), in ms; `otherwise` when absent, no number or
/// outside the years 1970 to 2100.
[[nodiscard]] std::int64_t timeOf(const Json& object, const char* key, std::int64_t otherwise);
/// The member if it is an object or array; else nullptr.
[[nodiscard]] const Json* partOf(const Json& object, const char* key);

[[nodiscard]] std::unexpected<Error> malformed(std::string what);

/// A message as another program's tree has it. Nodes without a text are left out, their children go to the parent.
struct ForeignNode {
    std::string id;
    std::string parent; ///< empty or unknown = a root
    std::optional<ArchiveMessage> message;
};

/// Nodes in any order, as messages with parents first. `shown` names the node at the end of the shown path, or none.
/// MalformedFile when the parents go in a ring or two nodes have one id.
[[nodiscard]] Result<void> fillTree(ArchiveConversation& conversation, const std::vector<ForeignNode>& nodes, const std::string& shown);

// One reader for each format; each gets the parsed file and says whether it is its own by `looksLike...`.
[[nodiscard]] bool looksLikeHearth(const Json& file);
[[nodiscard]] bool looksLikeChatGpt(const Json& file);
[[nodiscard]] bool looksLikeOpenWebUi(const Json& file);
[[nodiscard]] bool looksLikeLmStudio(const Json& file);
[[nodiscard]] Result<ImportedFile> readHearth(const Json& file);
[[nodiscard]] Result<ImportedFile> readChatGpt(const Json& file);
[[nodiscard]] Result<ImportedFile> readOpenWebUi(const Json& file);
[[nodiscard]] Result<ImportedFile> readLmStudio(const Json& file);
/// GPT4All's own binary file, the whole of it.
[[nodiscard]] bool looksLikeGpt4All(std::string_view bytes);
[[nodiscard]] Result<ImportedFile> readGpt4All(std::string_view bytes);

} // namespace hearth::core
