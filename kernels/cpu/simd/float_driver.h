// SPDX-License-Identifier: Apache-2.0
//
// Float weights times a few f32 activations: rows by tokens with the columns in the lanes. Many tokens: float_gemm.h.
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/float_gemm.h"
#include "kernels/cpu/simd/float_weight.h"

namespace hearth::kernels {

namespace {

template <class Isa, DType D, int R, int T>
void floatTile(const FloatCall& call, std::int64_t r0, std::int64_t t0) {
    using Weight = FloatWeight<D>;
    using Stored = typename Weight::Stored;
    typename Isa::Vector sum[R][T];
    for (auto& row : sum) {
        for (auto& one : row) one = Isa::zero();
    }
    const Stored* w[R];
    for (int r = 0; r < R; ++r) w[r] = reinterpret_cast<const Stored*>(call.weight + (r0 + r) * call.rowBytes);
    const float* x = call.x + t0 * call.xStride;
    std::int64_t c = 0;
    for (; c + Isa::kLanes <= call.cols; c += Isa::kLanes) {
        typename Isa::Vector values[R];
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) values[r] = Weight::template load<Isa>(w[r] + c);
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) {
            const typename Isa::Vector activation = Isa::loadF32(x + t * call.xStride + c);
#pragma GCC unroll 4
            for (int r = 0; r < R; ++r) sum[r][t] = Isa::multiplyAdd(values[r], activation, sum[r][t]);
        }
    }
    for (int r = 0; r < R; ++r) {
        for (int t = 0; t < T; ++t) {
            float dot = Isa::total(sum[r][t]);
            for (std::int64_t tail = c; tail < call.cols; ++tail) dot += Weight::value(w[r][tail]) * x[t * call.xStride + tail];
            call.out[(t0 + t) * call.outStride + r0 + r] = dot;
        }
    }
}

template <class Isa, DType D, int R>
void floatRows(const FloatCall& call, std::int64_t r, std::int64_t from, std::int64_t to) {
    constexpr int kMany = Isa::kFloatTokens;
    std::int64_t t = from;
    for (; t + kMany <= to; t += kMany) floatTile<Isa, D, R, kMany>(call, r, t);
    for (; t < to; ++t) floatTile<Isa, D, R, 1>(call, r, t);
}

/// One token and R rows that are `distance` rows apart, the first in a stream until `end`: as many streams of addresses, each with two running sums.
template <class Isa, DType D, int R>
HEARTH_ALWAYS void floatStreams(const FloatCall& call, std::int64_t r0, std::int64_t distance, const std::uint8_t* end) {
    using Weight = FloatWeight<D>;
    using Stored = typename Weight::Stored;
    constexpr int kSums = 2;
    constexpr std::int64_t kStep = kSums * Isa::kLanes;
    typename Isa::Vector sum[R][kSums];
    const Stored* w[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
        for (auto& one : sum[r]) one = Isa::zero();
        w[r] = reinterpret_cast<const Stored*>(call.weight + (r0 + r * distance) * call.rowBytes);
    }
    std::int64_t c = 0;
    for (; c + kStep <= call.cols; c += kStep) {
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) askAhead<kStep * static_cast<int>(sizeof(Stored))>(w[r] + c, end + r * distance * call.rowBytes);
#pragma GCC unroll 2
        for (int i = 0; i < kSums; ++i) {
            const typename Isa::Vector activation = Isa::loadF32(call.x + c + i * Isa::kLanes);
#pragma GCC unroll 4
            for (int r = 0; r < R; ++r) {
                sum[r][i] = Isa::multiplyAdd(Weight::template load<Isa>(w[r] + c + i * Isa::kLanes), activation, sum[r][i]);
            }
        }
    }
    for (int r = 0; r < R; ++r) {
        float dot = Isa::total(sum[r][0]) + Isa::total(sum[r][1]);
        for (std::int64_t tail = c; tail < call.cols; ++tail) dot += Weight::value(w[r][tail]) * call.x[tail];
        call.out[r0 + r * distance] = dot;
    }
}

template <class Isa, DType D>
void matmulFloatOne(const FloatCall& call) {
    const std::int64_t rows = (call.rowTo - call.rowFrom) / kReadStreams;
    const std::uint8_t* stream = call.weight + (call.rowFrom + rows) * call.rowBytes;
    const std::uint8_t* range = call.weight + call.rowTo * call.rowBytes;
    for (std::int64_t r = call.rowFrom; r < call.rowFrom + rows; ++r) floatStreams<Isa, D, kReadStreams>(call, r, rows, stream);
    for (std::int64_t r = call.rowFrom + kReadStreams * rows; r < call.rowTo; ++r) floatStreams<Isa, D, 1>(call, r, 0, range);
}

template <class Isa, DType D>
void matmulFloatType(const FloatCall& call) {
    if (call.nTokens == 1) return matmulFloatOne<Isa, D>(call);
    if (call.nTokens > kFewTokens) return matmulFloatMany<Isa, D>(call);
    std::int64_t r = call.rowFrom;
    for (; r + Isa::kFloatRows <= call.rowTo; r += Isa::kFloatRows) floatRows<Isa, D, Isa::kFloatRows>(call, r, 0, call.nTokens);
    for (; r < call.rowTo; ++r) floatRows<Isa, D, 1>(call, r, 0, call.nTokens);
}

} // namespace

} // namespace hearth::kernels
