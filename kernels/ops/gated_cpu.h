// SPDX-License-Identifier: Apache-2.0
//
// Gated activations over a vector type. Contract: gated.h.
#pragma once

#include "kernels/cpu/vec_portable.h"

namespace hearth::kernels {
namespace {

template <typename V>
HEARTH_INLINE V siluOf(V x) {
    const V one = V::set(1.0f);
    return V::div(x, V::add(one, V::exp(V::sub(V::set(0.0f), x))));
}

template <typename V>
HEARTH_INLINE V geluOf(V x) {
    constexpr float kMinusTwoSqrt2OverPi = -1.5957691216057308f;
    const V one = V::set(1.0f);
    const V inner = V::fma(V::mul(V::set(0.044715f), V::mul(x, x)), x, x);
    return V::div(x, V::add(one, V::exp(V::mul(V::set(kMinusTwoSqrt2OverPi), inner))));
}

template <typename V>
void swiGlu(float* out, const float* gate, const float* up, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth)
        V::store(out + i, V::mul(siluOf<V>(V::load(gate + i)), V::load(up + i)));
    for (; i < count; ++i) out[i] = siluOf<VecScalar>({gate[i]}).v * up[i];
}

template <typename V>
void geGlu(float* out, const float* gate, const float* up, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth)
        V::store(out + i, V::mul(geluOf<V>(V::load(gate + i)), V::load(up + i)));
    for (; i < count; ++i) out[i] = geluOf<VecScalar>({gate[i]}).v * up[i];
}

} // namespace
} // namespace hearth::kernels
