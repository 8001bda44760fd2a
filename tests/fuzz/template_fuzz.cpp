// SPDX-License-Identifier: Apache-2.0
//
// Any text as a chat template: it compiles or says why not; it renders within its limits, to valid UTF-8, or says why not.
#include "core/base/utf8.h"
#include "core/chat/chat_template.h"
#include "tests/fuzz/fuzz_target.h"

#include <string>

using namespace hearth::core;
using hearth::test::require;

namespace {

/// Small limits: an input that spends them must come back soon.
constexpr TemplateLimits kLimits{.outputBytes = 1u << 16, .steps = 20'000, .depth = 60, .time = std::chrono::milliseconds(500)};

const nlohmann::ordered_json& context() {
    static const nlohmann::ordered_json kContext = nlohmann::ordered_json::parse(R"({
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi <b> ü"},
                     {"role": "assistant", "content": "Hello", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": 1.5}}}]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
        "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>"})");
    return kContext;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string source(reinterpret_cast<const char*>(data), size);
    const auto compiled = ChatTemplate::compile(source);
    if (!compiled) {
        require(!compiled.error().message.empty(), "a syntax error says what is wrong");
        return 0;
    }
    const auto text = compiled->render(context(), std::chrono::system_clock::from_time_t(0), kLimits);
    if (text) {
        require(text->size() <= kLimits.outputBytes, "the output keeps its limit");
        require(!utf8::isValid(source) || utf8::isValid(*text), "valid UTF-8 stays valid");
    }
    return 0;
}
