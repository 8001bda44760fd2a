// SPDX-License-Identifier: Apache-2.0
//
// CpuBackend's special operations. Beside the products of the models that need them their cost is small: plain loops.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_op_table.h"
#include "kernels/cpu/parallel.h"
#include "kernels/ops/special.h"

#include <algorithm>
#include <cmath>

namespace hearth::kernels {

namespace {

/// Comparisons with a NaN are false, so it passes.
float limited(float value, float limit) {
    return value > limit ? limit : value;
}

float clampedSwiGluOf(float gate, float up) {
    const float g = limited(gate, kClampedSwiGluLimit);
    const float u = -limited(-limited(up, kClampedSwiGluLimit), kClampedSwiGluLimit);
    return g / (1.0f + std::exp(-kClampedSwiGluSlope * g)) * (u + 1.0f);
}

} // namespace

bool CpuBackend::offers(SpecialOperation) const {
    return true;
}

void CpuBackend::clampedSwiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    if (!begin("clampedSwiGlu", gatedFits(out, gate, up))) return;
    const std::int64_t cols = out.cols();
    overRows(out.rows(), cols, [&](std::int64_t from, std::int64_t to) {
        std::transform(gate.f32() + from * cols, gate.f32() + to * cols, up.f32() + from * cols,
                       out.f32() + from * cols, clampedSwiGluOf);
    });
}

void CpuBackend::addExpertBias(const TensorView& x, const TensorView& bias, const TensorView& ids) {
    if (!begin("addExpertBias", addExpertBiasFits(x, bias, ids))) return;
    const std::int64_t cols = x.cols();
    const auto* experts = static_cast<const std::int32_t*>(ids.data);
    overRows(x.rows(), cols, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t r = from; r < to; ++r) m_ops.add(x.f32() + r * cols, bias.f32() + experts[r] * cols, cols);
    });
}

void CpuBackend::copyColumns(const TensorView& out, std::int64_t outFrom, const TensorView& in, std::int64_t inFrom,
                             std::int64_t count) {
    if (!begin("copyColumns", copyColumnsFits(out, outFrom, in, inFrom, count)) || out.rows() == 0) return;
    const std::int64_t repeat = out.rows() / in.rows();
    overRows(out.rows(), count, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t r = from; r < to; ++r)
            std::copy_n(in.f32() + r / repeat * in.cols() + inFrom, count, out.f32() + r * out.cols() + outFrom);
    });
}

} // namespace hearth::kernels
