// SPDX-License-Identifier: Apache-2.0
//
// The one forward pass of every decoder-only transformer. What differs between architectures is in ModelConfig and in
// which weights are present; there is no branch on a name. It is computed in segments, one after another: runs of layers
// on one back end each. The residual stream crosses from one to the next through host memory, once.
// Per block:  x += Wo attention(rope(norm(Wq h)), rope(norm(Wk h)), Wv h)   with h = norm(x)
//             x += feedForward(norm(x)),   feedForward(h) = Wdown (act(Wgate h) * Wup h), or k of n such experts
// or both from x as it was (parallel blocks); with norms after them, scales, biases and caps where the model has them.
// Sources: Vaswani 2017, arXiv:1706.03762; Touvron 2023, arXiv:2302.13971; Shazeer 2020, arXiv:2002.05202 (SwiGLU);
// Jiang 2024, arXiv:2401.04088 (mixture of experts).
// Thread: engine only.
#pragma once

#include "core/model/kv_cache.h"
#include "core/model/model_config.h"
#include "core/model/model_weights.h"
#include "core/model/scratch.h"
#include "kernels/backend.h"

#include <cstdint>
#include <functional>
#include <span>

namespace hearth::core {

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
