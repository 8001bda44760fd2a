// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/matmul_portable.h"

#include "kernels/cpu/vec_portable.h"
#include "kernels/quant/decode.h"

#include <algorithm>
#include <cstddef>

namespace hearth::kernels {

namespace {

/// R dot products with the same x, two partial sums of four lanes each: short enough chains, and small rounding errors.
template <int R>
void dotRows(float* out, const float* const* rows, const float* x, std::int64_t cols) {
    using V = VecPortable;
    constexpr std::int64_t kStep = 2 * V::kWidth;
    V even[R];
    V odd[R];
    for (int r = 0; r < R; ++r) even[r] = odd[r] = V::set(0.0f);
    const std::int64_t whole = cols - cols % kStep;
    for (std::int64_t c = 0; c < whole; c += kStep) {
        const V first = V::load(x + c);
        const V second = V::load(x + c + V::kWidth);
        for (int r = 0; r < R; ++r) {
            even[r] = V::fma(V::load(rows[r] + c), first, even[r]);
            odd[r] = V::fma(V::load(rows[r] + c + V::kWidth), second, odd[r]);
        }
    }
    for (int r = 0; r < R; ++r) {
        float sum = V::sum(V::add(even[r], odd[r]));
        for (std::int64_t c = whole; c < cols; ++c) sum += rows[r][c] * x[c];
        out[r] = sum;
    }
}

} // namespace

void matmulF32Portable(float* out, std::int64_t outStride, DType, const void* weight, std::int64_t rowBytes,
                       std::int64_t rowFrom, std::int64_t rowTo, const float* x, std::int64_t xStride,
                       std::int64_t nTokens, std::int64_t cols) {
    const std::byte* base = static_cast<const std::byte*>(weight);
    for (std::int64_t r = rowFrom; r < rowTo; r += kDecodedRows) {
        const std::int64_t count = std::min(kDecodedRows, rowTo - r);
        const float* rows[kDecodedRows];
        for (std::int64_t i = 0; i < count; ++i) rows[i] = reinterpret_cast<const float*>(base + (r + i) * rowBytes);
        for (std::int64_t t = 0; t < nTokens; ++t) {
            const float* activations = x + t * xStride;
            float* target = out + t * outStride + r;
            if (count == kDecodedRows) {
                dotRows<kDecodedRows>(target, rows, activations, cols);
            } else {
                for (std::int64_t i = 0; i < count; ++i) dotRows<1>(target + i, rows + i, activations, cols);
            }
        }
    }
}

void matmulDecoded(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                   std::int64_t rowFrom, std::int64_t rowTo, const float* x, std::int64_t xStride, std::int64_t nTokens,
                   std::int64_t cols, float* scratch, MatmulFloat multiply) {
    const std::byte* base = static_cast<const std::byte*>(weight);
    const std::int64_t decodedBytes = cols * static_cast<std::int64_t>(sizeof(float));
    for (std::int64_t r = rowFrom; r < rowTo; r += kDecodedRows) {
        const std::int64_t count = std::min(kDecodedRows, rowTo - r);
        for (std::int64_t i = 0; i < count; ++i) decodeRow(dtype, scratch + i * cols, base + (r + i) * rowBytes, cols);
        multiply(out + r, outStride, DType::F32, scratch, decodedBytes, 0, count, x, xStride, nTokens, cols);
    }
}

} // namespace hearth::kernels
