// SPDX-License-Identifier: Apache-2.0
//
// ScriptedGenerator: a TextGenerator that plays a script. For tests of the bridge and the window, and nothing else.
#pragma once

#include "core/engine/text_generator.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace hearth::core {

struct Script {
    std::vector<std::string> pieces{"Hello", " from", " the", " script", "."}; ///< one per token
    std::chrono::milliseconds perPiece{0};
    std::chrono::milliseconds loadTime{0};
    std::optional<Error> loadError;
    std::optional<Error> generateError;   ///< raised after `errorAfterPieces`
    int errorAfterPieces = 0;
    std::optional<ModelInfo> takeOver;    ///< the GPU fails before the second piece; this is the model from then on
    ModelInfo model;                      ///< what load reports; path is taken from the request
};

class ScriptedGenerator final : public TextGenerator {
public:
    explicit ScriptedGenerator(Script script);

    [[nodiscard]] Result<ModelInfo> load(const LoadRequest& request, const std::function<void(const LoadProgress&)>& progress,
                                         std::stop_token stop) override;
    void unload() override;
    /// A token for every four bytes of text, and four for every message.
    [[nodiscard]] Result<std::int32_t> countTokens(const std::vector<ChatMessage>& messages) override;
    [[nodiscard]] Result<GenerationResult> generate(const GenerationRequest& request, const GenerationEvents& events,
                                                    std::stop_token stop) override;

private:
    Script m_script;
    bool m_loaded = false;
};

} // namespace hearth::core
