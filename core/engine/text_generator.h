// SPDX-License-Identifier: Apache-2.0
//
// TextGenerator: what the window knows of a model, wherever it runs. Implementations: Engine (this machine),
// ScriptedGenerator (tests), later a remote server. Blocking calls, made on one worker thread.
// A stop request ends load or generate in < 250 ms; generate then returns FinishReason::Cancelled with what there was,
// load returns ErrorCode::Cancelled.
#pragma once

#include "core/base/error.h"
#include "core/engine/devices.h"
#include "core/engine/generation.h"

#include <functional>
#include <stop_token>
#include <string_view>

namespace hearth::core {

/// Called on the thread that called load or generate; must return quickly. Any may be empty.
struct GenerationEvents {
    std::function<void(const PromptProgress&)> promptProgress;
    std::function<void(std::string_view)> text;            ///< the shown text (GenerationResult): whole UTF-8, in order
    std::function<void(const ReplyDelta&)> part;           ///< the same taken apart: reasoning, content, calls
    std::function<void(const GenerationStats&)> stats;     ///< after every token: live figures for the panel
    std::function<void(const ModelInfo&)> backendChanged;  ///< the GPU failed; the CPU carries this reply on
};

class TextGenerator {
public:
    virtual ~TextGenerator() = default;

    /// Every device and the reason of each that is not used, with the one for `wanted` marked (devices.h); works without a
    /// model. Empty where there is no choice of devices. Only error: Cancelled.
    [[nodiscard]] virtual Result<DeviceList> devices(std::string_view /*wanted*/, std::stop_token /*stop*/) { return DeviceList{}; }
    /// Forgets that a device crashed or failed: the next look and load try it again.
    virtual void retryGpus() {}

    /// Tokens of these messages as a prompt, with what the model's template puts around them. NoModelLoaded without a model, and
    /// where the generator has no tokenizer to ask.
    [[nodiscard]] virtual Result<std::int32_t> countTokens(const std::vector<ChatMessage>& /*messages*/) {
        return fail(ErrorCode::NoModelLoaded, "no tokenizer to count with");
    }

    /// Replaces whatever was loaded. On error or cancel nothing is loaded.
    [[nodiscard]] virtual Result<ModelInfo> load(const LoadRequest& request, const std::function<void(const LoadProgress&)>& progress,
                                                 std::stop_token stop) = 0;
    virtual void unload() = 0;
    [[nodiscard]] virtual Result<GenerationResult> generate(const GenerationRequest& request, const GenerationEvents& events,
                                                            std::stop_token stop) = 0;
};

} // namespace hearth::core
