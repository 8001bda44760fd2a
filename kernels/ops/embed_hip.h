// SPDX-License-Identifier: Apache-2.0
//
// Embedding lookup and the layout of weights on upload: arguments that host and device share. Contract: embed.h; planes: kernels/hip/planes.h.
#pragma once

#include "kernels/hip/q8_rows.h"

#include <cstdint>

namespace hearth::kernels {

constexpr int kEmbedThreads = 256;

struct EmbedArgs {
    const std::uint8_t* plane[5];
    const std::int32_t* tokens; ///< [n] in device memory; a block row each
    const StepState* step;      ///< not null: the one token is step->token
    float* out;                 ///< [n, cols]
    std::int32_t cols;
    float scale;
};

/// Gathers the fields of blocks [0, blocks) of the file's layout into planes.
struct RepackArgs {
    const std::uint8_t* blocks; ///< as in the file
    std::uint8_t* plane[5];     ///< where the first of these blocks goes
    std::int32_t fieldOffset[5];
    std::int32_t fieldBytes[5]; ///< 0 = no such plane
    std::int32_t blockBytes;
    std::int64_t count;
};

constexpr int kRepackThreads = 256;

} // namespace hearth::kernels
