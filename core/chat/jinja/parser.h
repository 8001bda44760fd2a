// SPDX-License-Identifier: Apache-2.0
//
// Parser: tokens to syntax tree, by recursive descent with Jinja2's precedences.
#pragma once

#include "core/chat/jinja/ast.h"
#include "core/chat/jinja/lexer.h"

namespace hearth::core::jinja {

/// Throws Failure: TemplateSyntax with line and what was expected, TemplateLimit when nested too deeply.
[[nodiscard]] Block parse(std::vector<Token> tokens);

} // namespace hearth::core::jinja
