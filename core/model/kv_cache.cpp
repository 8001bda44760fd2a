// SPDX-License-Identifier: Apache-2.0
#include "core/model/kv_cache.h"

#include "core/base/units.h"
#include "kernels/quant/q8_0.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>

namespace hearth::core {

using kernels::BlockQ8_0;
using kernels::KvType;

namespace {

constexpr std::int32_t kRowStep = 32; // positions; keeps every head's history on a cache line for even head sizes

std::int64_t rowsFor(std::int32_t contextLength) {
    return (static_cast<std::int64_t>(contextLength) + kRowStep - 1) / kRowStep * kRowStep;
}

/// One head at one position.
std::uint64_t rowBytes(std::int32_t headDim, KvType type) {
    const auto dim = static_cast<std::uint64_t>(std::max(headDim, 0));
    return type == KvType::F16 ? dim * 2 : dim / BlockQ8_0::kElements * sizeof(BlockQ8_0);
}

} // namespace

std::uint64_t nextSerial() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
}

std::optional<KvType> kvTypeFromName(std::string_view name) {
    if (name == "f16") return KvType::F16;
    if (name == "q8_0") return KvType::Q8_0;
    return std::nullopt;
}

std::string_view name(KvType type) {
    return type == KvType::F16 ? "f16" : "q8_0";
}

std::uint64_t KvCache::bytesOfLayers(const ModelConfig& config, std::int32_t layers, std::int32_t contextLength,
                                     KvType type) {
    std::uint64_t bytes = 2 * rowBytes(config.headDim, type); // keys and values
    bool overflow = false;
    for (const std::int64_t factor : {std::int64_t{layers}, std::int64_t{config.kvHeads}, rowsFor(contextLength)}) {
        overflow |= __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(std::max<std::int64_t>(factor, 0)), &bytes);
    }
    return overflow ? std::numeric_limits<std::uint64_t>::max() : bytes;
}

Result<KvCache> KvCache::create(const ModelConfig& config, const BackendSet& backends, std::int32_t contextLength,
                                KvType type) {
    if (contextLength < 1 || contextLength > std::numeric_limits<std::int32_t>::max() - kRowStep) {
        return fail(ErrorCode::InvalidArgument, fmt::format("context length {}", contextLength));
    }
    if (type == KvType::Q8_0 && config.headDim % BlockQ8_0::kElements != 0) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("keys and values in q8_0 need a head size that is a multiple of {}; this model's is {}",
                                BlockQ8_0::kElements, config.headDim));
    }
    KvCache cache;
    cache.m_placement = backends.placement;
    cache.m_type = type;
    cache.m_serial = nextSerial();
    cache.m_kvHeads = config.kvHeads;
    cache.m_headDim = config.headDim;
    cache.m_capacity = contextLength;
    cache.m_rows = static_cast<std::int32_t>(rowsFor(contextLength));
    cache.m_halfBytes = bytesOfLayers(config, 1, contextLength, type) / 2;
    const auto allocate = [&](BackendSide side, std::int32_t layers,
                              std::unique_ptr<kernels::Buffer>& buffer) -> Result<void> {
        if (layers == 0) return {};
        const std::uint64_t bytes = bytesOfLayers(config, layers, contextLength, type);
        buffer = backends.on(side).allocate(bytes);
        if (buffer != nullptr) return {};
        return fail(ErrorCode::OutOfMemory, fmt::format("no memory for a context of {} tokens: {} ({} bytes){}",
                                                        contextLength, formatBytes(bytes), bytes, wordsFor(side)));
    };
    const std::int32_t gpuLayers = backends.placement.gpuLayersBefore(config.layers);
    if (auto done = allocate(BackendSide::Gpu, gpuLayers, cache.m_onGpu); !done)
        return std::unexpected(std::move(done.error()));
    if (auto done = allocate(BackendSide::Cpu, config.layers - gpuLayers, cache.m_onCpu); !done)
        return std::unexpected(std::move(done.error()));
    return cache;
}

std::uint64_t KvCache::bytes(BackendSide side) const {
    const kernels::Buffer* buffer = side == BackendSide::Gpu ? m_onGpu.get() : m_onCpu.get();
    return buffer == nullptr ? 0 : buffer->bytes();
}

void KvCache::truncate(std::int32_t length) {
    m_length = std::clamp(length, 0, m_length);
}

kernels::KvView KvCache::layer(std::int32_t index) const {
    const bool onGpu = m_placement.layer(index) == BackendSide::Gpu;
    kernels::Buffer& buffer = onGpu ? *m_onGpu : *m_onCpu;
    const std::int32_t onGpuBefore = m_placement.gpuLayersBefore(index);
    const auto place = static_cast<std::uint64_t>(onGpu ? onGpuBefore : index - onGpuBefore);
    auto* keys = static_cast<std::byte*>(buffer.data()) + m_halfBytes * 2 * place;
    return {keys, keys + m_halfBytes, m_kvHeads, m_rows, m_headDim, m_type};
}

} // namespace hearth::core
