// SPDX-License-Identifier: Apache-2.0
//
// Elementwise loops over a vector type. Contract: elementwise.h.
#pragma once

#include "kernels/cpu/vec_portable.h"

namespace hearth::kernels {
namespace {

/// cap * tanh(x / cap); scale = 2 / cap
template <typename V>
HEARTH_INLINE V softcapOf(V x, V cap, V scale) {
    const V one = V::set(1.0f);
    const V growth = V::exp(V::mul(x, scale));
    return V::mul(cap, V::sub(one, V::div(V::set(2.0f), V::add(growth, one))));
}

template <typename V>
void softcapValues(float* x, std::int64_t count, float cap) {
    std::int64_t i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth) {
        V::store(x + i, softcapOf<V>(V::load(x + i), V::set(cap), V::set(2.0f / cap)));
    }
    for (; i < count; ++i) x[i] = softcapOf<VecScalar>({x[i]}, {cap}, {2.0f / cap}).v;
}

template <typename V>
void addValues(float* x, const float* y, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth) V::store(x + i, V::add(V::load(x + i), V::load(y + i)));
    for (; i < count; ++i) x[i] += y[i];
}

template <typename V>
void scaleValues(float* x, std::int64_t count, float factor) {
    std::int64_t i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth) V::store(x + i, V::mul(V::load(x + i), V::set(factor)));
    for (; i < count; ++i) x[i] *= factor;
}

/// out += factor * x
template <typename V>
void addScaledValues(float* out, const float* x, std::int64_t count, float factor) {
    std::int64_t i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth) {
        V::store(out + i, V::fma(V::load(x + i), V::set(factor), V::load(out + i)));
    }
    for (; i < count; ++i) out[i] += factor * x[i];
}

/// To f16, rounded to nearest even; beyond its range to the largest finite value (see kv_cache in attention.h).
template <typename V>
void toHalfValues(std::uint16_t* out, const float* x, std::int64_t count) {
    constexpr float kLargestHalf = 65504.0f;
    std::int64_t i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth) {
        const V limited = V::max(V::set(-kLargestHalf), V::min(V::set(kLargestHalf), V::load(x + i)));
        V::storeHalf(out + i, limited);
    }
    for (; i < count; ++i) {
        const float limited = x[i] > kLargestHalf ? kLargestHalf : x[i] < -kLargestHalf ? -kLargestHalf : x[i];
        out[i] = floatToHalf(limited);
    }
}

} // namespace
} // namespace hearth::kernels
