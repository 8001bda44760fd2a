// SPDX-License-Identifier: Apache-2.0
//
// Matrix products on the GPU. Up to eight rows of x (decoding) read them in 8 bits and every weight once (matvec_hip.h); more (prompts) go
// through the matrix units in f16 (matmul_hip.h). What x looks like in 8 or 16 bits is kept until x changes: Q, K and V share it.
#include "kernels/hip/hip_backend_impl.h"

#include "kernels/ops/gated_hip.h"
#include "kernels/ops/matmul.h"
#include "kernels/ops/matmul_hip.h"
#include "kernels/ops/matvec_hip.h"
#include "kernels/ops/moe_hip.h"
#include "kernels/ops/quantize_hip.h"

#include <algorithm>

namespace hearth::kernels {

namespace {

bool isFloat(DType dtype) {
    return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

bool fewRows(std::int64_t rows) {
    return rows <= kMatvecMostRows;
}

/// Products of many rows that the tiled kernels can do: whole runs of 16 columns, and not f32, whose digits f16 does not hold.
bool tiles(const TensorView& weight) {
    return weight.dtype != DType::F32 && weight.cols() % 16 == 0;
}

std::uint32_t blocksOf(std::int64_t count, std::int64_t perBlock) {
    return static_cast<std::uint32_t>((count + perBlock - 1) / perBlock);
}

/// A back end's memory is 16-byte aligned; a row of it may begin anywhere that its length allows.
std::int64_t paddedRows(std::int64_t rows) {
    return (rows + 3) / 4 * 4;
}

MatvecWeight matvecWeight(const TensorView& out, const TensorView& weight, const TensorView& bias, std::int32_t rowsBefore) {
    MatvecWeight w{};
    const Planes planes = planesAt(weight.data, weight.dtype, static_cast<std::uint64_t>(weight.elements()));
    std::ranges::copy(planes.plane, w.plane);
    const std::int64_t blocks = weight.rows() * weight.cols() / info(weight.dtype).elementsPerBlock;
    w.expertBlocks = weight.outer() > 1 ? blocks : 0;
    w.out = out.f32();
    w.bias = bias.f32();
    w.rows = static_cast<std::int32_t>(weight.rows());
    w.lastRow = rowsBefore + w.rows;
    return w;
}

bool hasNormedKernel(DType dtype) {
    switch (dtype) {
#define HEARTH_CASE(NAME) case DType::NAME:
        HEARTH_NORMED_FORMATS(HEARTH_CASE)
#undef HEARTH_CASE
        return true;
    default: return false;
    }
}

/// Output rows of a wave, for one row of x: they share the reading of x, and have more on the way. kRows in formats.h says the same to the
/// kernels; what was fastest on an H100.
int matvecRowsOfOne(DType dtype, int waveSize) {
    switch (dtype) {
    case DType::F32:
    case DType::F16:
    case DType::BF16:
    case DType::Q8_0: return 1;
    case DType::Q6_K: return waveSize == 64 ? 2 : 4;
    default: return 2;
    }
}

} // namespace

// --- activations in 8 and 16 bits -------------------------------------------------------------------------------------------

void HipBackend::written(const TensorView& view) {
    const auto* from = static_cast<const std::byte*>(view.data);
    const auto* to = from + view.bytes();
    const auto touches = [&](const Prepared& prepared) {
        const auto* data = static_cast<const std::byte*>(prepared.data);
        return data != nullptr && data < to && from < data + prepared.rows * prepared.cols * 4;
    };
    if (touches(m_q8)) m_q8 = {};
    if (touches(m_halves)) m_halves = {};
    if (touches({m_deferredNorm.out.data, 1, m_deferredNorm.out.cols()})) m_deferredNorm = {};
    if (touches({m_deferredNorm.x.data, 1, m_deferredNorm.x.cols()})) m_deferredNorm.x = {}; // too late for who reads it from now on
}

Q8Rows HipBackend::q8Memory(std::int64_t rows, std::int64_t cols, const char* place) {
    // q and rest: a byte each; two scales per 32 values, two sums per 16. The kernel for four rows reads four.
    const std::int64_t values = (paddedRows(rows) * cols + 63) / 64 * 64;
    std::byte* memory = scratch(Use::Q8, static_cast<std::uint64_t>(values * 2 + values / 32 * 4 * 2 + values / 16 * 4 * 2), place);
    if (memory == nullptr) return {};
    Q8Rows out;
    out.q = reinterpret_cast<std::int8_t*>(memory);
    out.rest = out.q + values;
    out.scale = reinterpret_cast<float*>(out.rest + values);
    out.restScale = out.scale + values / 32;
    out.sums = out.restScale + values / 32;
    out.restSums = out.sums + values / 16;
    return out;
}

Q8Rows HipBackend::q8For(const TensorView& x) {
    if (!fewRows(x.rows()) || x.cols() % 32 != 0) return {};
    const Q8Rows rows = q8Memory(x.rows(), x.cols(), "quantize");
    m_q8 = rows.q == nullptr ? Prepared{} : Prepared{x.data, x.rows(), x.cols()};
    return rows;
}

Q8Rows HipBackend::quantized(const TensorView& x, const char* place) {
    const Q8Rows rows = q8Memory(x.rows(), x.cols(), place);
    if (rows.q == nullptr || m_q8.holds(x)) return rows;
    const QuantizeRowsArgs args{rows, x.f32(), x.elements()};
    launch("hearth_quantize_rows", quantizeRowsGrid(args.count), kQuantizeThreads, args);
    m_q8 = {x.data, x.rows(), x.cols()};
    return rows;
}

HipBackend::HalfRows HipBackend::halves(const TensorView& x, const char* place) {
    const auto values = static_cast<std::uint64_t>(x.elements() + 7) / 8 * 8;
    std::byte* memory = scratch(Use::Halves, values * 2 + static_cast<std::uint64_t>(x.rows()) * 4, place);
    if (memory == nullptr) return {};
    const HalfRows rows{reinterpret_cast<std::uint16_t*>(memory), reinterpret_cast<float*>(memory + values * 2)};
    if (m_halves.holds(x)) return rows;
    const HalfRowsArgs args{rows.x, rows.scale, x.f32(), static_cast<std::int32_t>(x.rows()), static_cast<std::int32_t>(x.cols())};
    launch("hearth_half_rows", halfRowsGrid(args.rows), kHalfRowsThreads, args);
    m_halves = {x.data, x.rows(), x.cols()};
    return rows;
}

// --- products ---------------------------------------------------------------------------------------------------------------

void HipBackend::matmul(const TensorView& out, const TensorView& weight, const TensorView& x) {
    product({&out, 1}, {&weight, 1}, x, {}, false, "matmul");
}

void HipBackend::matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x) {
    product(outs, weights, x, {}, false, "matmulShared");
}

void HipBackend::matmulAdd(const TensorView& x, const TensorView& weight, const TensorView& in, const TensorView& bias, const TensorView&) {
    product({&x, 1}, {&weight, 1}, in, bias, true, "matmulAdd");
}

void HipBackend::product(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x, const TensorView& bias,
                         bool add, const char* place) {
    bool fits = outs.size() == weights.size();
    for (std::size_t i = 0; fits && i < outs.size(); ++i) fits = matmulFits(outs[i], weights[i], x);
    if (!begin(place, fits) || x.rows() == 0) return;
    // One that needs the norm's result anyway makes it cheaper for all to read that.
    if (!std::ranges::all_of(weights, [](const TensorView& weight) { return hasNormedKernel(weight.dtype); })) normNow(x);
    for (std::size_t i = 0; i < outs.size();) {
        std::size_t count = 1;
        if (fewRows(x.rows()) || !tiles(weights[i])) {
            while (i + count < outs.size() && count < kMatvecWeights && weights[i + count].dtype == weights[i].dtype) ++count;
            matvec(outs.subspan(i, count), weights.subspan(i, count), x, bias, add, place);
        } else {
            matmulTiles(outs[i], weights[i], x, bias, add, place);
        }
        i += count;
    }
    for (const TensorView& out : outs) written(out);
}

std::int64_t HipBackend::rowsOfBlock(DType dtype, int xRows) const {
    return kMatvecThreads / m_properties.waveSize * (xRows == 1 ? matvecRowsOfOne(dtype, m_properties.waveSize) : 1);
}

void HipBackend::launchNormed(const char* prefix, DType dtype, MatvecArgs& args, std::int64_t rows, std::int64_t rowsOfWave, const char* place) {
    if (m_deferredNorm.x.data == nullptr) return fail(StatusCode::InvalidShape, place); // rmsNormForProducts: only until x is written
    args.xFloat = m_deferredNorm.x.f32();
    args.normWeight = m_deferredNorm.weight.f32();
    args.eps = m_deferredNorm.eps;
    // As many blocks as are at home at once: a block that has rounded x goes on to further rows rather than that another one rounds it again.
    // What a block of the gated kernel writes is rounded too, which takes whole runs of 32 rows.
    const std::int64_t rowsOfTurn = kNormedThreads / m_properties.waveSize * rowsOfWave;
    const std::int64_t blocksAtOnce = std::int64_t{2} * std::max(1, m_properties.multiprocessors);
    const std::int64_t wanted = args.cols > kNormedSlice ? 1 : (rows + rowsOfTurn * blocksAtOnce - 1) / (rowsOfTurn * blocksAtOnce);
    const std::int64_t step = std::max<std::int64_t>(1, 32 / rowsOfTurn);
    args.turns = static_cast<std::int32_t>(std::min<std::int64_t>((wanted + step - 1) / step * step, kMostNormedTurns));
    launch(kernel(prefix, dtype), {blocksOf(rows, rowsOfTurn * args.turns), 1, 1}, kNormedThreads, args, place);
}

void HipBackend::matvec(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x, const TensorView& bias,
                        bool add, const char* place) {
    MatvecArgs args{};
    std::int32_t rows = 0;
    for (std::size_t i = 0; i < kMatvecWeights; ++i) {
        const std::size_t which = std::min(i, outs.size() - 1);
        args.weight[i] = matvecWeight(outs[which], weights[which], bias, rows);
        if (i < outs.size()) rows = args.weight[i].lastRow;
        args.weight[i].lastRow = rows;
    }
    args.cols = static_cast<std::int32_t>(x.cols());
    args.xRows = static_cast<std::int32_t>(x.rows());
    args.store = add ? MatvecStore::Add : MatvecStore::Write;
    if (m_deferredNorm.holds(x)) {
        launchNormed("hearth_normed_matvec_", weights[0].dtype, args, rows, kNormedRows, place);
        return;
    }
    if (isFloat(weights[0].dtype)) {
        args.xFloat = x.f32();
    } else {
        args.x = quantized(x, place);
    }
    const int atOnce = x.rows() == 1 ? 1 : 4;
    const GpuGrid grid{blocksOf(rows, rowsOfBlock(weights[0].dtype, atOnce)), blocksOf(x.rows(), atOnce), 1};
    launch(kernel(atOnce == 1 ? "hearth_matvec1_" : "hearth_matvec4_", weights[0].dtype), grid, kMatvecThreads, args, place);
}

void HipBackend::matmulTiles(const TensorView& out, const TensorView& weight, const TensorView& x, const TensorView& bias, bool add,
                             const char* place) {
    const HalfRows rows = halves(x, place);
    MatmulArgs args{};
    std::ranges::copy(planesAt(weight.data, weight.dtype, static_cast<std::uint64_t>(weight.elements())).plane, args.plane);
    args.x = rows.x;
    args.xScale = rows.scale;
    args.out = out.f32();
    args.bias = bias.f32();
    args.rows = static_cast<std::int32_t>(weight.rows());
    args.cols = static_cast<std::int32_t>(weight.cols());
    args.tokens = static_cast<std::int32_t>(x.rows());
    args.add = add ? 1 : 0;
    launch(kernel("hearth_matmul_", weight.dtype), {blocksOf(weight.rows(), kTileRows), blocksOf(x.rows(), kTileTokens), 1}, kMatmulThreads,
           args, place);
}

void HipBackend::gatedMatmul(const TensorView& out, const TensorView& gate, const TensorView& up, const TensorView& x,
                             GatedActivation activation, const TensorView& scratchView) {
    if (x.rows() != 1 || gate.dtype != up.dtype) {
        Backend::gatedMatmul(out, gate, up, x, activation, scratchView);
        return;
    }
    if (!begin("gatedMatmul", matmulFits(out, gate, x) && matmulFits(out, up, x))) return;
    MatvecArgs args{};
    args.weight[0] = matvecWeight(out, gate, {}, 0);
    args.weight[1] = matvecWeight(out, up, {}, 0);
    args.cols = static_cast<std::int32_t>(x.cols());
    args.xRows = 1;
    args.gelu = activation == GatedActivation::GeluTanh ? 1 : 0;
    if (!hasNormedKernel(gate.dtype)) normNow(x);
    if (m_deferredNorm.holds(x)) {
        written(out);
        args.rounded = q8For(out);
        launchNormed("hearth_normed_gated_", gate.dtype, args, gate.rows(), 1, "gatedMatmul");
        return;
    }
    if (isFloat(gate.dtype)) {
        args.xFloat = x.f32();
    } else {
        args.x = quantized(x, "gatedMatmul");
    }
    const std::int64_t perBlock = kMatvecThreads / m_properties.waveSize;
    launch(kernel("hearth_gated_", gate.dtype), {blocksOf(gate.rows(), perBlock), 1, 1}, kMatvecThreads, args, "gatedMatmul");
    written(out);
}

// --- experts ----------------------------------------------------------------------------------------------------------------

void HipBackend::matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x, const TensorView& ids) {
    if (!begin("matmulExperts", matmulExpertsFits(out, weight, x, ids)) || ids.elements() == 0) return;
    const auto pairs = static_cast<std::int32_t>(ids.elements());
    const auto pairsPerRow = static_cast<std::int32_t>(ids.elements() / x.rows());
    if (fewRows(ids.rows()) || !tiles(weight)) {
        MatvecArgs args{};
        for (MatvecWeight& w : args.weight) w = matvecWeight(out, weight, {}, 0);
        if (isFloat(weight.dtype)) {
            args.xFloat = x.f32();
        } else {
            args.x = quantized(x, "matmulExperts");
        }
        args.ids = static_cast<const std::int32_t*>(ids.data);
        args.idsPerRow = pairsPerRow;
        args.experts = static_cast<std::int32_t>(weight.outer());
        args.cols = static_cast<std::int32_t>(x.cols());
        args.xRows = 1;
        launch(kernel("hearth_matvec1_", weight.dtype),
               {blocksOf(weight.rows(), rowsOfBlock(weight.dtype, 1)), static_cast<std::uint32_t>(pairs), 1}, kMatvecThreads, args,
               "matmulExperts");
    } else {
        const auto experts = static_cast<std::int32_t>(weight.outer());
        auto* order = reinterpret_cast<std::int32_t*>(
            scratch(Use::ExpertOrder, static_cast<std::uint64_t>(experts + 1 + pairs) * sizeof(std::int32_t), "matmulExperts"));
        if (order == nullptr) return;
        const MoeSortArgs sort{order, order + experts + 1, static_cast<const std::int32_t*>(ids.data), pairs, experts};
        launch("hearth_moe_sort", moeSortGrid(experts), kMoeSortThreads, sort);
        const HalfRows rows = halves(x, "matmulExperts");
        MatmulArgs args{};
        std::ranges::copy(planesAt(weight.data, weight.dtype, static_cast<std::uint64_t>(weight.elements())).plane, args.plane);
        args.x = rows.x;
        args.xScale = rows.scale;
        args.out = out.f32();
        args.expertBlocks = weight.rows() * weight.cols() / info(weight.dtype).elementsPerBlock;
        args.offsets = sort.offsets;
        args.pairs = sort.order;
        args.pairsPerRow = pairsPerRow;
        args.rows = static_cast<std::int32_t>(weight.rows());
        args.cols = static_cast<std::int32_t>(weight.cols());
        // An expert may get every token once, at most: blocks past its share end at once.
        launch(kernel("hearth_matmul_", weight.dtype),
               {blocksOf(weight.rows(), kTileRows), blocksOf(ids.rows(), kTileTokens), static_cast<std::uint32_t>(experts)}, kMatmulThreads, args,
               "matmulExperts");
    }
    written(out);
}

} // namespace hearth::kernels
