// SPDX-License-Identifier: Apache-2.0
//
// How far computed logits are from expected ones, in the units of the reference models' README: the standard deviation
// of the expected logits, and nats.
#pragma once

#include "kernels/cpu/cpu_features.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hearth::core {
class GgufFile;
}

namespace hearth::test {

struct LogitDistance {
    double rms = 0.0; ///< over all positions, in standard deviations
    double max = 0.0;
    double meanKl = 0.0; ///< Kullback-Leibler divergence of the distributions, expected || actual, mean over positions
    std::size_t worstRow = 0; ///< where max is
};

[[nodiscard]] LogitDistance logitDistance(std::span<const float> actual, std::span<const float> expected,
                                          std::size_t vocabulary);

/// The README's tolerances for an implementation with an f16 cache: one row for f32 activations, one each for 8-bit
/// activations with blocks of 32 and of 256.
struct LogitTolerance {
    double rms = 0.0;
    double max = 0.0;
    double meanKl = 0.0;
};

/// The portable path keeps activations in f32; the others round them to 8 bits for quantised weights.
[[nodiscard]] LogitTolerance toleranceFor(const core::GgufFile& file, kernels::CpuPath path);

/// Empty when within the tolerance, else the figures.
[[nodiscard]] std::string complaint(const LogitDistance& distance, const LogitTolerance& tolerance);

[[nodiscard]] std::size_t argmax(std::span<const float> row);

/// A whole file of little-endian f32; empty when it cannot be read.
[[nodiscard]] std::vector<float> readFloats(const std::filesystem::path& path);

/// Every path that this processor can run, slowest first.
[[nodiscard]] std::vector<kernels::CpuPath> supportedCpuPaths();

} // namespace hearth::test
