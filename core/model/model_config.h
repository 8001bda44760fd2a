// SPDX-License-Identifier: Apache-2.0
//
// ModelConfig: every number and choice that the forward pass needs, read once from the file by the architecture
// (core/model/arch/). The decoder looks only at this; it knows no architecture by name. Thread: any (plain values).
#pragma once

#include "kernels/backend.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::core {

enum class NormKind : std::uint8_t {
    Rms,
    Layer,          ///< with weights, and biases where ModelConfig::normBiases
    LayerUnweighted ///< layer norm whose weights are all 1: none in the file (olmo)
};

/// What the feed-forward of a block reads, and when.
enum class BlockForm : std::uint8_t {
    Sequential,       ///< its own norm of x after the attention was added
    ParallelOneNorm,  ///< what the attention reads: one norm of x before it (phi2, command-r, falcon)
    ParallelTwoNorms, ///< its own norm of x before the attention was added (gptneox)
};

enum class FeedForwardForm : std::uint8_t {
    SwiGlu, ///< down (silu(gate) * up)
    GeGlu,  ///< down (gelu(gate) * up)
    Gelu,   ///< down gelu(up): no gate
    ClampedSwiGlu, ///< experts of gpt-oss: Backend::clampedSwiGlu
};

enum class QueryKeyNorm : std::uint8_t {
    None,
    PerHead, ///< one RMS norm of headDim weights for every head (qwen3, gemma3)
    Whole,   ///< RMS norm over all heads of a token (olmo2)
};

/// What may differ from layer to layer.
struct LayerKind {
    bool experts = false; ///< a mixture of experts instead of the dense feed-forward
    bool sliding = false; ///< attention sees ModelConfig::slidingWindow tokens, and turns by ModelConfig::slidingRope
    bool rotated = true;  ///< false: no rotary embedding in this layer (smollm3)
};

/// Multi-head latent attention (DeepSeek 2): keys and values of all heads come from one short vector per token.
struct LatentAttention {
    std::int32_t queryRank = 0; ///< width between the two query matrices; 0 = one matrix
    std::int32_t rank = 0;      ///< width of the latent vector; 0 = the model has ordinary attention
    std::int32_t nopeDim = 0;   ///< elements of each key that are not rotated; the others are rope.dims
    std::int32_t valueDim = 0;  ///< of each head's values
    /// True: the cache holds the latent vector itself and queries are mapped to it (attn_k_b, attn_v_b). False: it holds
    /// every head's key and value (attn_kv_b).
    bool absorbed = false;
};

struct ModelConfig {
    std::string architecture; ///< "llama"
    std::int32_t layers = 0;
    std::int32_t embedding = 0; ///< width of the residual stream
    std::int32_t heads = 0;     ///< query heads
    std::int32_t kvHeads = 0;   ///< divides heads
    std::int32_t headDim = 0;
    std::int32_t feedForward = 0; ///< width of the dense feed-forward; 0 when every layer is a mixture
    std::int32_t vocabulary = 0;  ///< length of the token list
    std::int32_t trainedContext = 0;
    std::int32_t originalContext = 0; ///< before its rotations were stretched; trainedContext when they were not
    std::vector<LayerKind> layerKinds; ///< [layers]

    NormKind norm = NormKind::Rms;
    float normEpsilon = 0.0f;
    bool normBiases = false;
    bool preNorms = true;   ///< norms before attention and feed-forward
    bool postNorms = false; ///< norms of what attention and feed-forward give, before it is added
    BlockForm block = BlockForm::Sequential;

    float embeddingScale = 1.0f;
    float residualScale = 1.0f; ///< of what attention and feed-forward add to x
    float logitScale = 1.0f;
    float logitSoftcap = 0.0f; ///< 0 = off
    bool learnedPositions = false; ///< position_embd: a vector per position up to trainedContext, added to the embedding

    float attentionScale = 0.0f; ///< 1 / sqrt(headDim) unless the architecture says otherwise
    float attentionSoftcap = 0.0f; ///< 0 = off
    std::int32_t slidingWindow = 0;
    QueryKeyNorm queryKeyNorm = QueryKeyNorm::None;
    LatentAttention latent;

    kernels::RopeParams rope; ///< frequencyFactors is set by the weight loader; dims == 0: none
    kernels::RopeParams slidingRope; ///< of sliding layers

    FeedForwardForm feedForwardForm = FeedForwardForm::SwiGlu;
    std::int32_t experts = 0; ///< 0 = dense
    std::int32_t expertsUsed = 0;
    std::int32_t expertFeedForward = 0;
    std::int32_t sharedFeedForward = 0; ///< width of the shared expert, which every token uses; 0 = none
    bool sharedExpertGate = false;      ///< it is weighted by the sigmoid of a product with h (qwen2moe)
    bool renormaliseExperts = true;     ///< the chosen experts' weights are made to sum to 1
    float expertWeightScale = 1.0f;

    [[nodiscard]] std::int32_t queryWidth() const { return heads * headDim; }
    [[nodiscard]] std::int32_t kvWidth() const { return kvHeads * headDim; }
    [[nodiscard]] const LayerKind& kind(std::int32_t layer) const { return layerKinds[static_cast<std::size_t>(layer)]; }
    /// Tokens that a cache may hold; trainedContext is only advice where positions are not learned.
    [[nodiscard]] bool reaches(std::int32_t contextLength) const {
        return !learnedPositions || contextLength <= trainedContext;
    }
};

} // namespace hearth::core
