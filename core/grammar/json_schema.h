// SPDX-License-Identifier: Apache-2.0
//
// From a JSON schema (2020-12, and the older spellings of its parts) to a grammar of the JSON texts that it allows.
// Done: type (also lists), properties, required, additionalProperties, items, prefixItems, minItems, maxItems, enum, const,
// minLength, maxLength, pattern (JsonPattern), format (date, time, date-time, uuid, ipv4), minimum, maximum and their exclusive
// forms, anyOf, oneOf (as anyOf: that only one fits is not checked), allOf (merged), $ref within the schema, true and {}.
// Every text that the grammar allows is valid, not every valid text is allowed: properties come in the schema's order, others
// than the named ones only where additionalProperties asks for them, numbers have at most 15 digits before the point.
// A keyword that restricts and is not done is refused by name; annotations and unknown keywords mean nothing, as the standard has it.
// Source: json-schema.org, draft 2020-12; RFC 8259.
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/grammar/grammar.h"

#include <string_view>

namespace hearth::core {

/// InvalidArgument: no JSON, a keyword that is not done or has a wrong value, a $ref that leads nowhere, too deep or large.
[[nodiscard]] Result<Grammar> jsonSchemaGrammar(std::string_view schema);

} // namespace hearth::core
