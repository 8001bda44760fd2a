// SPDX-License-Identifier: Apache-2.0
//
// The vector types that every path has: one float, and four through the compiler's vector extension (SSE2, NEON, or plain code).
// In an unnamed namespace on purpose, like all vec_*.h: each instruction set's instantiations stay in its own file.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {
namespace {

struct VecScalar {
    static constexpr int kWidth = 1;
    float v;

    HEARTH_INLINE VecScalar load(const float* p) { return {*p}; }
    HEARTH_INLINE VecScalar loadHalf(const std::uint16_t* p) { return {halfToFloat(*p)}; }
    HEARTH_INLINE VecScalar set(float x) { return {x}; }
    HEARTH_INLINE void store(float* p, VecScalar a) { *p = a.v; }
    HEARTH_INLINE void storeHalf(std::uint16_t* p, VecScalar a) { *p = floatToHalf(a.v); }
    HEARTH_INLINE VecScalar add(VecScalar a, VecScalar b) { return {a.v + b.v}; }
    HEARTH_INLINE VecScalar sub(VecScalar a, VecScalar b) { return {a.v - b.v}; }
    HEARTH_INLINE VecScalar mul(VecScalar a, VecScalar b) { return {a.v * b.v}; }
    HEARTH_INLINE VecScalar div(VecScalar a, VecScalar b) { return {a.v / b.v}; }
    HEARTH_INLINE VecScalar fma(VecScalar a, VecScalar b, VecScalar c) { return {a.v * b.v + c.v}; }
    HEARTH_INLINE VecScalar min(VecScalar a, VecScalar b) { return {a.v < b.v ? a.v : b.v}; }
    HEARTH_INLINE VecScalar max(VecScalar a, VecScalar b) { return {a.v > b.v ? a.v : b.v}; }
    HEARTH_INLINE VecScalar exp(VecScalar a) { return {__builtin_expf(a.v)}; }
    HEARTH_INLINE float sum(VecScalar a) { return a.v; }
    HEARTH_INLINE float largest(VecScalar a) { return a.v; }
};

struct VecPortable {
    using Four = float __attribute__((vector_size(16)));
    static constexpr int kWidth = 4;
    static constexpr int kScoreRows = 2; ///< attention: rows whose sums with four keys fit the registers
    static constexpr int kBlockRows = 6; ///< attention of prompts: two sums each, beside two vectors and a factor
    Four v;

    HEARTH_INLINE VecPortable load(const float* p) {
        VecPortable a;
        __builtin_memcpy(&a.v, p, sizeof a.v);
        return a;
    }
    HEARTH_INLINE VecPortable loadHalf(const std::uint16_t* p) {
        return {Four{halfToFloat(p[0]), halfToFloat(p[1]), halfToFloat(p[2]), halfToFloat(p[3])}};
    }
    HEARTH_INLINE VecPortable set(float x) { return {Four{x, x, x, x}}; }
    HEARTH_INLINE void store(float* p, VecPortable a) { __builtin_memcpy(p, &a.v, sizeof a.v); }
    HEARTH_INLINE void storeHalf(std::uint16_t* p, VecPortable a) {
        for (int i = 0; i < 4; ++i) p[i] = floatToHalf(a.v[i]);
    }
    HEARTH_INLINE VecPortable add(VecPortable a, VecPortable b) { return {a.v + b.v}; }
    HEARTH_INLINE VecPortable sub(VecPortable a, VecPortable b) { return {a.v - b.v}; }
    HEARTH_INLINE VecPortable mul(VecPortable a, VecPortable b) { return {a.v * b.v}; }
    HEARTH_INLINE VecPortable div(VecPortable a, VecPortable b) { return {a.v / b.v}; }
    HEARTH_INLINE VecPortable fma(VecPortable a, VecPortable b, VecPortable c) { return {a.v * b.v + c.v}; }
    HEARTH_INLINE VecPortable min(VecPortable a, VecPortable b) { return {a.v < b.v ? a.v : b.v}; }
    HEARTH_INLINE VecPortable max(VecPortable a, VecPortable b) { return {a.v > b.v ? a.v : b.v}; }
    HEARTH_INLINE VecPortable exp(VecPortable a) {
        return {Four{__builtin_expf(a.v[0]), __builtin_expf(a.v[1]), __builtin_expf(a.v[2]), __builtin_expf(a.v[3])}};
    }
    HEARTH_INLINE float sum(VecPortable a) { return (a.v[0] + a.v[1]) + (a.v[2] + a.v[3]); }
    /// out[0..3] = sum(a), sum(b), sum(c), sum(d)
    HEARTH_INLINE void storeSums(float* out, VecPortable a, VecPortable b, VecPortable c, VecPortable d) {
        out[0] = sum(a);
        out[1] = sum(b);
        out[2] = sum(c);
        out[3] = sum(d);
    }
    HEARTH_INLINE float largest(VecPortable a) {
        const float low = a.v[0] > a.v[1] ? a.v[0] : a.v[1];
        const float high = a.v[2] > a.v[3] ? a.v[2] : a.v[3];
        return low > high ? low : high;
    }
};

} // namespace
} // namespace hearth::kernels
