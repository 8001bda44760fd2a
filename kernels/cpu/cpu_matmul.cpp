// SPDX-License-Identifier: Apache-2.0
//
// Matrix products of CpuBackend: which kernel, how the rows are shared out, and the grouping of tokens by expert.
#include "kernels/cpu/cpu_backend.h"

#include "kernels/cpu/matmul_portable.h"
#include "kernels/cpu/parallel.h"
#include "kernels/ops/matmul.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#ifdef HEARTH_HAVE_SIMD_MATMUL
#include "kernels/cpu/simd/matmul_simd.h"
#endif

namespace hearth::kernels {

namespace {

/// A task of one token should read this much: its streams of addresses take time to get going ...
constexpr std::int64_t kBytesWorthATask = 256 * 1024;
/// ... and a task of many tokens should multiply no more than this, so that a stop request is seen within milliseconds.
constexpr std::int64_t kProductsPerTask = 128 * 1024 * 1024;
/// Whole tiles of the kernels.
constexpr std::int64_t kRowGroup = 32;
/// Tasks per thread: more even out better.
constexpr std::int64_t kTasksPerThread = 8;
constexpr std::int64_t kTasksPerThreadOfOneToken = 4;

[[maybe_unused]] bool isFloat(DType dtype) { // only where SIMD kernels are built
    return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

} // namespace

bool CpuBackend::multipliesRest(DType dtype) {
    const DTypeInfo& type = info(dtype);
    return type.elementsPerBlock == 256 && type.bytesPerBlock * 8 < 4 * type.elementsPerBlock;
}

bool CpuBackend::roundsActivations(DType dtype, std::int64_t cols) const {
#ifdef HEARTH_HAVE_SIMD_MATMUL
    return m_matmul != nullptr && !isFloat(dtype) && cols % kQ8Elements == 0 && m_matmul->supports(dtype);
#else
    static_cast<void>(dtype);
    static_cast<void>(cols);
    return false;
#endif
}

bool CpuBackend::roundActivations(std::int64_t at, const float* x, std::int64_t rows, std::int64_t cols,
                                  Rounding rounding) {
#ifdef HEARTH_HAVE_SIMD_MATMUL
    const bool withRest = rounding == Rounding::WithRest;
    const std::int64_t panelRows = withRest ? 2 * rows : rows;
    if (!grow(m_rounded, at + q8PanelChunks(panelRows, cols), "matmul")) return false;
    if (withRest && !grow(m_rest, rows * cols, "matmul")) return false;
    Q8Chunk* panel = m_rounded.data() + at;
    overRows(rows, cols, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t t = from; t < to; ++t) {
            float* rest = withRest ? m_rest.data() + t * cols : nullptr;
            m_matmul->packRow(panel, panelRows, t, x + t * cols, cols, rest);
            if (withRest) m_matmul->packRow(panel, panelRows, rows + t, rest, cols, nullptr);
        }
    });
#else
    static_cast<void>(at);
    static_cast<void>(rounding);
    static_cast<void>(x);
    static_cast<void>(rows);
    static_cast<void>(cols);
#endif
    return true;
}

void CpuBackend::matmul(const TensorView& out, const TensorView& weight, const TensorView& x) {
    matmulShared({&out, 1}, {&weight, 1}, x);
}

void CpuBackend::matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights,
                              const TensorView& x) {
    bool valid = outs.size() == weights.size();
    for (std::size_t i = 0; valid && i < outs.size(); ++i)
        valid = matmulFits(outs[i], weights[i], x);
    if (!begin("matmul", valid)) return;

    const std::int64_t cols = x.cols();
    const std::int64_t tokens = x.rows();
    bool rounded = false;
    std::int64_t widest = 0; // floats of the double outputs of products that multiply the rest too
    // One that wants the rest brings it to all that share x: in such files V is kept finer than Q and K, because it
    // matters.
    const bool withRest = std::ranges::any_of(weights, [&](const TensorView& weight) {
        return roundsActivations(weight.dtype, cols) && multipliesRest(weight.dtype);
    });
    const auto needsRest = [&](const TensorView& weight) { return withRest && roundsActivations(weight.dtype, cols); };
    for (const TensorView& weight : weights)
        widest += needsRest(weight) ? 2 * tokens * weight.rows() : 0;
    if (!grow(m_wide, widest, "matmul")) return;
    float* wide = m_wide.data();
    m_products.clear();
    for (std::size_t i = 0; i < outs.size(); ++i) {
        const TensorView& weight = weights[i];
        Product product{.dtype = weight.dtype,
                        .weight = static_cast<const std::byte*>(weight.data),
                        .rowBytes = static_cast<std::int64_t>(bytesFor(weight.dtype, static_cast<std::uint64_t>(cols))),
                        .rows = weight.rows(),
                        .cols = cols,
                        .tokens = x.rows(),
                        .out = outs[i].f32(),
                        .x = x.f32()};
        if (roundsActivations(weight.dtype, cols)) {
            if (!rounded && !roundActivations(0, x.f32(), tokens, cols, withRest ? Rounding::WithRest : Rounding::Once))
                return;
            rounded = true;
            product.rounded = m_rounded.data();
        }
        if (needsRest(weight)) { // the rests stand behind the rounded rows, as further tokens
            product.tokens = 2 * tokens;
            product.out = wide;
            wide += product.tokens * product.rows;
        }
        m_products.push_back(product);
    }
    runProducts(cols);
    for (std::size_t i = 0; i < outs.size(); ++i) {
        const Product& product = m_products[i];
        if (product.tokens == tokens) continue;
        overRows(tokens, product.rows, [&](std::int64_t from, std::int64_t to) {
            const float* rests = product.out + tokens * product.rows;
            for (std::int64_t k = from * product.rows; k < to * product.rows; ++k)
                outs[i].f32()[k] = product.out[k] + rests[k];
        });
    }
}

void CpuBackend::matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x,
                               const TensorView& ids) {
    if (!begin("matmulExperts", matmulExpertsFits(out, weight, x, ids))) return;
    const std::int32_t* expertOf = static_cast<const std::int32_t*>(ids.data);
    const std::int64_t pairs = ids.elements();
    const std::int64_t experts = weight.outer();
    const auto inRange = [&](std::int32_t id) { return id >= 0 && id < experts; };
    if (!std::all_of(expertOf, expertOf + pairs, inRange)) return fail(StatusCode::InvalidShape, "matmulExperts");

    // Pairs of (token, choice) in the order of their expert, so that each expert's weights are read once for all its
    // tokens.
    if (!grow(m_order, pairs, "matmulExperts")) return;
    const std::span<std::int32_t> order = std::span(m_order).first(static_cast<std::size_t>(pairs));
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [&](std::int32_t pair) { return std::pair(expertOf[pair], pair); });

    const std::int64_t cols = weight.cols();
    const std::int64_t rows = weight.rows();
    const std::int64_t pairsPerRow = x.rows() == pairs ? 1 : ids.cols();
    if (!grow(m_gathered, pairs * (cols + rows), "matmulExperts")) return;
    float* inputs = m_gathered.data();
    float* outputs = inputs + pairs * cols;
    overRows(pairs, cols, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t i = from; i < to; ++i) {
            const float* row = x.f32() + order[static_cast<std::size_t>(i)] / pairsPerRow * cols;
            std::memcpy(inputs + i * cols, row, static_cast<std::size_t>(cols) * sizeof(float));
        }
    });
    const bool rounds = roundsActivations(weight.dtype, cols);
    const std::int64_t chunks = q8PanelChunks(1, cols); // no row of any panel takes more
    if (rounds && !grow(m_rounded, pairs * chunks, "matmulExperts")) return; // at once: products point into it

    const std::int64_t rowBytes = static_cast<std::int64_t>(bytesFor(weight.dtype, static_cast<std::uint64_t>(cols)));
    m_products.clear();
    for (std::int64_t first = 0; first < pairs;) {
        const std::int32_t expert = expertOf[order[static_cast<std::size_t>(first)]];
        std::int64_t end = first + 1;
        while (end < pairs && expertOf[order[static_cast<std::size_t>(end)]] == expert)
            ++end;
        if (rounds && !roundActivations(first * chunks, inputs + first * cols, end - first, cols, Rounding::Once)) return;
        m_products.push_back({.dtype = weight.dtype,
                              .weight = static_cast<const std::byte*>(weight.data) + expert * rows * rowBytes,
                              .rowBytes = rowBytes,
                              .rows = rows,
                              .cols = cols,
                              .tokens = end - first,
                              .out = outputs + first * rows,
                              .x = inputs + first * cols,
                              .rounded = rounds ? m_rounded.data() + first * chunks : nullptr});
        first = end;
    }
    runProducts(cols);

    overRows(pairs, rows, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t i = from; i < to; ++i) {
            float* row = out.f32() + order[static_cast<std::size_t>(i)] * rows;
            std::memcpy(row, outputs + i * rows, static_cast<std::size_t>(rows) * sizeof(float));
        }
    });
}

std::int64_t CpuBackend::chunkRows(const Product& product, std::int64_t totalRows) const {
    const std::int64_t tasks = product.tokens == 1 ? kTasksPerThreadOfOneToken : kTasksPerThread;
    const std::int64_t share = totalRows / (tasks * m_pool.threads());
    const std::int64_t worthIt = kBytesWorthATask / std::max<std::int64_t>(1, product.rowBytes * product.tokens);
    const std::int64_t atMost = kProductsPerTask / std::max<std::int64_t>(1, product.cols * product.tokens);
    const std::int64_t wanted = std::min(std::max(share, worthIt), atMost);
    return std::max<std::int64_t>(1, wanted / kRowGroup) * kRowGroup;
}

void CpuBackend::runProducts(std::int64_t cols) {
    std::int64_t totalRows = 0;
    for (const Product& product : m_products)
        totalRows += product.rows;
    m_chunks.clear();
    for (std::size_t i = 0; i < m_products.size(); ++i) {
        const Product& product = m_products[i];
        const std::int64_t step = product.tokens > 0 ? chunkRows(product, totalRows) : product.rows;
        for (std::int64_t row = 0; row < product.rows && product.tokens > 0; row += step) {
            m_chunks.push_back({static_cast<int>(i), row, std::min(row + step, product.rows)});
        }
    }
    if (!grow(m_decoded, m_pool.threads() * kDecodedRows * cols, "matmul")) return;
    parallel(static_cast<std::int64_t>(m_chunks.size()),
             [&](int task, int worker) { runChunk(m_chunks[static_cast<std::size_t>(task)], worker); });
}

void CpuBackend::runChunk(const Chunk& chunk, int worker) {
    const Product& p = m_products[static_cast<std::size_t>(chunk.product)];
    MatmulFloat multiplyFloats = matmulF32Portable;
#ifdef HEARTH_HAVE_SIMD_MATMUL
    if (p.rounded != nullptr) {
        m_matmul->matmul(p.out, p.rows, p.dtype, p.weight, p.rowBytes, chunk.rowFrom, chunk.rowTo, p.rounded, p.tokens,
                         p.cols);
        return;
    }
    if (m_matmul != nullptr) {
        multiplyFloats = m_matmul->matmulFloat;
        if (isFloat(p.dtype) && m_matmul->supports(p.dtype)) {
            multiplyFloats(p.out, p.rows, p.dtype, p.weight, p.rowBytes, chunk.rowFrom, chunk.rowTo, p.x, p.cols,
                           p.tokens, p.cols);
            return;
        }
    }
#endif
    if (p.dtype == DType::F32) {
        multiplyFloats(p.out, p.rows, p.dtype, p.weight, p.rowBytes, chunk.rowFrom, chunk.rowTo, p.x, p.cols, p.tokens,
                       p.cols);
        return;
    }
    float* scratch = m_decoded.data() + worker * kDecodedRows * p.cols;
    matmulDecoded(p.out, p.rows, p.dtype, p.weight, p.rowBytes, chunk.rowFrom, chunk.rowTo, p.x, p.cols, p.tokens,
                  p.cols, scratch, multiplyFloats);
}

} // namespace hearth::kernels
