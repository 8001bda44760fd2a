// SPDX-License-Identifier: Apache-2.0
//
// The limit of bf16 products, where the processor has AVX512_BF16: stated by the benchmark beside the others.
#include "kernels/cpu/simd/tables.h"

#include <immintrin.h>

namespace hearth::kernels {

std::int64_t bf16LoopAvx512(std::int64_t rounds) {
    constexpr int kSums = 12; // as in limit_loops_impl.h
    __m512 sums[kSums];
    for (auto& sum : sums) sum = _mm512_setzero_ps();
    __m512i a = _mm512_setzero_si512();
    __m512i b = _mm512_setzero_si512();
    for (std::int64_t i = 0; i < rounds; ++i) {
        asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
        for (auto& sum : sums) sum = _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
    }
    for (auto& sum : sums) asm volatile("" : "+v"(sum));
    return rounds * kSums * 32 * 2;
}

} // namespace hearth::kernels
