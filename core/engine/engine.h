// SPDX-License-Identifier: Apache-2.0
//
// Engine: the TextGenerator of this machine. Owns the model file, the back end, the tokenizer and one session (the KV
// cache with the tokens in it). Each request carries the whole conversation; what it has in common with the cache is kept,
// so continuing, editing or regenerating computes only what changed.
// Thread: one (the engine's).
#pragma once

#include "core/engine/chat_prompt.h"
#include "core/engine/text_generator.h"
#include "core/model/model.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/backend.h"
#include "kernels/cpu/cpu_features.h"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace hearth::core {

struct EngineOptions {
    std::optional<kernels::CpuPath> cpuPath; ///< tests and benchmarks force one
};

class Engine final : public TextGenerator {
public:
    explicit Engine(EngineOptions options = {});
    ~Engine() override;

    [[nodiscard]] Result<ModelInfo> load(const LoadRequest& request, const std::function<void(const LoadProgress&)>& progress,
                                         std::stop_token stop) override;
    void unload() override;
    [[nodiscard]] Result<GenerationResult> generate(const GenerationRequest& request, const GenerationEvents& events,
                                                    std::stop_token stop) override;

    // --- for hearth-cli and tests -------------------------------------------------------------------------------
    [[nodiscard]] const Tokenizer* tokenizer() const { return m_tokenizer.get(); }
    [[nodiscard]] ChatPrompt* chatPrompt() { return m_prompt.get(); }
    /// Logits of every position [ids.size(), vocabulary]; replaces the session.
    /// Errors of this group: NoModelLoaded, InvalidArgument (an id out of range, too many), and Model::forward's.
    [[nodiscard]] Result<std::vector<float>> logits(std::span<const TokenId> ids, std::stop_token stop = {});
    /// Computes the ids into an emptied session (benchmarks); only the last row's logits are made.
    [[nodiscard]] Result<void> prefill(std::span<const TokenId> ids, std::stop_token stop = {});
    /// One decoding step: feeds a token, returns the next row of logits.
    [[nodiscard]] Result<std::span<const float>> decodeStep(TokenId token, std::stop_token stop = {});
    /// Forgets all but the first `keep` tokens of the session.
    void clearSession(std::size_t keep = 0);
    /// Bytes of weights that one decoding step reads (all but the embedding rows it does not look up).
    [[nodiscard]] std::uint64_t weightBytesPerToken() const;
    /// Bytes per second that the device with the weights reads at most, measured now; nullopt when no model is loaded or its
    /// back end does not measure itself.
    [[nodiscard]] std::optional<double> deviceReadBandwidth();

private:
    struct ReplyWriter;

    /// Brings the session to exactly `ids`; keeps the common prefix. m_logits then holds the last row.
    [[nodiscard]] Result<void> computePrompt(std::span<const TokenId> ids, const GenerationEvents& events, GenerationStats& stats,
                                             std::stop_token stop);
    /// Appends ids to the session; m_logits then holds what was wanted.
    [[nodiscard]] Result<void> feed(std::span<const TokenId> ids, LogitsWanted wanted, std::stop_token stop);
    [[nodiscard]] Result<void> checkReady() const;
    [[nodiscard]] ModelInfo describe(const LoadRequest& request) const;

    EngineOptions m_options;
    std::unique_ptr<kernels::Backend> m_backend;
    std::unique_ptr<Model> m_model;          ///< after the back end: freed before it
    std::optional<KvCache> m_cache;
    std::unique_ptr<Tokenizer> m_tokenizer;
    std::unique_ptr<ChatPrompt> m_prompt;
    std::vector<TokenId> m_session;          ///< the tokens whose keys and values are in m_cache
    std::vector<float> m_logits;
    std::vector<TokenId> m_dryBreakers;
    std::int32_t m_contextLength = 0;
    std::int32_t m_lastDropped = 0;
};

} // namespace hearth::core
