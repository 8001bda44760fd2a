// SPDX-License-Identifier: Apache-2.0
//
// ChatTemplate: a Jinja2 subset, compiled once and rendered per request, as the Hugging Face libraries render
// tokenizer.chat_template: trim_blocks, lstrip_blocks, loop controls, raise_exception, strftime_now, tojson without HTML
// escaping. Hostile input: a template comes from a downloaded file, so time, depth and output are limited.
// Thread: any; const after compile.
#pragma once

#include "core/base/error.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace hearth::core {

struct TemplateLimits {
    std::size_t outputBytes = 64u << 20;
    std::size_t steps = 20'000'000;   ///< evaluated nodes
    int depth = 200;                  ///< nested calls and expressions
    std::chrono::milliseconds time{2000};
};

class ChatTemplate {
public:
    /// TemplateSyntax with line and what was expected; TemplateLimit when nested too deeply.
    [[nodiscard]] static Result<ChatTemplate> compile(std::string source);

    /// context: an object of variables (messages, tools, add_generation_prompt, bos_token ...). ordered_json because tojson
    /// must keep the order of keys. `now`: what strftime_now formats, local time of that instant unless `utc` in tests.
    /// Errors: TemplateRaised (message = raise_exception's text), TemplateRuntime, TemplateLimit.
    [[nodiscard]] Result<std::string> render(const nlohmann::ordered_json& context, std::chrono::system_clock::time_point now,
                                             const TemplateLimits& limits = {}) const;

    ChatTemplate(ChatTemplate&&) noexcept;
    ChatTemplate& operator=(ChatTemplate&&) noexcept;
    ~ChatTemplate();

private:
    struct Program;
    explicit ChatTemplate(std::unique_ptr<const Program> program);
    std::unique_ptr<const Program> m_program;
};

} // namespace hearth::core
