// SPDX-License-Identifier: Apache-2.0
//
// KvCache: keys and values of every past token of one session, in f16 or q8_0, each layer's where the layer is computed.
// Layout is [layer][keys, values][KV head][position][headDim], so one head's history is contiguous and attention
// streams it. It lives beside Model rather than in the engine because its shape is the model's; the engine owns it.
// Thread: engine only.
#pragma once

#include "core/base/error.h"
#include "core/model/backend_set.h"
#include "core/model/model_config.h"
#include "kernels/backend.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace hearth::core {

/// 1, 2, 3 ...: a new one for every model and cache. Thread: any.
[[nodiscard]] std::uint64_t nextSerial();

/// "f16" and "q8_0", as settings and requests write them.
[[nodiscard]] std::optional<kernels::KvType> kvTypeFromName(std::string_view name);
[[nodiscard]] std::string_view name(kernels::KvType type);

class KvCache {
public:
    /// Bytes of `layers` layers (of all: bytesFor) as create() will ask for; saturates instead of overflowing.
    [[nodiscard]] static std::uint64_t bytesOfLayers(const ModelConfig& config, std::int32_t layers,
                                                     std::int32_t contextLength,
                                                     kernels::KvType type = kernels::KvType::F16);
    [[nodiscard]] static std::uint64_t bytesFor(const ModelConfig& config, std::int32_t contextLength,
                                                kernels::KvType type = kernels::KvType::F16) {
        return bytesOfLayers(config, config.layers, contextLength, type);
    }

    /// OutOfMemory names the bytes and the side; InvalidArgument when contextLength < 1, or when q8_0 does not divide
    /// the head size into blocks of 32. The back ends must outlive the cache.
    [[nodiscard]] static Result<KvCache> create(const ModelConfig& config, const BackendSet& backends,
                                                std::int32_t contextLength,
                                                kernels::KvType type = kernels::KvType::F16);
    [[nodiscard]] static Result<KvCache> create(const ModelConfig& config, kernels::Backend& backend,
                                                std::int32_t contextLength,
                                                kernels::KvType type = kernels::KvType::F16) {
        return create(config, BackendSet{backend}, contextLength, type);
    }

    [[nodiscard]] std::int32_t capacity() const { return m_capacity; }
    [[nodiscard]] std::int32_t length() const { return m_length; } ///< tokens held: the next one gets this position
    [[nodiscard]] kernels::KvType type() const { return m_type; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes(BackendSide::Cpu) + bytes(BackendSide::Gpu); }
    [[nodiscard]] std::uint64_t bytes(BackendSide side) const;

    [[nodiscard]] std::uint64_t serial() const { return m_serial; } ///< no other cache of this process has it

    /// Forgets every position from `length` on; more than there are is no change.
    void truncate(std::int32_t length);

    // For Model::forward only.
    [[nodiscard]] kernels::KvView layer(std::int32_t index) const;
    void advance(std::int32_t tokens) { m_length += tokens; }

private:
    KvCache() = default;

    std::unique_ptr<kernels::Buffer> m_onCpu; ///< null when no layer is there
    std::unique_ptr<kernels::Buffer> m_onGpu;
    LayerPlacement m_placement;
    kernels::KvType m_type = kernels::KvType::F16;
    std::uint64_t m_serial = 0;
    std::uint64_t m_halfBytes = 0; ///< keys, or values, of one layer
    std::int32_t m_kvHeads = 0;
    std::int32_t m_headDim = 0;
    std::int32_t m_capacity = 0;
    std::int32_t m_rows = 0; ///< capacity rounded up: positions per head in memory
    std::int32_t m_length = 0;
};

} // namespace hearth::core
