// SPDX-License-Identifier: Apache-2.0
//
// Operations that few models need (ops/special.h).
#include "kernels/hip/hip_backend_impl.h"

#include "kernels/ops/special.h"
#include "kernels/ops/special_hip.h"

namespace hearth::kernels {

bool HipBackend::offers(SpecialOperation operation) const {
    return isOnEveryGpu(operation);
}

void HipBackend::clampedSwiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    gated("hearth_clamped_swi_glu", out, gate, up);
}

void HipBackend::addExpertBias(const TensorView& x, const TensorView& bias, const TensorView& ids) {
    if (!begin("addExpertBias", addExpertBiasFits(x, bias, ids)) || x.elements() == 0) return;
    const auto cols = static_cast<std::int32_t>(x.cols());
    const AddExpertBiasArgs args{x.f32(), bias.f32(), static_cast<const std::int32_t*>(ids.data), static_cast<std::int32_t>(bias.rows()), cols,
                                 rowPieces(cols)};
    launch("hearth_add_expert_bias", rowPiecesGrid(x.rows(), args.pieces), kSpecialThreads, args);
    written(x);
}

void HipBackend::copyColumns(const TensorView& out, std::int64_t outFrom, const TensorView& in, std::int64_t inFrom, std::int64_t count) {
    if (!begin("copyColumns", copyColumnsFits(out, outFrom, in, inFrom, count)) || out.rows() == 0) return;
    const auto columns = static_cast<std::int32_t>(count);
    const CopyColumnsArgs args{out.f32() + outFrom,
                               in.f32() + inFrom,
                               static_cast<std::int32_t>(out.cols()),
                               static_cast<std::int32_t>(in.cols()),
                               columns,
                               static_cast<std::int32_t>(out.rows() / in.rows()),
                               rowPieces(columns)};
    launch("hearth_copy_columns", rowPiecesGrid(out.rows(), args.pieces), kSpecialThreads, args);
    written(out);
}

} // namespace hearth::kernels
