// SPDX-License-Identifier: Apache-2.0
//
// Engine: the TextGenerator of this machine. Owns the model file, the back end, the tokenizer and one session (the KV
// cache with the tokens in it). Each request carries the whole conversation; what it has in common with the cache is kept,
// so continuing, editing or regenerating computes only what changed. The model goes to a GPU when one can be used; when
// that fails, at load or in the middle of a reply, the CPU takes over from the same token (engine_placement.cpp).
// Thread: one (the engine's).
#pragma once

#include "core/catalog/memory_plan.h"
#include "core/engine/chat_prompt.h"
#include "core/engine/gpu_access.h"
#include "core/engine/text_generator.h"
#include "core/model/model.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/backend.h"
#include "kernels/cpu/cpu_features.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace hearth::core {

struct EngineOptions {
    std::optional<kernels::CpuPath> cpuPath; ///< tests and benchmarks force one
    std::function<std::unique_ptr<GpuAccess>()> gpus; ///< called before the first load; empty = no GPU is looked for
    /// Tokens computed ahead of a reply, as the conversation makes them likely (prompt_lookup.h), while the CPU does it all; 0 = none.
    /// Up to three cost little: products of up to four rows read each weight once, as those of one do. The reply stays the same but for
    /// rounding, which may decide between two logits that are equal but for the last digits.
    std::int32_t guesses = 3;
    bool sampleOnGpu = true; ///< false: the CPU chooses every token; the same ones, more slowly
};

class PromptLookup;
class Sampler;

class Engine final : public TextGenerator {
public:
    explicit Engine(EngineOptions options = {});
    ~Engine() override;

    [[nodiscard]] Result<ModelInfo> load(const LoadRequest& request, const std::function<void(const LoadProgress&)>& progress,
                                         std::stop_token stop) override;
    void unload() override;
    [[nodiscard]] Result<GenerationResult> generate(const GenerationRequest& request, const GenerationEvents& events,
                                                    std::stop_token stop) override;

    [[nodiscard]] Result<std::int32_t> countTokens(const std::vector<ChatMessage>& messages) override;

    /// Every device and the reason of each that is not used; works without a model. Only error: Cancelled.
    [[nodiscard]] Result<DeviceList> devices(std::string_view wanted = {}, std::stop_token stop = {}) override;

    /// Forgets that a device crashed or failed: the next look and load try it again.
    void retryGpus() override;

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
    /// One step of a reply, the way generate() takes it: feeds a token, returns the one that is chosen next; the sampler counts
    /// the choice and has not accepted the token yet. MalformedFile when no logit is finite.
    [[nodiscard]] Result<TokenId> chooseStep(TokenId token, Sampler& sampler, std::stop_token stop = {});
    /// Whether the GPU chooses the tokens of a reply with this sampler: its settings fit, and the logits are there.
    [[nodiscard]] bool choosesOnGpu(const Sampler& sampler) const;
    /// Forgets all but the first `keep` tokens of the session.
    void clearSession(std::size_t keep = 0);
    /// Bytes of weights that one decoding step reads (all but the embedding rows it does not look up).
    [[nodiscard]] std::uint64_t weightBytesPerToken() const;
    /// Bytes per second that the device with the weights reads at most, measured now; nullopt when no model is loaded or its
    /// back end does not measure itself.
    [[nodiscard]] std::optional<double> deviceReadBandwidth();

private:
    struct ReplyWriter;
    /// Where the model is, and why there.
    struct Placement {
        Device device;            ///< of the GPU; id empty = the CPU
        std::string gpuName;      ///< also after the GPU failed
        GpuReason reason = GpuReason::Ok;
        std::string explanation;  ///< of the reason
        MemoryPlan plan;          ///< which layers lie on the GPU
        GpuGaps gaps;             ///< what the GPU in use must not be given; `sampling` is for the one who chooses tokens
        bool fallback = false;
    };
    /// Whom a reply under way tells that the CPU takes over.
    struct Takeover {
        const GenerationEvents& events;
        std::vector<std::string>& notices;
    };

    // engine_placement.cpp
    [[nodiscard]] GpuAccess* gpus();
    [[nodiscard]] Result<void> placeModel(GgufFile file, const std::function<void(const LoadProgress&)>& progress, std::stop_token stop);
    [[nodiscard]] Result<void> choosePlacement(std::stop_token stop);
    /// Opens the chosen GPU; on failure the placement becomes the CPU.
    void openGpu();
    void closeGpu();
    /// As much as the open GPU takes of this file; all on the CPU without one.
    [[nodiscard]] Result<MemoryPlan> makePlan(const GgufFile& file);
    /// The model on the open GPU and the CPU, as planned, with its cache.
    [[nodiscard]] Result<void> loadHere(GgufFile file, const std::function<void(const LoadProgress&)>& progress, std::stop_token stop);
    void leaveGpu(const Error& error);
    void leaveGpuTo(kernels::SpecialOperation lacked);
    /// After a failure of the GPU: the model on the CPU, the session's tokens computed anew.
    [[nodiscard]] Result<void> takeOver(const Error& error, std::stop_token stop);
    [[nodiscard]] Result<void> loadOnCpu();
    void releaseModel();
    [[nodiscard]] bool isGpuFailure(const Error& error) const;

    /// What is to come out of a feed. With a sampler the logits may stay where they are: choose() is called next.
    struct Wanted {
        LogitsWanted logits = LogitsWanted::None;
        const Sampler* sampler = nullptr;
    };
    /// Brings the session to exactly `ids`; keeps the common prefix. The last token's feed has the sampler, if any.
    [[nodiscard]] Result<void> computePrompt(std::span<const TokenId> ids, const Sampler* sampler, const GenerationEvents& events,
                                             GenerationStats& stats, std::stop_token stop);
    /// Appends ids to the session; m_logits or m_chosen then holds what was wanted.
    [[nodiscard]] Result<void> feed(std::span<const TokenId> ids, Wanted wanted, std::stop_token stop);
    [[nodiscard]] Result<void> feedHere(std::span<const TokenId> ids, Wanted wanted, std::stop_token stop);
    /// The token after a feed for this sampler, wherever it was chosen.
    /// `generated`: tokens of the reply before this one.
    [[nodiscard]] bool endsReply(TokenId token, std::int32_t generated) const;
    [[nodiscard]] Result<TokenId> choose(Sampler& sampler);
    /// Makes `token` the last of the session and its logits, or what the GPU chose after it, those that choose() takes.
    [[nodiscard]] Result<void> goOn(TokenId token, PromptLookup& lookup, const Sampler& sampler, GenerationStats& stats, std::stop_token stop);
    /// Forgets guesses that have not come true.
    void dropGuesses();
    /// Ids that may be chosen: an embedding may have more rows than the vocabulary has tokens (padding).
    [[nodiscard]] std::size_t choosableTokens() const;
    [[nodiscard]] Result<void> checkReady();
    [[nodiscard]] ModelInfo describe() const;

    EngineOptions m_options;
    std::unique_ptr<GpuAccess> m_gpus;       ///< before the back ends: freed after them
    std::unique_ptr<kernels::Backend> m_cpuBackend;
    std::unique_ptr<kernels::Backend> m_gpuBackend; ///< null while the CPU does all
    std::unique_ptr<Model> m_model;          ///< after the back ends: freed before them
    std::optional<KvCache> m_cache;
    std::unique_ptr<Tokenizer> m_tokenizer;
    std::unique_ptr<ChatPrompt> m_prompt;
    std::vector<TokenId> m_session;          ///< the tokens whose keys and values are in m_cache
    std::vector<float> m_logits;             ///< the last row, or one for each guess after the row before them
    std::size_t m_ahead = 0;                 ///< the session's last tokens that are guesses still
    /// What the GPU chose, if it did; the inner nullopt: no logit is finite.
    std::optional<std::optional<TokenId>> m_chosen;
    std::vector<TokenId> m_dryBreakers;
    LoadRequest m_request;                   ///< what is loaded
    Placement m_placement;
    Takeover* m_takeover = nullptr;          ///< while a reply is under way
    std::int32_t m_contextLength = 0;
    std::int32_t m_lastDropped = 0;
};

} // namespace hearth::core
