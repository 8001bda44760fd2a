// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hearth::app::cli {

/// What the processor does at most, all threads together, best of several passes. 0 = cannot be measured here.
struct CpuLimits {
    double readBytes = 0.0; ///< bytes/s read from memory: the bound of decoding, which reads every weight once per token
    double int8 = 0.0;      ///< operations/s (two per product) of 8-bit products: the bound of prompts of quantised weights
    double bf16 = 0.0;      ///< the same of bf16 products, where the processor has them
    double f32 = 0.0;       ///< the same of f32 products: the bound of prompts of float weights
};

/// Measured with the widest instructions that the processor has, whatever path the back end takes. Each thread reads its own buffer;
/// all together should be far larger than any cache. Where memory is short the buffers are made smaller: they take a quarter of what
/// is available at most.
[[nodiscard]] CpuLimits measureCpuLimits(int threads, int megabytesPerThread);

} // namespace hearth::app::cli
