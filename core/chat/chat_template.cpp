// SPDX-License-Identifier: Apache-2.0
#include "core/chat/chat_template.h"

#include "core/chat/jinja/interpreter.h"
#include "core/chat/jinja/lexer.h"
#include "core/chat/jinja/parser.h"

#include <new>

namespace hearth::core {

namespace {

/// Longest template seen in model files: 17 kB.
constexpr std::size_t kLongestSource = 1u << 20;

} // namespace

struct ChatTemplate::Program {
    jinja::Block block;
};

ChatTemplate::ChatTemplate(std::unique_ptr<const Program> program)
    : m_program(std::move(program)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::compile(std::string source) {
    if (source.size() > kLongestSource) return fail(ErrorCode::TemplateLimit, "the chat template is longer than 1 MiB");
    try {
        return ChatTemplate(std::make_unique<const Program>(Program{jinja::parse(jinja::tokenize(std::move(source)))}));
    } catch (const jinja::Failure& failure) {
        return fail(failure.code, failure.message);
    }
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& context, std::chrono::system_clock::time_point now,
                                         const TemplateLimits& limits) const {
    try {
        return jinja::Interpreter(limits, now).run(m_program->block, context);
    } catch (const jinja::Failure& failure) {
        return fail(failure.code, failure.message);
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::TemplateLimit, "the chat template needs more memory than there is");
    }
}

} // namespace hearth::core
