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

/// Bytes that a tensor takes on a GPU.
[[nodiscard]] std::uint64_t gpuBytesFor(kernels::DType dtype, std::uint64_t elements);

/// The context that a request gets: 0 = the model's own, at most 8,192. Never under 64.
[[nodiscard]] std::int32_t contextLengthFor(std::int32_t wished, std::int32_t trained);

struct PartBytes {
    std::uint64_t onGpu = 0;
    std::uint64_t inRam = 0; ///< as in the file, whose mapping the CPU computes from
};

struct MemoryNeeds {
    std::vector<PartBytes> layerWeights; ///< one for each layer
    PartBytes embedding;
    PartBytes output;           ///< output norm, and output matrix unless tied
    bool tiedOutput = false;    ///< the embedding is the output matrix too; it lies on both sides when they differ
    std::uint64_t scratchBytes = 0; ///< activations, of each back end in use
    std::int32_t kvHeads = 0;
    std::int32_t headDim = 0;
    std::int32_t trainedContext = 0;

    [[nodiscard]] std::int32_t layers() const { return static_cast<std::int32_t>(layerWeights.size()); }
    [[nodiscard]] std::uint64_t kvBytesPerLayer(std::int32_t contextLength, kernels::KvType type) const;
};

/// Of a file that Model::check() accepts with this configuration.
[[nodiscard]] MemoryNeeds memoryNeeds(const GgufFile& file, const ModelConfig& config, std::int32_t prefillChunk = 256);
/// Opens the file for it; errors are GgufFile::open's and Model::check's. Reads no weight.
[[nodiscard]] Result<MemoryNeeds> readMemoryNeeds(const std::filesystem::path& path, std::int32_t prefillChunk = 256);

enum class GpuKind : std::uint8_t {
    None,
    Discrete,
    Integrated, ///< its memory is the computer's
};

/// What there is, now.
struct MemoryRoom {
    GpuKind gpu = GpuKind::None;
    std::uint64_t gpuFree = 0;
    std::uint64_t gpuTotal = 0;
    std::uint64_t ramFree = std::numeric_limits<std::uint64_t>::max(); ///< the largest number: unknown
    /// What a back end takes for itself on the device: staging, partial sums of attention, padding.
    std::uint64_t gpuOverhead = std::uint64_t{64} << 20;

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
    CpuWished,
    CpuNoGpu,
    CpuGpuTooSmall,     ///< not even one layer fits
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
    kernels::KvType kvType = kernels::KvType::F16; ///< F16 instead of a wished Q8_0 that the head size does not allow
    MemoryShare gpu;         ///< predicted; all zero when nothing lies there
    MemoryShare ram;         ///< predicted
    std::uint64_t fullGpuBytes = 0;  ///< what everything would take there
    std::uint64_t leastGpuBytes = 0; ///< what one layer would take there
    std::uint64_t gpuUsable = 0;     ///< of gpuFree, after the desktop's share
    std::uint64_t gpuFree = 0;
    std::uint64_t ramFree = 0;
    std::uint64_t ramNeeded = 0; ///< ram.total(), and gpu.total() too where both are the same memory
    std::int32_t wishedLayers = -1;

    [[nodiscard]] bool onGpu() const { return placement.uses(BackendSide::Gpu, layers); }
    /// False: it may run from the disk, page by page, but what is allocated (KV, scratch) may fail.
    [[nodiscard]] bool fitsRam() const { return ramNeeded <= ramFree; }
};

[[nodiscard]] MemoryPlan planMemory(const MemoryNeeds& needs, const MemoryRoom& room, const PlanWishes& wishes);

/// One sentence for people: "24 of 32 layers fit the GPU, with 14.1 GB of the 14.6 GB that are free for models; the CPU
/// computes the rest."
[[nodiscard]] std::string describe(const MemoryPlan& plan);

} // namespace hearth::core
