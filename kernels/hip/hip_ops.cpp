// SPDX-License-Identifier: Apache-2.0
//
// The small operations: each checks its shapes, fills in the kernel's arguments and launches it.
#include "kernels/hip/hip_backend_impl.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/elementwise_hip.h"
#include "kernels/ops/embed.h"
#include "kernels/ops/embed_hip.h"
#include "kernels/ops/gated.h"
#include "kernels/ops/gated_hip.h"
#include "kernels/ops/moe.h"
#include "kernels/ops/moe_hip.h"
#include "kernels/ops/norm.h"
#include "kernels/ops/norm_hip.h"

#include <algorithm>
#include <utility>

namespace hearth::kernels {

void HipBackend::embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens, float scale) {
    if (!begin("embed", embedFits(out, table, tokens)) || tokens.empty()) return;
    EmbedArgs args{};
    std::ranges::copy(planesAt(table.data, table.dtype, static_cast<std::uint64_t>(table.elements())).plane, args.plane);
    args.step = stepState();
    if (args.step == nullptr) {
        std::byte* memory = scratch(Use::Tokens, tokens.size_bytes(), "embed");
        if (memory == nullptr || !uploadNow(memory, std::as_bytes(tokens))) return;
        args.tokens = reinterpret_cast<const std::int32_t*>(memory);
    }
    args.out = out.f32();
    args.cols = static_cast<std::int32_t>(table.cols());
    args.scale = scale;
    const std::int64_t perThread = planeFields(table.dtype).empty() ? 1 : 16;
    const std::int64_t perBlock = kEmbedThreads * perThread;
    launch(kernel("hearth_embed_", table.dtype),
           {static_cast<std::uint32_t>((table.cols() + perBlock - 1) / perBlock), static_cast<std::uint32_t>(tokens.size()), 1}, kEmbedThreads,
           args, "embed");
    written(out);
}

void HipBackend::norm(const TensorView& out, const TensorView& x, const TensorView& y, const TensorView& weight, float eps,
                      const char* place) {
    if (!begin(place, rmsNormFits(out, x, weight) && (y.data == nullptr || addFits(x, y))) || x.rows() == 0) return;
    written(out);
    written(x);
    RmsNormArgs args{};
    args.out = out.f32();
    args.x = x.f32();
    args.y = y.f32();
    args.weight = weight.f32();
    args.rows = static_cast<std::int32_t>(x.rows());
    args.cols = static_cast<std::int32_t>(x.cols());
    args.eps = eps;
    // The norm of a head is no product's input.
    if (args.cols > kHeadNormCols || args.rows == 1) args.q8 = q8For(out);
    if (isHeadNorm(args)) {
        launch("hearth_rms_norm_heads", headNormGrid(args.rows), kHeadNormThreads, args);
    } else {
        launch("hearth_rms_norm", normGrid(args.rows), kNormThreads, args);
    }
}

void HipBackend::rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) {
    norm(out, x, {}, weight, eps, "rmsNorm");
}

void HipBackend::rmsNormForProducts(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) {
    // Products read a row four columns at a time, and rounding takes whole blocks of 32.
    if (x.rows() != 1 || x.cols() % 32 != 0) return rmsNorm(out, x, weight, eps);
    if (!begin("rmsNormForProducts", rmsNormFits(out, x, weight) && out.data != x.data)) return;
    written(out);
    m_deferredNorm = {out, x, weight, eps}; // its x is emptied when that is written: a failed step is better than stale numbers
}

void HipBackend::normNow(const TensorView& x) {
    if (!m_deferredNorm.holds(x)) return;
    const DeferredNorm norm = std::exchange(m_deferredNorm, {});
    if (norm.x.data == nullptr) return fail(StatusCode::InvalidShape, "rmsNormForProducts");
    rmsNorm(norm.out, norm.x, norm.weight, norm.eps);
}

void HipBackend::addRmsNorm(const TensorView& out, const TensorView& x, const TensorView& y, const TensorView& weight, float eps) {
    norm(out, x, y, weight, eps, "addRmsNorm");
}

void HipBackend::layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight, const TensorView& bias, float eps) {
    if (!begin("layerNorm", layerNormFits(out, x, weight, bias)) || x.rows() == 0) return;
    written(out);
    const LayerNormArgs args{out.f32(), x.f32(), weight.f32(), bias.f32(), q8For(out), static_cast<std::int32_t>(x.rows()),
                             static_cast<std::int32_t>(x.cols()), eps};
    launch("hearth_layer_norm", normGrid(args.rows), kNormThreads, args);
}

void HipBackend::addBias(const TensorView& x, const TensorView& bias) {
    if (!begin("addBias", addBiasFits(x, bias)) || x.rows() == 0) return;
    const auto cols = static_cast<std::int32_t>(x.cols());
    const AddBiasArgs args{x.f32(), bias.f32(), cols, addBiasBlocks(cols)};
    launch("hearth_add_bias", addBiasGrid(static_cast<std::int32_t>(x.rows()), cols), kElementwiseThreads, args);
    written(x);
}

void HipBackend::add(const TensorView& x, const TensorView& y) {
    if (!begin("add", addFits(x, y))) return;
    const ElementwiseArgs args{x.f32(), y.f32(), x.elements(), 0.0f};
    launch("hearth_add", elementwiseGrid(args.count), kElementwiseThreads, args);
    written(x);
}

void HipBackend::scale(const TensorView& x, float factor) {
    if (!begin("scale", isF32Matrix(x))) return;
    const ElementwiseArgs args{x.f32(), nullptr, x.elements(), factor};
    launch("hearth_scale", elementwiseGrid(args.count), kElementwiseThreads, args);
    written(x);
}

void HipBackend::softcap(const TensorView& x, float cap) {
    if (!begin("softcap", isF32Matrix(x) && cap > 0.0f)) return;
    const ElementwiseArgs args{x.f32(), nullptr, x.elements(), cap};
    launch("hearth_softcap", elementwiseGrid(args.count), kElementwiseThreads, args);
    written(x);
}

void HipBackend::gated(const char* name, const TensorView& out, const TensorView& gate, const TensorView& up) {
    if (!begin(name, gatedFits(out, gate, up)) || out.elements() == 0) return;
    written(out);
    const GatedArgs args{out.f32(), gate.f32(), up.f32(), q8For(out), out.elements()};
    launch(name, gatedGrid(args.count), kGatedThreads, args);
}

void HipBackend::swiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    gated("hearth_swi_glu", out, gate, up);
}

void HipBackend::geGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    gated("hearth_ge_glu", out, gate, up);
}

void HipBackend::moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits, bool renormalise) {
    if (!begin("moeRoute", moeRouteFits(ids, weights, logits) && logits.cols() <= kMoeMostExperts) || logits.rows() == 0) return;
    const MoeRouteArgs args{static_cast<std::int32_t*>(ids.data), weights.f32(), logits.f32(), static_cast<std::int32_t>(logits.rows()),
                            static_cast<std::int32_t>(logits.cols()), static_cast<std::int32_t>(ids.cols()), renormalise ? 1 : 0};
    launch("hearth_moe_route", moeRouteGrid(args.rows), kMoeRouteThreads, args);
    written(weights);
}

void HipBackend::moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) {
    if (!begin("moeCombine", moeCombineFits(out, x, weights)) || out.rows() == 0) return;
    const auto cols = static_cast<std::int32_t>(out.cols());
    const MoeCombineArgs args{out.f32(), x.f32(), weights.f32(), static_cast<std::int32_t>(weights.cols()), cols, moeCombineBlocks(cols)};
    launch("hearth_moe_combine", moeCombineGrid(static_cast<std::int32_t>(out.rows()), cols), kMoeCombineThreads, args);
    written(out);
}

} // namespace hearth::kernels
