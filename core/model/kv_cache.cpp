// SPDX-License-Identifier: Apache-2.0
#include "core/model/kv_cache.h"

#include "core/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>

namespace hearth::core {

namespace {

constexpr std::uint64_t kElementBytes = 2; // f16
constexpr std::int32_t kRowStep = 32;      // positions; keeps every head's history on a cache line for even head sizes

std::int64_t rowsFor(std::int32_t contextLength) {
    return (static_cast<std::int64_t>(contextLength) + kRowStep - 1) / kRowStep * kRowStep;
}

} // namespace

std::uint64_t nextSerial() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
}

std::uint64_t KvCache::bytesFor(const ModelConfig& config, std::int32_t contextLength) {
    std::uint64_t bytes = kElementBytes * 2; // keys and values
    bool overflow = false;
    for (const std::int64_t factor :
         {static_cast<std::int64_t>(config.layers), static_cast<std::int64_t>(config.kvWidth()),
          rowsFor(std::max(contextLength, 0))}) {
        overflow |= __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(factor), &bytes);
    }
    return overflow ? std::numeric_limits<std::uint64_t>::max() : bytes;
}

Result<KvCache> KvCache::create(const ModelConfig& config, kernels::Backend& backend, std::int32_t contextLength) {
    if (contextLength < 1 || contextLength > std::numeric_limits<std::int32_t>::max() - kRowStep) {
        return fail(ErrorCode::InvalidArgument, fmt::format("context length {}", contextLength));
    }
    KvCache cache;
    cache.m_serial = nextSerial();
    cache.m_kvHeads = config.kvHeads;
    cache.m_headDim = config.headDim;
    cache.m_capacity = contextLength;
    cache.m_rows = static_cast<std::int32_t>(rowsFor(contextLength));
    const std::uint64_t bytes = bytesFor(config, contextLength);
    cache.m_buffer = backend.allocate(bytes);
    if (cache.m_buffer == nullptr) {
        return fail(ErrorCode::OutOfMemory, fmt::format("no memory for a context of {} tokens: {} ({} bytes)",
                                                        contextLength, formatBytes(bytes), bytes));
    }
    return cache;
}

void KvCache::truncate(std::int32_t length) {
    m_length = std::clamp(length, 0, m_length);
}

kernels::KvView KvCache::layer(std::int32_t index) const {
    const std::uint64_t half = kElementBytes * static_cast<std::uint64_t>(m_kvHeads) *
                               static_cast<std::uint64_t>(m_rows) * static_cast<std::uint64_t>(m_headDim);
    auto* keys = static_cast<std::byte*>(m_buffer->data()) + half * 2 * static_cast<std::uint64_t>(index);
    return {keys, keys + half, m_kvHeads, m_rows, m_headDim};
}

} // namespace hearth::core
