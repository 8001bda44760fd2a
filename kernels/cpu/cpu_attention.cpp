// SPDX-License-Identifier: Apache-2.0
//
// Attention of CpuBackend. A few tokens: tiles of up to eight query rows of one KV head and, when there are fewer tiles than threads
// like, ranges of positions; then the partial softmaxes are joined, and the sinks with them. Prompts: blocks of many rows of one KV head,
// which share what a tile of positions costs to widen. Contract: kernels/ops/attention.h.
#include "kernels/cpu/cpu_backend.h"

#include "kernels/cpu/cpu_op_table.h"
#include "kernels/cpu/parallel.h"
#include "kernels/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hearth::kernels {

namespace {

/// A range of positions shorter than this is not worth a task of its own.
constexpr std::int64_t kPositionsWorthATask = 256;
/// The longest range of positions of one task: a stop request is seen after it.
constexpr std::int64_t kPositionsPerTask = 16 * 1024;
constexpr std::int64_t kTasksPerThread = 4;
/// Query rows of a KV head from which a block is worth its preparation.
constexpr std::int64_t kRowsWorthABlock = 16;
constexpr float kNothing = -std::numeric_limits<float>::infinity();

/// How query heads and tokens make tiles, and positions make ranges.
struct Plan {
    std::int64_t group; ///< query heads per KV head
    std::int64_t headsPerTile;
    std::int64_t tokensPerTile;
    std::int64_t headTiles; ///< per KV head
    std::int64_t tokenTiles;
    std::int64_t tiles;
    std::int64_t splits;
};

std::int64_t ceilDivide(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

Plan makePlan(std::int64_t tokens, std::int64_t heads, std::int64_t kvHeads, std::int64_t positions, int threads) {
    Plan plan{};
    plan.group = heads / kvHeads;
    plan.headTiles = ceilDivide(plan.group, kAttentionRows);
    plan.headsPerTile = ceilDivide(plan.group, plan.headTiles);
    plan.tokensPerTile =
        std::clamp<std::int64_t>(kAttentionRows / plan.headsPerTile, 1, std::max<std::int64_t>(tokens, 1));
    plan.tokenTiles = ceilDivide(tokens, plan.tokensPerTile);
    plan.tiles = kvHeads * plan.headTiles * plan.tokenTiles;
    const std::int64_t wanted =
        threads == 1 ? 1 : ceilDivide(kTasksPerThread * threads, std::max<std::int64_t>(plan.tiles, 1));
    const std::int64_t useful = std::max<std::int64_t>(1, positions / kPositionsWorthATask);
    plan.splits = std::max(std::min(wanted, useful), ceilDivide(positions, kPositionsPerTask));
    return plan;
}

/// One block of q8_0, as the contract says.
void quantise(BlockQ8_0& block, const float* x) {
    constexpr float kMost = 127.0f * 65504.0f;
    float limited[BlockQ8_0::kElements];
    float largest = 0.0f;
    bool broken = false;
    for (int j = 0; j < BlockQ8_0::kElements; ++j) {
        broken |= std::isnan(x[j]);
        limited[j] = std::min(kMost, std::max(-kMost, x[j]));
        largest = std::max(largest, std::fabs(limited[j]));
    }
    const float d = largest / 127.0f;
    block.d = floatToHalf(broken ? std::numeric_limits<float>::quiet_NaN() : d);
    const float inverse = block.d == 0 || broken ? 0.0f : 1.0f / d;
    for (int j = 0; j < BlockQ8_0::kElements; ++j)
        block.q[j] = static_cast<std::int8_t>(std::round(limited[j] * inverse));
}

void quantiseRow(void* rows, std::int64_t position, const float* x, std::int64_t dim) {
    BlockQ8_0* block = static_cast<BlockQ8_0*>(rows) + position * (dim / BlockQ8_0::kElements);
    for (std::int64_t d = 0; d < dim; d += BlockQ8_0::kElements, ++block) quantise(*block, x + d);
}

/// Where the rows of one KV head begin.
const void* headRows(const void* rows, const KvView& cache, std::int64_t kvHead) {
    const auto elements = static_cast<std::uint64_t>(kvHead * cache.capacity * cache.headDim);
    return static_cast<const std::byte*>(rows) + bytesFor(cache.type == KvType::F16 ? DType::F16 : DType::Q8_0, elements);
}

} // namespace

void CpuBackend::appendKv(const KvView& cache, const TensorView& k, const TensorView& v, std::int32_t firstPosition) {
    if (!begin("appendKv", appendKvFits(cache, k, v, firstPosition))) return;
    const std::int64_t dim = cache.headDim;
    const auto store = [&](void* rows, std::int64_t position, const float* x) {
        if (cache.type == KvType::F16) {
            m_ops.toHalf(static_cast<std::uint16_t*>(rows) + position * dim, x, dim);
        } else {
            quantiseRow(rows, position, x, dim);
        }
    };
    overRows(k.rows(), k.cols() * 2, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t h = 0; h < cache.kvHeads; ++h) {
            for (std::int64_t t = from; t < to; ++t) {
                const std::int64_t position = h * cache.capacity + firstPosition + t;
                const std::int64_t source = t * k.cols() + h * dim;
                store(cache.keys, position, k.f32() + source);
                store(cache.values, position, v.f32() + source);
            }
        }
    });
}

void CpuBackend::attention(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition,
                           const AttentionParams& params) {
    if (!begin("attention", attentionFits(out, q, cache, firstPosition, params))) return;
    const std::int64_t tokens = q.rows();
    const std::int64_t group = params.heads / cache.kvHeads;
    if (tokens > 1 && tokens * group >= kRowsWorthABlock && group <= kAttentionBlockRows)
        return attendInBlocks(out, q, cache, firstPosition, params);
    const std::int64_t dim = cache.headDim;
    const Plan plan = makePlan(tokens, params.heads, cache.kvHeads, firstPosition + tokens, m_pool.threads());

    // Scratch: every (tile, split) has eight rows of {sums [dim], maximum, weight}; every worker eight scaled query rows and,
    // for q8_0, the positions of a tile in f32.
    const std::int64_t partialRow = dim + 2;
    const std::int64_t partialTile = kAttentionRows * partialRow;
    const std::int64_t partials = plan.tiles * plan.splits * partialTile;
    const bool widens = cache.type == KvType::Q8_0;
    const std::int64_t workerRows = kAttentionRows + (widens ? kAttentionPositions : 0);
    if (!grow(m_attention, partials + m_pool.threads() * workerRows * dim, "attention")) return;
    float* workerScratch = m_attention.data() + partials;

    const auto tileRows = [&](std::int64_t tile, auto&& visit) { // visit(row, token, head)
        const std::int64_t headTile = tile / plan.tokenTiles;
        const std::int64_t kvHead = headTile / plan.headTiles;
        const std::int64_t firstHead = headTile % plan.headTiles * plan.headsPerTile;
        const std::int64_t lastHead = std::min(firstHead + plan.headsPerTile, plan.group);
        const std::int64_t firstToken = tile % plan.tokenTiles * plan.tokensPerTile;
        const std::int64_t lastToken = std::min(firstToken + plan.tokensPerTile, tokens);
        int row = 0;
        for (std::int64_t t = firstToken; t < lastToken; ++t) {
            for (std::int64_t h = firstHead; h < lastHead; ++h, ++row) visit(row, t, kvHead * plan.group + h);
        }
        return kvHead;
    };

    parallel(plan.tiles * plan.splits, [&](int task, int worker) {
        AttentionTile tile;
        float* queries = workerScratch + worker * workerRows * dim;
        std::int64_t from = std::numeric_limits<std::int64_t>::max();
        std::int64_t to = 0;
        const std::int64_t kvHead = tileRows(task / plan.splits, [&](int row, std::int64_t token, std::int64_t head) {
            const std::int64_t position = firstPosition + token;
            tile.firstVisible[row] = params.window > 0 ? std::max<std::int64_t>(0, position - params.window + 1) : 0;
            tile.lastVisible[row] = params.causal ? position : firstPosition + tokens - 1;
            from = std::min(from, tile.firstVisible[row]);
            to = std::max(to, tile.lastVisible[row] + 1);
            const float* query = q.f32() + token * q.cols() + head * dim;
            for (std::int64_t d = 0; d < dim; ++d) queries[row * dim + d] = query[d] * params.scale;
            tile.rows = row + 1;
        });
        const std::int64_t split = task % plan.splits;
        float* partial = m_attention.data() + task * partialTile;
        tile.headDim = cache.headDim;
        tile.keys = headRows(cache.keys, cache, kvHead);
        tile.values = headRows(cache.values, cache, kvHead);
        tile.widened = widens ? queries + kAttentionRows * dim : nullptr;
        tile.from = from + (to - from) * split / plan.splits;
        tile.to = from + (to - from) * (split + 1) / plan.splits;
        tile.softcap = params.softcap;
        tile.queries = queries;
        tile.sums = partial;
        tile.maxima = partial + kAttentionRows * dim;
        tile.weights = tile.maxima + kAttentionRows;
        m_ops.attention(tile);
    });
    if (m_stop.stop_requested()) return; // partial results are missing; endStep() reports it

    const auto joinTile = [&](std::int64_t tileIndex) {
        tileRows(tileIndex, [&](int row, std::int64_t token, std::int64_t head) {
            const float* first = m_attention.data() + tileIndex * plan.splits * partialTile;
            const auto maximumOf = [&](std::int64_t split) {
                return first[split * partialTile + kAttentionRows * dim + row];
            };
            const auto weightOf = [&](std::int64_t split) {
                return first[split * partialTile + kAttentionRows * (dim + 1) + row];
            };
            const float sink = params.sinks.data == nullptr ? kNothing : params.sinks.f32()[head];
            float maximum = sink;
            for (std::int64_t s = 0; s < plan.splits; ++s) maximum = std::max(maximum, maximumOf(s));
            float* target = out.f32() + token * out.cols() + head * dim;
            std::fill(target, target + dim, 0.0f);
            float total = sink == kNothing ? 0.0f : std::exp(sink - maximum);
            for (std::int64_t s = 0; s < plan.splits; ++s) {
                if (maximumOf(s) == kNothing) continue;
                const float fade = std::exp(maximumOf(s) - maximum);
                total += weightOf(s) * fade;
                m_ops.addScaled(target, first + s * partialTile + row * dim, dim, fade);
            }
            if (total > 0.0f) m_ops.scale(target, dim, 1.0f / total);
        });
    };
    overRows(plan.tiles, kAttentionRows * dim * plan.splits, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t tile = from; tile < to; ++tile) joinTile(tile);
    });
}

void CpuBackend::attendInBlocks(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition,
                                const AttentionParams& params) {
    const std::int64_t tokens = q.rows();
    const std::int64_t dim = cache.headDim;
    const std::int64_t padded = ceilDivide(dim, kAttentionBlockPadding) * kAttentionBlockPadding;
    const std::int64_t group = params.heads / cache.kvHeads;
    const std::int64_t tokensPerBlock = kAttentionBlockRows / group;
    const std::int64_t tokenBlocks = ceilDivide(tokens, tokensPerBlock);
    const std::int64_t rowsPerBlock = std::min(tokensPerBlock, tokens) * group;
    const std::int64_t scratchPerWorker = rowsPerBlock * (dim + padded + 2) + 4 * dim + kAttentionBlockPositions * (dim + padded);
    if (!grow(m_attention, m_pool.threads() * scratchPerWorker, "attention")) return;

    parallel(cache.kvHeads * tokenBlocks, [&](int task, int worker) {
        const std::int64_t kvHead = task % cache.kvHeads;
        const std::int64_t firstToken = (tokenBlocks - 1 - task / cache.kvHeads) * tokensPerBlock; // the longest first
        const std::int64_t blockTokens = std::min(tokensPerBlock, tokens - firstToken);
        float* scratch = m_attention.data() + worker * scratchPerWorker;
        const auto take = [&](std::int64_t count) { return std::exchange(scratch, scratch + count); };
        float* queries = take(rowsPerBlock * dim);

        std::int64_t firstVisible[kAttentionBlockRows];
        std::int64_t lastVisible[kAttentionBlockRows];
        AttentionBlock block{.headDim = cache.headDim, .paddedDim = padded, .inBlocks = cache.type == KvType::Q8_0, .softcap = params.softcap};
        for (std::int64_t t = 0; t < blockTokens; ++t) {
            const std::int64_t position = firstPosition + firstToken + t;
            const float* from = q.f32() + (firstToken + t) * q.cols() + kvHead * group * dim;
            for (std::int64_t i = 0; i < group * dim; ++i) queries[block.rows * dim + i] = from[i] * params.scale;
            for (std::int64_t h = 0; h < group; ++h, ++block.rows) {
                firstVisible[block.rows] = params.window > 0 ? std::max<std::int64_t>(0, position - params.window + 1) : 0;
                lastVisible[block.rows] = params.causal ? position : firstPosition + tokens - 1;
            }
        }
        block.keys = headRows(cache.keys, cache, kvHead);
        block.values = headRows(cache.values, cache, kvHead);
        block.from = firstVisible[0];
        block.to = lastVisible[block.rows - 1] + 1;
        block.queries = queries;
        block.firstVisible = firstVisible;
        block.lastVisible = lastVisible;
        block.staged = take(4 * dim);
        block.keyTile = take(kAttentionBlockPositions * dim);
        block.valueTile = take(kAttentionBlockPositions * padded);
        block.sums = take(rowsPerBlock * padded);
        block.maxima = take(rowsPerBlock);
        block.weights = take(rowsPerBlock);
        m_ops.attentionBlock(block);

        for (std::int64_t row = 0; row < block.rows; ++row) {
            const std::int64_t head = kvHead * group + row % group;
            const float sink = params.sinks.data == nullptr ? kNothing : params.sinks.f32()[head];
            const float largest = std::max(block.maxima[row], sink);
            const float fade = block.maxima[row] == kNothing ? 0.0f : std::exp(block.maxima[row] - largest);
            const float total = block.weights[row] * fade + (sink == kNothing ? 0.0f : std::exp(sink - largest));
            float* target = out.f32() + (firstToken + row / group) * out.cols() + head * dim;
            std::fill(target, target + dim, 0.0f);
            if (fade > 0.0f && total > 0.0f) m_ops.addScaled(target, block.sums + row * padded, dim, fade / total);
        }
    });
}

} // namespace hearth::kernels
