// SPDX-License-Identifier: Apache-2.0
//
// MemoryPlan: where the parts of a model will lie, and how many bytes that takes, decided before anything is allocated. A pure
// function of what the model needs, what room there is and what the user wishes; it asks no device, so that a window may call
// it on every move of a slider. All sums saturate: no number of a file or of a driver can make a plan wrap around.
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/model/placement.h"
#include "kernels/backend.h"
#include "kernels/dtype.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace hearth::core {

class GgufFile;
struct ModelConfig;

/// Bytes that a tensor takes on a GPU: as the back end stores it (kernels/hip/planes.h).
[[nodiscard]] std::uint64_t gpuBytesFor(kernels::DType dtype, std::uint64_t elements);

/// The context that a request gets: 0 = the model's own, at most 8,192. Never under 64.
[[nodiscard]] std::int32_t contextLengthFor(std::int32_t wished, std::int32_t trained);

/// A set of types: bit 1 << DType for each.
using TypeSet = std::uint64_t;
[[nodiscard]] constexpr TypeSet typeBit(kernels::DType dtype) {
    return TypeSet{1} << static_cast<unsigned>(dtype);
}

struct PartBytes {
    std::uint64_t onGpu = 0;
    std::uint64_t inRam = 0;   ///< as in the file, whose mapping the CPU computes from
    TypeSet matrices = 0;      ///< types of its matrices
    TypeSet expertMatrices = 0;///< ... and of those that hold a matrix for each expert
};

/// Tokens of a prompt per forward pass: large enough for matrix speed, small enough that Stop and progress are prompt. The
/// memory for activations is made for as many.
struct PromptChunks {
    std::int32_t withGpu = 512;
    std::int32_t cpuOnly = 512;
};

struct MemoryNeeds {
    std::vector<PartBytes> layerWeights; ///< one for each layer
    PartBytes embedding;
    PartBytes output;           ///< output norm, and output matrix unless tied
    bool tiedOutput = false;    ///< the embedding is the output matrix too; it lies on both sides when they differ
    std::uint64_t scratchBytes = 0; ///< activations, of each back end in use
    std::uint64_t scratchBytesCpuOnly = 0; ///< ... while no GPU is in use
    std::uint64_t gpuWorkBytes = 0; ///< what a GPU back end needs besides: activations in the forms that its products read
    std::int32_t kvHeads = 0;
    std::int32_t headDim = 0;
    std::int32_t trainedContext = 0;
    bool learnedPositions = false; ///< a context ends where it was trained to, whatever is wished
    bool needsSpecials = false;    ///< operations that few models need (specialsOf)
    bool beyondGpu = false;        ///< of these, one that Hearth's GPU back end does not have

    [[nodiscard]] std::int32_t layers() const { return static_cast<std::int32_t>(layerWeights.size()); }
    [[nodiscard]] std::uint64_t kvBytesPerLayer(std::int32_t contextLength, kernels::KvType type) const;
};

/// Of a file that Model::check() accepts with this configuration.
[[nodiscard]] MemoryNeeds memoryNeeds(const GgufFile& file, const ModelConfig& config, const PromptChunks& chunks = {});
/// Opens the file for it; errors are GgufFile::open's and Model::check's. Reads no weight.
[[nodiscard]] Result<MemoryNeeds> readMemoryNeeds(const std::filesystem::path& path, const PromptChunks& chunks = {});

enum class GpuKind : std::uint8_t {
    None,
    Discrete,
    Integrated, ///< its memory is the computer's
};

/// What a GPU computes wrongly, as its self-test says: nothing that needs it may lie there.
struct GpuGaps {
    TypeSet products = 0;       ///< matrices of these types
    TypeSet expertProducts = 0; ///< matrices for each expert
    TypeSet lookups = 0;        ///< token embeddings
    bool mixtures = false;      ///< choosing and mixing experts, whatever their type
    bool q8Cache = false;       ///< keys and values in q8_0
    bool sampling = false;
    bool specials = false;      ///< what few models need (kernels/ops/special.h)

    bool operator==(const GpuGaps&) const = default;
};

/// What there is, now.
struct MemoryRoom {
    GpuKind gpu = GpuKind::None;
    std::uint64_t gpuFree = 0;
    std::uint64_t gpuTotal = 0;
    std::uint64_t ramFree = std::numeric_limits<std::uint64_t>::max(); ///< the largest number: unknown
    /// What a back end takes for itself on the device whatever the model: staging, the rest of its last piece of memory.
    std::uint64_t gpuOverhead = std::uint64_t{32} << 20;
    GpuGaps gaps;
    bool gpuOffersSpecials = false; ///< a back end is open and was asked: MemoryNeeds::beyondGpu does not count

    /// Kept free for the desktop, on every card: whether one drives a display is not known. Of a discrete card 8 %, at
    /// least 512 MiB; of an integrated one 25 %.
    [[nodiscard]] std::uint64_t keptForDesktop() const;
    /// What a model may take.
    [[nodiscard]] std::uint64_t gpuUsable() const;
};

struct PlanWishes {
    std::int32_t contextLength = 0; ///< as contextLengthFor
    kernels::KvType kvType = kernels::KvType::F16;
    std::int32_t gpuLayers = -1; ///< -1 = as many as fit; the number of layers or more = those and the output; 0 = none
    bool preferCpu = false;
};

enum class PlanReason : std::uint8_t {
    Full,               ///< everything on the GPU
    PartFits,           ///< as many layers as fit; possibly all of them, but not the output
    PartWished,         ///< as many layers as were wished for, which are not all
    PartLessThanWished, ///< fewer than wished for: more do not fit
    PartRight,          ///< all that the GPU computes rightly
    CpuWished,
    CpuNoGpu,
    CpuGpuTooSmall,     ///< not even one layer fits
    CpuGpuLacks,        ///< the GPU's kernels lack an operation that the model needs
    CpuGpuWrong,        ///< the GPU computes something wrongly that every layer needs
};

struct MemoryShare {
    std::uint64_t weights = 0;
    std::uint64_t kv = 0;
    std::uint64_t scratch = 0;
    std::uint64_t overhead = 0;

    [[nodiscard]] std::uint64_t total() const;
};

struct MemoryPlan {
    PlanReason reason = PlanReason::CpuNoGpu;
    LayerPlacement placement;
    std::int32_t layers = 0; ///< of the model
    std::int32_t contextLength = 0;
    /// F16 instead of a wished Q8_0 where the head size does not allow that, or a GPU in use computes it wrongly.
    kernels::KvType kvType = kernels::KvType::F16;
    MemoryShare gpu;         ///< predicted; all zero when nothing lies there
    MemoryShare ram;         ///< predicted
    std::uint64_t fullGpuBytes = 0;  ///< what everything would take there
    std::uint64_t leastGpuBytes = 0; ///< what one layer would take there
    std::uint64_t gpuUsable = 0;     ///< of gpuFree, after the desktop's share
    std::uint64_t gpuFree = 0;
    std::uint64_t ramFree = 0;
    std::uint64_t ramNeeded = 0; ///< ram.total(), and gpu.total() too where both are the same memory
    std::int32_t wishedLayers = -1;
    bool q8CacheWrong = false; ///< kvType is F16 because of MemoryRoom::gaps

    [[nodiscard]] bool onGpu() const { return placement.uses(BackendSide::Gpu, layers); }
    [[nodiscard]] std::int32_t layersOnGpu() const { return placement.gpuLayersBefore(layers); }
    /// A part that fits the GPU stays on the CPU because the GPU computes it wrongly.
    [[nodiscard]] bool keepsWrongParts() const;
    /// False: it may run from the disk, page by page, but what is allocated (KV, scratch) may fail.
    [[nodiscard]] bool fitsRam() const { return ramNeeded <= ramFree; }
};

[[nodiscard]] MemoryPlan planMemory(const MemoryNeeds& needs, const MemoryRoom& room, const PlanWishes& wishes);

/// One sentence for people: "24 of 32 layers fit the GPU, with 14.1 GB of the 14.6 GB that are free for models; the CPU
/// computes the rest."
[[nodiscard]] std::string describe(const MemoryPlan& plan);

} // namespace hearth::core
