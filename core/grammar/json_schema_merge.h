// SPDX-License-Identifier: Apache-2.0
//
// Several schemas that must all hold, as one: allOf, $ref with keywords beside it, alternatives with keywords beside them.
// Thread: any.
#pragma once

#include "core/base/error.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace hearth::core {

/// What "#/a/b" means in `root`; null when it leads nowhere or out of the schema.
[[nodiscard]] const nlohmann::ordered_json* resolveRef(const nlohmann::ordered_json& root, const std::string& ref);

/// Whether keywords that restrict stand beside `keyword`.
[[nodiscard]] bool hasConstraintsBeside(const nlohmann::ordered_json& schema, std::string_view keyword);

/// `schema` with its allOf and $ref taken in. InvalidArgument (without "JSON schema:") when two of them cannot be put together.
[[nodiscard]] Result<nlohmann::ordered_json> mergedSchema(const nlohmann::ordered_json& root, const nlohmann::ordered_json& schema);

} // namespace hearth::core
