// SPDX-License-Identifier: Apache-2.0
//
// KvCache: keys and values of every past token of one session, in f16.
// Layout is [layer][keys, values][KV head][position][headDim], so one head's history is contiguous and attention
// streams it. It lives beside Model rather than in the engine because its shape is the model's; the engine owns it.
// Thread: engine only.
#pragma once

#include "core/base/error.h"
#include "core/model/model_config.h"
#include "kernels/backend.h"

#include <cstdint>
#include <memory>

namespace hearth::core {

/// 1, 2, 3 ...: a new one for every model and cache. Thread: any.
[[nodiscard]] std::uint64_t nextSerial();

class KvCache {
public:
    /// Bytes that create() will ask for; saturates instead of overflowing.
    [[nodiscard]] static std::uint64_t bytesFor(const ModelConfig& config, std::int32_t contextLength);

    /// OutOfMemory names the bytes; InvalidArgument when contextLength < 1. The back end must outlive the cache.
    [[nodiscard]] static Result<KvCache> create(const ModelConfig& config, kernels::Backend& backend,
                                                std::int32_t contextLength);

    [[nodiscard]] std::int32_t capacity() const { return m_capacity; }
    [[nodiscard]] std::int32_t length() const { return m_length; } ///< tokens held: the next one gets this position
    [[nodiscard]] std::uint64_t bytes() const { return m_buffer->bytes(); }

    [[nodiscard]] std::uint64_t serial() const { return m_serial; } ///< no other cache of this process has it

    /// Forgets every position from `length` on; more than there are is no change.
    void truncate(std::int32_t length);

    // For Model::forward only.
    [[nodiscard]] kernels::KvView layer(std::int32_t index) const;
    void advance(std::int32_t tokens) { m_length += tokens; }

private:
    KvCache() = default;

    std::unique_ptr<kernels::Buffer> m_buffer;
    std::uint64_t m_serial = 0;
    std::int32_t m_kvHeads = 0;
    std::int32_t m_headDim = 0;
    std::int32_t m_capacity = 0;
    std::int32_t m_rows = 0; ///< capacity rounded up: positions per head in memory
    std::int32_t m_length = 0;
};

} // namespace hearth::core
