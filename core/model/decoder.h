// SPDX-License-Identifier: Apache-2.0
//
// The one forward pass of every decoder-only transformer. What differs between architectures is in ModelConfig and in
// which weights are present; there is no branch on a name. It is computed in segments, one after another: runs of layers
// on one back end each. The residual stream crosses from one to the next through host memory, once.
// Per block:  x += Wo attention(rope(norm(Wq h)), rope(norm(Wk h)), Wv h)   with h = rmsNorm(x)
//             x += feedForward(rmsNorm(x)),   feedForward(h) = Wdown (silu(Wgate h) * Wup h), or k of n such experts
// Sources: Vaswani 2017, arXiv:1706.03762; Touvron 2023, arXiv:2302.13971; Shazeer 2020, arXiv:2002.05202 (SwiGLU);
// Jiang 2024, arXiv:2401.04088 (mixture of experts).
// Thread: engine only.
#pragma once

#include "core/model/kv_cache.h"
#include "core/model/model_config.h"
#include "core/model/model_weights.h"
#include "kernels/backend.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace hearth::core {

/// The activations' memory: one allocation, reused by every chunk and layer.
class Scratch {
public:
    /// Rows of logits computed at once when the logits of every token are wanted.
    static constexpr std::int32_t kLogitRows = 16;

    [[nodiscard]] static std::uint64_t bytesFor(const ModelConfig& config, std::int32_t chunk);
    /// nullptr when there is not enough memory.
    [[nodiscard]] static std::unique_ptr<Scratch> create(const ModelConfig& config, kernels::Backend& backend,
                                                         std::int32_t chunk);

    [[nodiscard]] std::uint64_t bytes() const { return m_buffer->bytes(); }

    // All [chunk, ...] f32 unless said otherwise.
    kernels::TensorView residual; ///< x
    kernels::TensorView normed;   ///< h
    kernels::TensorView q, k, v;
    kernels::TensorView attention;            ///< [chunk, queryWidth]
    kernels::TensorView projected;            ///< [chunk, embedding], added to x
    kernels::TensorView gate, up;             ///< [chunk, feedForward]
    kernels::TensorView routerLogits;         ///< [chunk, experts]
    kernels::TensorView expertIds;            ///< I32 [chunk, expertsUsed]
    kernels::TensorView expertWeights;        ///< [chunk, expertsUsed]
    kernels::TensorView expertGate, expertUp; ///< [chunk * expertsUsed, expertFeedForward]
    kernels::TensorView expertOut;            ///< [chunk * expertsUsed, embedding]
    kernels::TensorView logits;               ///< [kLogitRows, vocabulary]
    kernels::TensorView token;                ///< I32 [1, 1]: chosen where the logits are

private:
    Scratch() = default;
    /// Sets the views for memory at `base` (or none) and returns the bytes needed.
    std::uint64_t layOut(const ModelConfig& config, std::int32_t chunk, std::byte* base);

    std::unique_ptr<kernels::Buffer> m_buffer;
};

/// A part of the forward pass that one back end computes.
struct Segment {
    kernels::Backend& backend;
    Scratch& scratch; ///< of this back end
    BackendSide side = BackendSide::Cpu;
    std::int32_t firstLayer = 0;
    std::int32_t endLayer = 0;   ///< one past its last; firstLayer when it has none
    bool embeds = false;         ///< starts from the tokens, else from the carried rows
    bool computesLogits = false; ///< ends with the logits, else with the carried rows
};

/// One chunk of tokens, the same for every segment.
struct DecodeStep {
    const ModelConfig& config;
    const ModelWeights& weights;
    const KvCache& cache;
    std::span<const std::int32_t> tokens; ///< at most the scratch's chunk
    std::int32_t firstPosition = 0;
    std::int32_t logitRows = 0; ///< of the last tokens: 0, 1 or tokens.size()
    std::span<float> logits;    ///< [logitRows, vocabulary], host memory
    std::span<float> carried;   ///< host memory for carriedRows() of x, from the end of a segment to the begin of the next
    const std::function<void(std::int32_t, std::int32_t, std::span<const float>)>& observer;
    /// Not null: of the one row of logits, which stays where it is, the next token is chosen.
    const kernels::SampleRequest* sampling = nullptr;
    std::int32_t chosen = -1; ///< that token, after endStep()
};

/// Rows of x that are left after the first `layers` layers: once the last layer's keys and values are stored, only tokens
/// whose logits are wanted matter. With none left there is nothing more to compute.
[[nodiscard]] std::int64_t carriedRows(const DecodeStep& step, std::int32_t layers);

/// Computes one segment of one chunk between backend.beginStep() and endStep(), which the caller calls. What it downloads
/// is there after endStep(): the logits or the token chosen from them, or else the carried rows.
void decode(const Segment& segment, DecodeStep& step);

} // namespace hearth::core
