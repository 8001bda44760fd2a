// SPDX-License-Identifier: Apache-2.0
#include "core/catalog/memory_plan.h"

#include "core/gguf/gguf_file.h"
#include "core/model/backend_set.h"
#include "core/model/decoder.h"
#include "core/model/kv_cache.h"
#include "core/model/model.h"
#include "core/model/weight_loader.h"
#include "kernels/hip/planes.h"

#include <algorithm>
#include <initializer_list>

namespace hearth::core {

using kernels::KvType;

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;

constexpr std::int32_t kLongestDefaultContext = 8192;
constexpr std::int32_t kShortestContext = 64;

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
    if (tensor.rank == 2) part.matrices |= typeBit(tensor.dtype);
    if (tensor.rank > 2) part.expertMatrices |= typeBit(tensor.dtype);
}

/// Bytes per number of a chunk of activations that a GPU's products read in other forms: f16, and twice 8 bits with scales.
constexpr std::uint64_t kFormBytes = 5;

std::uint64_t widestRow(const ModelConfig& config) {
    const std::int64_t experts = std::int64_t{config.expertsUsed} * config.expertFeedForward;
    return static_cast<std::uint64_t>(std::max({std::int64_t{config.embedding}, std::int64_t{config.queryWidth()}, std::int64_t{config.feedForward}, experts, std::int64_t{0}}));
}

/// Predicts for any placement; what it says is what Model, its cache and its scratch memory then ask for.
class Predictor {
public:
    Predictor(const MemoryNeeds& needs, std::uint64_t gpuOverhead, std::int32_t contextLength, KvType kvType)
        : m_needs(needs)
        , m_gpuOverhead(gpuOverhead)
        , m_kvPerLayer(needs.kvBytesPerLayer(contextLength, kvType)) {}

    [[nodiscard]] MemoryShare gpu(const LayerPlacement& placement) const {
        MemoryShare share = on(BackendSide::Gpu, placement, &PartBytes::onGpu);
        if (placement.uses(BackendSide::Gpu, m_needs.layers())) share.overhead = plus(m_gpuOverhead, m_needs.gpuWorkBytes);
        return share;
    }
    [[nodiscard]] MemoryShare ram(const LayerPlacement& placement) const {
        return on(BackendSide::Cpu, placement, &PartBytes::inRam);
    }

private:
    [[nodiscard]] MemoryShare on(BackendSide side, const LayerPlacement& placement, std::uint64_t PartBytes::*bytes) const {
        MemoryShare share;
        if (!placement.uses(side, m_needs.layers())) return share;
        std::uint64_t layers = 0;
        for (std::int32_t i = 0; i < m_needs.layers(); ++i) {
            if (placement.layer(i) != side) continue;
            share.weights = plus(share.weights, m_needs.layerWeights[static_cast<std::size_t>(i)].*bytes);
            ++layers;
        }
        const bool embeds = placement.embedding() == side;
        const bool computesLogits = placement.output() == side;
        if (embeds || (computesLogits && m_needs.tiedOutput)) share.weights = plus(share.weights, m_needs.embedding.*bytes);
        if (computesLogits) share.weights = plus(share.weights, m_needs.output.*bytes);
        share.kv = times(m_kvPerLayer, layers);
        share.scratch = placement.uses(BackendSide::Gpu, m_needs.layers()) ? m_needs.scratchBytes : m_needs.scratchBytesCpuOnly;
        return share;
    }

    const MemoryNeeds& m_needs;
    std::uint64_t m_gpuOverhead;
    std::uint64_t m_kvPerLayer;
};

/// Everything on the GPU, but for what it computes wrongly.
LayerPlacement rightOnGpu(const MemoryNeeds& needs, const GpuGaps& gaps) {
    LayerPlacement placement{.gpuLayers = needs.layers()};
    placement.embeddingKept = (needs.embedding.matrices & gaps.lookups) != 0;
    placement.outputOnGpu = ((needs.tiedOutput ? needs.embedding : needs.output).matrices & gaps.products) == 0;
    std::vector<bool> kept;
    for (const PartBytes& layer : needs.layerWeights) {
        const bool experts = (layer.expertMatrices & gaps.expertProducts) != 0 || (gaps.mixtures && layer.expertMatrices != 0);
        kept.push_back(experts || (layer.matrices & gaps.products) != 0 || (gaps.specials && needs.needsSpecials));
    }
    if (std::ranges::find(kept, true) != kept.end()) placement.kept = std::move(kept);
    return placement;
}

/// `whole` with only its first `count` layers, and without the output.
LayerPlacement firstLayers(const LayerPlacement& whole, std::int32_t count) {
    LayerPlacement part = whole;
    part.outputOnGpu = false;
    part.gpuLayers = 0;
    for (std::int32_t found = 0; found < count; ++part.gpuLayers)
        found += whole.isKept(part.gpuLayers) ? 0 : 1;
    return part;
}

MemoryPlan planFor(const MemoryNeeds& needs, const MemoryRoom& room, const PlanWishes& wishes) {
    const std::int32_t layers = needs.layers();
    MemoryPlan plan;
    plan.layers = layers;
    plan.contextLength = contextLengthFor(needs.learnedPositions ? std::min(wishes.contextLength, needs.trainedContext) : wishes.contextLength, needs.trainedContext);
    plan.kvType = needs.headDim % 32 == 0 ? wishes.kvType : KvType::F16;
    plan.gpuUsable = room.gpuUsable();
    plan.gpuFree = room.gpu == GpuKind::None ? 0 : room.gpuFree;
    plan.ramFree = room.ramFree;
    plan.wishedLayers = wishes.gpuLayers;

    const Predictor predict(needs, room.gpuOverhead, plan.contextLength, plan.kvType);
    const auto fits = [&](const LayerPlacement& placement) { return predict.gpu(placement).total() <= plan.gpuUsable; };
    const LayerPlacement everything = rightOnGpu(needs, room.gaps);
    const std::int32_t right = everything.gpuLayersBefore(layers);
    plan.fullGpuBytes = predict.gpu({layers, true}).total();
    plan.leastGpuBytes = predict.gpu(firstLayers(everything, std::min(right, 1))).total();

    const bool all = wishes.gpuLayers < 0 || wishes.gpuLayers >= layers;
    if (room.gpu == GpuKind::None || layers == 0) {
        plan.reason = PlanReason::CpuNoGpu;
    } else if (wishes.preferCpu || wishes.gpuLayers == 0) {
        plan.reason = PlanReason::CpuWished;
    } else if (needs.beyondGpu && !room.gpuOffersSpecials) {
        plan.reason = PlanReason::CpuGpuLacks;
    } else if (right == 0) {
        plan.reason = PlanReason::CpuGpuWrong;
    } else if (all && fits(everything)) {
        const bool whole = right == layers && everything.outputOnGpu && !everything.embeddingKept;
        plan.reason = whole ? PlanReason::Full : PlanReason::PartRight;
        plan.placement = everything;
    } else {
        const std::int32_t most = all ? right : std::min(wishes.gpuLayers, right);
        std::int32_t count = most;
        while (count > 0 && !fits(firstLayers(everything, count)))
            --count;
        if (count > 0) plan.placement = firstLayers(everything, count);
        plan.reason = count == 0                                ? PlanReason::CpuGpuTooSmall
                      : wishes.gpuLayers < 0                    ? PlanReason::PartFits
                      : !all && count == wishes.gpuLayers       ? PlanReason::PartWished
                      : !all && count == most                   ? PlanReason::PartRight
                                                                : PlanReason::PartLessThanWished;
    }
    plan.gpu = predict.gpu(plan.placement);
    plan.ram = predict.ram(plan.placement);
    plan.ramNeeded = room.gpu == GpuKind::Integrated ? plus(plan.ram.total(), plan.gpu.total()) : plan.ram.total();
    return plan;
}

} // namespace

std::uint64_t gpuBytesFor(kernels::DType dtype, std::uint64_t elements) {
    const kernels::DTypeInfo& type = kernels::info(dtype);
    std::uint64_t bytes = times(elements / type.elementsPerBlock, type.bytesPerBlock);
    if (bytes < kMost / 2) bytes = kernels::planeBytes(dtype, elements); // which cannot wrap then
    return plus(bytes, kernels::kDeviceAlignment - 1) / kernels::kDeviceAlignment * kernels::kDeviceAlignment;
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

MemoryNeeds memoryNeeds(const GgufFile& file, const ModelConfig& config, const PromptChunks& chunks) {
    MemoryNeeds needs;
    needs.layerWeights.resize(static_cast<std::size_t>(std::max(config.layers, 0)));
    needs.tiedOutput = file.findTensor("output.weight") == nullptr;
    needs.scratchBytes = Scratch::bytesFor(config, chunks.withGpu);
    needs.scratchBytesCpuOnly = Scratch::bytesFor(config, chunks.cpuOnly);
    needs.gpuWorkBytes = times(times(widestRow(config), static_cast<std::uint64_t>(std::max(chunks.withGpu, 0))), kFormBytes);
    needs.kvHeads = config.kvHeads;
    needs.headDim = config.headDim;
    needs.trainedContext = config.trainedContext;
    needs.learnedPositions = config.learnedPositions;
    const auto specials = specialsOf(config);
    needs.needsSpecials = !specials.empty();
    needs.beyondGpu = !std::ranges::all_of(specials, kernels::isOnEveryGpu);
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

Result<MemoryNeeds> readMemoryNeeds(const std::filesystem::path& path, const PromptChunks& chunks) {
    const auto file = GgufFile::open(path);
    if (!file) return std::unexpected(file.error());
    const auto config = Model::check(*file);
    if (!config) return std::unexpected(config.error());
    return memoryNeeds(*file, *config, chunks);
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

bool MemoryPlan::keepsWrongParts() const {
    return onGpu() && (placement.embeddingKept || !placement.kept.empty());
}

MemoryPlan planMemory(const MemoryNeeds& needs, const MemoryRoom& room, const PlanWishes& wishes) {
    if (!room.gaps.q8Cache || wishes.kvType == KvType::F16) return planFor(needs, room, wishes);
    PlanWishes right = wishes;
    right.kvType = KvType::F16;
    MemoryPlan plan = planFor(needs, room, right);
    if (plan.onGpu()) {
        plan.q8CacheWrong = needs.headDim % 32 == 0;
        return plan;
    }
    // The CPU may have what was wished for.
    right = wishes;
    right.preferCpu = true;
    const PlanReason reason = plan.reason;
    plan = planFor(needs, room, right);
    plan.reason = reason;
    return plan;
}

} // namespace hearth::core
