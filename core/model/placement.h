// SPDX-License-Identifier: Apache-2.0
//
// Placement: which layers of a model lie on the GPU and which on the CPU. The first ones are the GPU's, so that the numbers
// change sides once; the token embedding lies with layer 0, the output norm and matrix where they are told to.
// Thread: any (plain values).
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::core {

enum class BackendSide : std::uint8_t { Cpu, Gpu };

struct LayerPlacement {
    std::int32_t gpuLayers = 0; ///< layers [0, gpuLayers) are on the GPU
    bool outputOnGpu = false;   ///< output norm and output matrix

    [[nodiscard]] BackendSide layer(std::int32_t index) const {
        return index < gpuLayers ? BackendSide::Gpu : BackendSide::Cpu;
    }
    [[nodiscard]] BackendSide embedding() const { return layer(0); }
    [[nodiscard]] BackendSide output() const { return outputOnGpu ? BackendSide::Gpu : BackendSide::Cpu; }
    /// Whether anything of a model of so many layers lies there.
    [[nodiscard]] bool uses(BackendSide side, std::int32_t layers) const {
        return side == BackendSide::Gpu ? gpuLayers > 0 || outputOnGpu : gpuLayers < layers || !outputOnGpu;
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
