// SPDX-License-Identifier: Apache-2.0
//
// Scratch: the memory that activations pass through, on one back end. One allocation, reused by every chunk and layer.
// Thread: engine only.
#pragma once

#include "core/model/model_config.h"
#include "kernels/backend.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace hearth::core {

/// Of latent attention (model_config.h). Rows of heads: [chunk * heads, ...].
struct LatentScratch {
    kernels::TensorView queryDown; ///< [chunk, queryRank]
    kernels::TensorView query;     ///< rows of heads, nopeDim + rope.dims: as the matrix gives them
    kernels::TensorView queryNope; ///< rows of heads, nopeDim (absorbed)
    kernels::TensorView queryUp;   ///< rows of heads, rank (absorbed)
    kernels::TensorView down;      ///< [chunk, rank + rope.dims]
    kernels::TensorView latent;    ///< [chunk, rank]
    kernels::TensorView up;        ///< rows of heads, nopeDim + valueDim (not absorbed)
    kernels::TensorView attended;  ///< rows of heads, rank (absorbed) or valueDim
    kernels::TensorView values;    ///< rows of heads, valueDim (absorbed)
    kernels::TensorView headIds;   ///< I32 [chunk, heads]: 0, 1, 2 ... in every row (absorbed)
};

class Scratch {
public:
    /// Rows of logits computed at once when the logits of every token are wanted.
    static constexpr std::int32_t kLogitRows = 16;

    [[nodiscard]] static std::uint64_t bytesFor(const ModelConfig& config, std::int32_t chunk);
    /// nullptr when there is not enough memory, or the device fails.
    [[nodiscard]] static std::unique_ptr<Scratch> create(const ModelConfig& config, kernels::Backend& backend,
                                                         std::int32_t chunk);

    [[nodiscard]] std::uint64_t bytes() const { return m_buffer->bytes(); }

    // All [chunk, ...] f32 unless said otherwise.
    kernels::TensorView residual; ///< x
    kernels::TensorView normed;   ///< h
    kernels::TensorView q, k, v;
    kernels::TensorView attention;            ///< [chunk, queryWidth]
    kernels::TensorView projected;            ///< [chunk, embedding], added to x
    kernels::TensorView gate, up;             ///< [chunk, the wider of feedForward and sharedFeedForward]
    kernels::TensorView routerLogits;         ///< [chunk, experts]
    kernels::TensorView expertIds;            ///< I32 [chunk, expertsUsed]
    kernels::TensorView expertWeights;        ///< [chunk, expertsUsed]
    kernels::TensorView expertGate, expertUp; ///< [chunk * expertsUsed, expertFeedForward]
    kernels::TensorView expertOut;            ///< [chunk * expertsUsed, embedding]
    kernels::TensorView sharedWeight;         ///< [chunk, 1]
    LatentScratch latent;
    kernels::TensorView logits; ///< [kLogitRows, vocabulary]
    kernels::TensorView token;  ///< I32 [1, 1]: chosen where the logits are

    // Constants, written once.
    kernels::TensorView ones; ///< as wide as gate where there is no gate; [1, embedding] where norms have no weights
    kernels::TensorView half; ///< [1, 1]: 0.5, where a sigmoid weighs the shared expert

private:
    Scratch() = default;
    /// Sets the views for memory at `base` (or none) and returns the bytes needed.
    std::uint64_t layOut(const ModelConfig& config, std::int32_t chunk, std::byte* base);
    [[nodiscard]] bool writeConstants(const ModelConfig& config, kernels::Backend& backend);

    std::unique_ptr<kernels::Buffer> m_buffer;
};

} // namespace hearth::core
