// SPDX-License-Identifier: Apache-2.0
//
// How fast the device reads its memory, by its own clock.
#include "kernels/hip/hip_backend_impl.h"

#include "kernels/ops/read_hip.h"

#include <algorithm>

namespace hearth::kernels {

double HipBackend::measureReadBandwidth() {
    constexpr int kRuns = 6; // the first one warms up
    if (m_lost || !m_status.ok() || recording()) return 0.0;
    // Less where a model has left little memory, but not so little that a cache would be measured.
    std::unique_ptr<Buffer> memory;
    for (std::uint64_t bytes = m_options.bandwidthBytes; bytes > m_options.bandwidthBytes / 8 && memory == nullptr; bytes /= 2) memory = allocate(bytes);
    const std::unique_ptr<Buffer> sums = allocate(kReadBlocks * sizeof(std::int32_t));
    if (memory == nullptr || sums == nullptr) return 0.0;
    const std::uint64_t bytes = memory->bytes();

    void* made = nullptr;
    if (!m_runtime.createEvent(made).ok()) return 0.0;
    const GpuEvent before(m_runtime, made);
    if (!m_runtime.createEvent(made).ok()) return 0.0;
    const GpuEvent after(m_runtime, made);
    const ReadArgs args{static_cast<const std::uint8_t*>(memory->data()), static_cast<std::int32_t*>(sums->data()),
                        static_cast<std::int64_t>(bytes / 16)};
    double best = 0.0;
    for (int run = 0; run < kRuns && m_status.ok(); ++run) {
        check(m_runtime.recordEvent(before.get(), m_stream.get()), "measureReadBandwidth");
        launch("hearth_read", {kReadBlocks, 1, 1}, kReadThreads, args);
        check(m_runtime.recordEvent(after.get(), m_stream.get()), "measureReadBandwidth");
        finish("measureReadBandwidth");
        float ms = 0.0f;
        if (!m_status.ok() || !m_runtime.elapsedMs(ms, before.get(), after.get()).ok()) break;
        if (run > 0 && ms > 0.0f) best = std::max(best, static_cast<double>(bytes) / (ms * 1e-3));
    }
    if (!m_lost) m_status = {}; // what went wrong here is no step's failure
    return best;
}

} // namespace hearth::kernels
