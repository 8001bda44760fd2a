// SPDX-License-Identifier: Apache-2.0
#include "core/engine/builtin_templates.h"

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

// Sources of the formats: the model makers' documentation of their prompt formats.

constexpr std::string_view kChatMl = R"({% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %})";

constexpr std::string_view kLlama3 = R"({% for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>

{{ message.content | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

{% endif %})";

// No system role: refused here, so that its text goes into the first user turn.
constexpr std::string_view kGemma = R"({% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}<start_of_turn>{{ 'model' if message.role == 'assistant' else 'user' }}
{{ message.content | trim }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %})";

constexpr std::string_view kPhi3 = R"({% for message in messages %}<|{{ message.role }}|>
{{ message.content }}<|end|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %})";

constexpr std::string_view kPlain = R"({% for message in messages %}{% if message.role == 'system' %}{{ message.content }}

{% elif message.role == 'user' %}User: {{ message.content }}
{% else %}Assistant: {{ message.content }}
{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %})";

struct Row {
    std::string_view token; ///< the vocabulary has it: this is the format
    BuiltinTemplate format;
};

const std::array<Row, 5>& rows() {
    static const std::array<Row, 5> kRows{
        Row{"<|im_start|>", {"ChatML", kChatMl, {}}},
        Row{"<|start_header_id|>", {"Llama 3", kLlama3, {}}},
        Row{"<start_of_turn>", {"Gemma", kGemma, {}}},
        Row{"<|end|>", {"Phi-3", kPhi3, {}}},
        Row{"", {"plain text", kPlain, {"\nUser:"}}},
    };
    return kRows;
}

} // namespace

const BuiltinTemplate& builtinTemplateFor(const Vocabulary& vocabulary) {
    for (const Row& row : rows()) {
        if (row.token.empty() || std::ranges::find(vocabulary.tokens, row.token) != vocabulary.tokens.end()) return row.format;
    }
    return rows().back().format;
}

} // namespace hearth::core
