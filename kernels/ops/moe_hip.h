// SPDX-License-Identifier: Apache-2.0
//
// Mixture of experts on the GPU: what host and device share. Contract of routing and combining: moe.h.
//
// hearth_moe_route    32 lanes per row; at most kMoeMostExperts experts
// hearth_moe_combine  a thread sums four neighbouring columns over the k rows of its token
// hearth_moe_sort     for the experts' products of a whole prompt: which rows go to which expert. An entry e of ids [tokens, k] is slot e % k
//     of token e / k; order lists all entries, those of expert 0 first, each expert's in rising order; expert x has order[offsets[x]] ...
//     order[offsets[x + 1] - 1]. A block per expert, no block waits for another; ids outside 0 ... experts - 1 are in no list.
#pragma once

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kMoeRouteThreads = 128;
constexpr int kMoeRouteLanes = 32;
constexpr int kMoeMostExperts = 512;
constexpr int kMoeCombineThreads = 256;
constexpr int kMoeSortThreads = 256;

struct MoeRouteArgs {
    std::int32_t* ids;   ///< [rows, k]
    float* weights;      ///< [rows, k]
    const float* logits; ///< [rows, experts]
    std::int32_t rows;
    std::int32_t experts;
    std::int32_t k;
    std::int32_t renormalise; ///< 0 or 1
};

struct MoeCombineArgs {
    float* out;           ///< [tokens, cols]
    const float* x;       ///< [tokens * k, cols]
    const float* weights; ///< [tokens, k]
    std::int32_t k;
    std::int32_t cols;
    std::int32_t blocksPerRow; ///< moeCombineBlocks(cols)
};

struct MoeSortArgs {
    std::int32_t* offsets;   ///< [experts + 1]
    std::int32_t* order;     ///< [entries]
    const std::int32_t* ids; ///< [entries]
    std::int32_t entries;    ///< tokens * k
    std::int32_t experts;
};

inline std::array<std::uint32_t, 3> moeRouteGrid(std::int32_t rows) {
    constexpr std::int32_t kRows = kMoeRouteThreads / kMoeRouteLanes;
    return {static_cast<std::uint32_t>((rows + kRows - 1) / kRows), 1, 1};
}

inline std::int32_t moeCombineBlocks(std::int32_t cols) {
    return (cols + 4 * kMoeCombineThreads - 1) / (4 * kMoeCombineThreads);
}

inline std::array<std::uint32_t, 3> moeCombineGrid(std::int32_t tokens, std::int32_t cols) {
    return {static_cast<std::uint32_t>(tokens) * static_cast<std::uint32_t>(moeCombineBlocks(cols)), 1, 1};
}

inline std::array<std::uint32_t, 3> moeSortGrid(std::int32_t experts) {
    return {static_cast<std::uint32_t>(experts), 1, 1};
}

} // namespace hearth::kernels
