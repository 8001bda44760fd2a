// SPDX-License-Identifier: Apache-2.0
//
// CpuOpTable: the inner loops of the operations, once for each instruction set; the back end takes one table at creation.
// The loops are the templates of kernels/ops/*_cpu.h over a vector type (vec_*.h), instantiated in cpu_op_table_<path>.cpp, each of which is
// compiled for its instruction set. Contracts of the operations: kernels/ops/*.h.
#pragma once

#include "kernels/cpu/cpu_features.h"
#include "kernels/quant/half.h"

#include <cstdint>

namespace hearth::kernels {

constexpr int kAttentionRows = 8;
/// Positions taken together: their scores stay in registers' reach, their values in the first-level cache between two passes.
constexpr int kAttentionPositions = 32;

/// Up to kAttentionRows query rows that read the same KV head, over positions [from, to): the partial softmax of each row.
struct AttentionTile {
    int rows = 0;
    std::int32_t headDim = 0;
    const void* keys = nullptr;   ///< [positions, headDim] in f16, or in blocks of q8_0 when there is `widened`
    const void* values = nullptr; ///< as the keys
    float* widened = nullptr;     ///< scratch [kAttentionPositions, headDim]; null for f16
    std::int64_t from = 0;
    std::int64_t to = 0;
    float softcap = 0.0f;
    const float* queries = nullptr; ///< [rows, headDim], already scaled
    std::int64_t firstVisible[kAttentionRows] = {};
    std::int64_t lastVisible[kAttentionRows] = {};
    float* sums = nullptr;    ///< out [rows, headDim]: sum over positions of exp(score - maximum) * value
    float* maxima = nullptr;  ///< out [rows]: largest score; -inf when the row sees nothing here
    float* weights = nullptr; ///< out [rows]: sum of exp(score - maximum)
};

/// Rows of an AttentionBlock are cut into groups that fit the registers; so many rows share the widening of a tile.
constexpr int kAttentionBlockRows = 192;
constexpr int kAttentionBlockPositions = 64;
/// Floats of which paddedDim is a multiple: two vectors of the widest path.
constexpr int kAttentionBlockPadding = 32;

/// Many query rows that read the same KV head, in the order of their tokens, over positions [from, to): as AttentionTile, for prompts.
struct AttentionBlock {
    int rows = 0;
    std::int32_t headDim = 0;
    std::int64_t paddedDim = 0;
    const void* keys = nullptr;   ///< [positions, headDim] in f16, or in blocks of q8_0
    const void* values = nullptr; ///< as the keys
    bool inBlocks = false;        ///< q8_0
    std::int64_t from = 0;
    std::int64_t to = 0;
    float softcap = 0.0f;
    const float* queries = nullptr;             ///< [rows, headDim], already scaled
    const std::int64_t* firstVisible = nullptr; ///< [rows], ascending
    const std::int64_t* lastVisible = nullptr;  ///< [rows], ascending
    float* staged = nullptr;    ///< scratch [4, headDim]
    float* keyTile = nullptr;   ///< scratch [headDim, kAttentionBlockPositions]
    float* valueTile = nullptr; ///< scratch [kAttentionBlockPositions, paddedDim]
    float* sums = nullptr;      ///< out [rows, paddedDim]: sum over positions of exp(score - maximum) * value
    float* maxima = nullptr;    ///< out [rows]: largest score; -inf when the row sees nothing
    float* weights = nullptr;   ///< out [rows]: sum of exp(score - maximum)
};

struct CpuOpTable {
    void (*rmsNormRow)(float* out, const float* x, const float* weight, std::int64_t dim, float eps);
    void (*layerNormRow)(float* out, const float* x, const float* weight, const float* bias, std::int64_t dim,
                         float eps);
    void (*swiGlu)(float* out, const float* gate, const float* up, std::int64_t count);
    void (*geGlu)(float* out, const float* gate, const float* up, std::int64_t count);
    void (*softcap)(float* x, std::int64_t count, float cap);
    void (*add)(float* x, const float* y, std::int64_t count);
    void (*scale)(float* x, std::int64_t count, float factor);
    void (*addScaled)(float* out, const float* x, std::int64_t count, float factor);
    void (*toHalf)(std::uint16_t* out, const float* x, std::int64_t count);
    void (*attention)(const AttentionTile& tile);
    void (*attentionBlock)(const AttentionBlock& block);
};

[[nodiscard]] const CpuOpTable& cpuOpTable(CpuPath path);

} // namespace hearth::kernels
