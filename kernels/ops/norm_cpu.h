// SPDX-License-Identifier: Apache-2.0
//
// Norms of one row over a vector type. Contract: norm.h.
#pragma once

#include "kernels/cpu/vec_portable.h"

namespace hearth::kernels {
namespace {

template <typename V>
void rmsNormRow(float* out, const float* x, const float* weight, std::int64_t dim, float eps) {
    const std::int64_t whole = dim - dim % V::kWidth;
    V squares = V::set(0.0f);
    for (std::int64_t i = 0; i < whole; i += V::kWidth) squares = V::fma(V::load(x + i), V::load(x + i), squares);
    float sum = V::sum(squares);
    for (std::int64_t i = whole; i < dim; ++i) sum += x[i] * x[i];

    const float factor = 1.0f / __builtin_sqrtf(sum / static_cast<float>(dim) + eps);
    for (std::int64_t i = 0; i < whole; i += V::kWidth) {
        V::store(out + i, V::mul(V::mul(V::load(x + i), V::set(factor)), V::load(weight + i)));
    }
    for (std::int64_t i = whole; i < dim; ++i) out[i] = x[i] * factor * weight[i];
}

template <typename V>
void layerNormRow(float* out, const float* x, const float* weight, const float* bias, std::int64_t dim, float eps) {
    const std::int64_t whole = dim - dim % V::kWidth;
    V total = V::set(0.0f);
    for (std::int64_t i = 0; i < whole; i += V::kWidth) total = V::add(total, V::load(x + i));
    float sum = V::sum(total);
    for (std::int64_t i = whole; i < dim; ++i) sum += x[i];
    const float mean = sum / static_cast<float>(dim);

    V squares = V::set(0.0f);
    for (std::int64_t i = 0; i < whole; i += V::kWidth) {
        const V centred = V::sub(V::load(x + i), V::set(mean));
        squares = V::fma(centred, centred, squares);
    }
    float squareSum = V::sum(squares);
    for (std::int64_t i = whole; i < dim; ++i) squareSum += (x[i] - mean) * (x[i] - mean);

    const float factor = 1.0f / __builtin_sqrtf(squareSum / static_cast<float>(dim) + eps);
    for (std::int64_t i = 0; i < whole; i += V::kWidth) {
        const V scaled = V::mul(V::sub(V::load(x + i), V::set(mean)), V::set(factor));
        const V shift = bias == nullptr ? V::set(0.0f) : V::load(bias + i);
        V::store(out + i, V::fma(scaled, V::load(weight + i), shift));
    }
    for (std::int64_t i = whole; i < dim; ++i) {
        out[i] = (x[i] - mean) * factor * weight[i] + (bias == nullptr ? 0.0f : bias[i]);
    }
}

} // namespace
} // namespace hearth::kernels
