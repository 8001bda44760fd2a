// SPDX-License-Identifier: Apache-2.0
//
// Placement: which layers of a model lie on the GPU and which on the CPU. The first ones are the GPU's, so that the numbers
// change sides once, but for those that it must not compute; the token embedding lies with layer 0 unless it is kept too, the
// output norm and matrix where they are told to.
// Thread: any (plain values).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::core {

enum class BackendSide : std::uint8_t { Cpu, Gpu };

struct LayerPlacement {
    std::int32_t gpuLayers = 0;  ///< layers [0, gpuLayers) are on the GPU, but for the kept ones
    bool outputOnGpu = false;    ///< output norm and output matrix
    bool embeddingKept = false;  ///< the GPU cannot look up this table: it lies on the CPU
    std::vector<bool> kept{};    ///< layers that stay on the CPU wherever they stand; shorter = none of the rest

    [[nodiscard]] bool isKept(std::int32_t index) const {
        return static_cast<std::size_t>(index) < kept.size() && kept[static_cast<std::size_t>(index)];
    }
    [[nodiscard]] BackendSide layer(std::int32_t index) const {
        return index < gpuLayers && !isKept(index) ? BackendSide::Gpu : BackendSide::Cpu;
    }
    [[nodiscard]] BackendSide embedding() const { return embeddingKept ? BackendSide::Cpu : layer(0); }
    [[nodiscard]] BackendSide output() const { return outputOnGpu ? BackendSide::Gpu : BackendSide::Cpu; }
    /// Layers on the GPU before layer `index`; with the number of layers, all of them.
    [[nodiscard]] std::int32_t gpuLayersBefore(std::int32_t index) const;
    /// Whether anything of a model of so many layers lies there.
    [[nodiscard]] bool uses(BackendSide side, std::int32_t layers) const {
        const std::int32_t onGpu = gpuLayersBefore(layers);
        return side == BackendSide::Gpu ? onGpu > 0 || outputOnGpu
                                        : onGpu < layers || !outputOnGpu || embedding() == BackendSide::Cpu;
    }

    bool operator==(const LayerPlacement&) const = default;
};

enum class ModelPart : std::uint8_t {
    Embedding,
    Layer,
    Output, ///< whatever comes after the last layer
};

struct TensorPlace {
    ModelPart part = ModelPart::Output;
    std::int32_t layer = -1; ///< of a Layer
};

/// Where the tensor of this name is used: "blk.7.attn_q.weight" in layer 7. Names: the GGUF specification.
[[nodiscard]] TensorPlace placeOf(std::string_view tensorName);

[[nodiscard]] inline BackendSide sideOf(const TensorPlace& place, const LayerPlacement& placement) {
    switch (place.part) {
    case ModelPart::Embedding: return placement.embedding();
    case ModelPart::Layer: return placement.layer(place.layer);
    case ModelPart::Output: break;
    }
    return placement.output();
}

} // namespace hearth::core
