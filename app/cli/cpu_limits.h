// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace hearth::app::cli {

/// What the processor does at most, all threads together. 0 = cannot be measured here.
struct CpuLimits {
    double readBytes = 0.0; ///< bytes/s read from memory: the bound of decoding, which reads every weight once per token
    double int8 = 0.0;      ///< operations/s (two per product) of 8-bit products: the bound of prompts of quantised weights
    double bf16 = 0.0;      ///< the same of bf16 products, where the processor has them
    double f32 = 0.0;       ///< the same of f32 products: the bound of prompts of float weights
};

/// Measures with the widest instructions that the processor has, whatever path the back end takes; of several passes the fastest
/// counts. Each thread reads its own buffer; all together should be far larger than any cache. Where memory is short the buffers are made
/// smaller: they take a quarter of what is available at most, and are kept, so that measuring again costs only its passes (about 0.1 s).
class CpuMeter {
public:
    CpuMeter(int threads, int megabytesPerThread);

    [[nodiscard]] CpuLimits measure();

private:
    struct FreeAligned {
        void operator()(std::byte* memory) const;
    };

    [[nodiscard]] double readBandwidth();

    int m_threads;
    std::size_t m_bytes; ///< of each buffer
    std::vector<std::unique_ptr<std::byte, FreeAligned>> m_buffers; ///< one per thread; none when there was no memory
};

} // namespace hearth::app::cli
