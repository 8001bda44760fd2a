// SPDX-License-Identifier: Apache-2.0
#include "core/catalog/memory_plan.h"

#include "core/gguf/gguf_file.h"
#include "core/model/decoder.h"
#include "core/model/kv_cache.h"
#include "core/model/model.h"
#include "core/model/weight_loader.h"

#include <algorithm>
#include <initializer_list>

namespace hearth::core {

using kernels::KvType;

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;

constexpr std::int32_t kLongestDefaultContext = 8192;
constexpr std::int32_t kShortestContext = 64;

/// Tensors are padded to this in a device's memory.
constexpr std::uint64_t kGpuGranularity = 256;

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? kMost : sum;
}

std::uint64_t sumOf(std::initializer_list<std::uint64_t> values) {
    std::uint64_t sum = 0;
    for (const std::uint64_t value : values)
        sum = plus(sum, value);
    return sum;
}

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? kMost : product;
}

std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : 0;
}

void grow(PartBytes& part, const GgufTensor& tensor) {
    std::uint64_t elements = 1;
    for (const std::uint64_t dim : tensor.dims)
        elements = times(elements, dim);
    part.onGpu = plus(part.onGpu, gpuBytesFor(tensor.dtype, elements));
    part.inRam = plus(part.inRam, tensor.byteSize);
}

/// Predicts for any placement; what it says is what Model, its cache and its scratch memory then ask for.
class Predictor {
public:
    Predictor(const MemoryNeeds& needs, std::uint64_t gpuOverhead, std::int32_t contextLength, KvType kvType)
        : m_needs(needs)
        , m_gpuOverhead(gpuOverhead)
        , m_kvPerLayer(needs.kvBytesPerLayer(contextLength, kvType)) {}

    [[nodiscard]] MemoryShare gpu(const LayerPlacement& placement) const {
        MemoryShare share = on(BackendSide::Gpu, placement, &PartBytes::onGpu, 0, placement.gpuLayers);
        if (placement.uses(BackendSide::Gpu, m_needs.layers())) share.overhead = m_gpuOverhead;
        return share;
    }
    [[nodiscard]] MemoryShare ram(const LayerPlacement& placement) const {
        return on(BackendSide::Cpu, placement, &PartBytes::inRam, placement.gpuLayers, m_needs.layers());
    }

private:
    [[nodiscard]] MemoryShare on(BackendSide side, const LayerPlacement& placement, std::uint64_t PartBytes::*bytes,
                                 std::int32_t first, std::int32_t end) const {
        MemoryShare share;
        if (!placement.uses(side, m_needs.layers())) return share;
        for (std::int32_t i = first; i < end; ++i)
            share.weights = plus(share.weights, m_needs.layerWeights[static_cast<std::size_t>(i)].*bytes);
        const bool embeds = placement.embedding() == side;
        const bool computesLogits = placement.output() == side;
        if (embeds || (computesLogits && m_needs.tiedOutput)) share.weights = plus(share.weights, m_needs.embedding.*bytes);
        if (computesLogits) share.weights = plus(share.weights, m_needs.output.*bytes);
        share.kv = times(m_kvPerLayer, static_cast<std::uint64_t>(end - first));
        share.scratch = m_needs.scratchBytes;
        return share;
    }

    const MemoryNeeds& m_needs;
    std::uint64_t m_gpuOverhead;
    std::uint64_t m_kvPerLayer;
};

} // namespace

std::uint64_t gpuBytesFor(kernels::DType dtype, std::uint64_t elements) {
    const kernels::DTypeInfo& type = kernels::info(dtype);
    const std::uint64_t bytes = times(elements / type.elementsPerBlock, type.bytesPerBlock);
    return plus(bytes, kGpuGranularity - 1) / kGpuGranularity * kGpuGranularity;
}

std::int32_t contextLengthFor(std::int32_t wished, std::int32_t trained) {
    return std::max(wished > 0 ? wished : std::min(trained, kLongestDefaultContext), kShortestContext);
}

std::uint64_t MemoryNeeds::kvBytesPerLayer(std::int32_t contextLength, KvType type) const {
    ModelConfig shape;
    shape.kvHeads = kvHeads;
    shape.headDim = headDim;
    return KvCache::bytesOfLayers(shape, 1, contextLength, type);
}

MemoryNeeds memoryNeeds(const GgufFile& file, const ModelConfig& config, std::int32_t prefillChunk) {
    MemoryNeeds needs;
    needs.layerWeights.resize(static_cast<std::size_t>(std::max(config.layers, 0)));
    needs.tiedOutput = file.findTensor("output.weight") == nullptr;
    needs.scratchBytes = Scratch::bytesFor(config, prefillChunk);
    needs.kvHeads = config.kvHeads;
    needs.headDim = config.headDim;
    needs.trainedContext = config.trainedContext;
    for (const GgufTensor& tensor : file.tensors()) {
        if (staysOnHost(tensor.name)) continue;
        const TensorPlace place = placeOf(tensor.name);
        if (place.part == ModelPart::Layer && place.layer < needs.layers()) {
            grow(needs.layerWeights[static_cast<std::size_t>(place.layer)], tensor);
        } else {
            grow(place.part == ModelPart::Embedding ? needs.embedding : needs.output, tensor);
        }
    }
    return needs;
}

Result<MemoryNeeds> readMemoryNeeds(const std::filesystem::path& path, std::int32_t prefillChunk) {
    const auto file = GgufFile::open(path);
    if (!file) return std::unexpected(file.error());
    const auto config = Model::check(*file);
    if (!config) return std::unexpected(config.error());
    return memoryNeeds(*file, *config, prefillChunk);
}

std::uint64_t MemoryRoom::keptForDesktop() const {
    switch (gpu) {
    case GpuKind::None: return 0;
    case GpuKind::Discrete: return std::max(512 * kMebi, gpuTotal / 100 * 8);
    case GpuKind::Integrated: return gpuTotal / 4;
    }
    return 0;
}

std::uint64_t MemoryRoom::gpuUsable() const {
    return gpu == GpuKind::None ? 0 : minus(std::min(gpuFree, gpuTotal), keptForDesktop());
}

std::uint64_t MemoryShare::total() const {
    return sumOf({weights, kv, scratch, overhead});
}

MemoryPlan planMemory(const MemoryNeeds& needs, const MemoryRoom& room, const PlanWishes& wishes) {
    const std::int32_t layers = needs.layers();
    MemoryPlan plan;
    plan.layers = layers;
    plan.contextLength = contextLengthFor(wishes.contextLength, needs.trainedContext);
    plan.kvType = needs.headDim % 32 == 0 ? wishes.kvType : KvType::F16;
    plan.gpuUsable = room.gpuUsable();
    plan.gpuFree = room.gpu == GpuKind::None ? 0 : room.gpuFree;
    plan.ramFree = room.ramFree;
    plan.wishedLayers = wishes.gpuLayers;

    const Predictor predict(needs, room.gpuOverhead, plan.contextLength, plan.kvType);
    const auto fits = [&](const LayerPlacement& placement) { return predict.gpu(placement).total() <= plan.gpuUsable; };
    const LayerPlacement everything{layers, true};
    plan.fullGpuBytes = predict.gpu(everything).total();
    plan.leastGpuBytes = predict.gpu({std::min(layers, 1), false}).total();

    const bool all = wishes.gpuLayers < 0 || wishes.gpuLayers >= layers;
    if (room.gpu == GpuKind::None || layers == 0) {
        plan.reason = PlanReason::CpuNoGpu;
    } else if (wishes.preferCpu || wishes.gpuLayers == 0) {
        plan.reason = PlanReason::CpuWished;
    } else if (all && fits(everything)) {
        plan.reason = PlanReason::Full;
        plan.placement = everything;
    } else {
        const std::int32_t most = all ? layers : wishes.gpuLayers;
        std::int32_t count = most;
        while (count > 0 && !fits({count, false}))
            --count;
        plan.placement.gpuLayers = count;
        plan.reason = count == 0              ? PlanReason::CpuGpuTooSmall
                      : wishes.gpuLayers < 0  ? PlanReason::PartFits
                      : !all && count == most ? PlanReason::PartWished
                                              : PlanReason::PartLessThanWished;
    }
    plan.gpu = predict.gpu(plan.placement);
    plan.ram = predict.ram(plan.placement);
    plan.ramNeeded = room.gpu == GpuKind::Integrated ? plus(plan.ram.total(), plan.gpu.total()) : plan.ram.total();
    return plan;
}

} // namespace hearth::core
