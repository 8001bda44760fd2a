// SPDX-License-Identifier: Apache-2.0
//
// f16 and bf16 to f32 and back, exact for every bit pattern: subnormals, infinities, NaN. Rounds to nearest, ties to even.
// Layouts: IEEE 754-2019 binary16 (1-5-10 bits); bf16 is the upper half of a binary32 (1-8-7 bits).
// Everything here is internal to its translation unit: the files of one instruction set must not lend their compiled
// copies to the others through the linker.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define HEARTH_INLINE static __host__ __device__ __forceinline__
#elif defined(__HIP__)
#define HEARTH_INLINE static __attribute__((host)) __attribute__((device)) __attribute__((always_inline)) inline
#else
#define HEARTH_INLINE [[maybe_unused]] static inline __attribute__((always_inline))
#endif

namespace hearth::kernels {

HEARTH_INLINE float floatFromBits(std::uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

HEARTH_INLINE std::uint32_t bitsOfFloat(float value) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}

HEARTH_INLINE float halfToFloat(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
    const std::uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00u) return floatFromBits(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
    if (magnitude < 0x0400u) {
        // Zero and subnormals count in steps of 2^-24.
        return floatFromBits(bitsOfFloat(static_cast<float>(magnitude) * 0x1p-24f) | sign);
    }
    return floatFromBits(sign | ((magnitude << 13) + (112u << 23)));
}

HEARTH_INLINE std::uint16_t floatToHalf(float value) {
    const std::uint32_t bits = bitsOfFloat(value);
    const std::uint32_t sign = bits >> 16 & 0x8000u;
    const std::uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
    if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u); // 65520 and more round to infinity
    if (magnitude < 0x38800000u) {
        // Below 2^-14: adding 0.5 leaves the subnormal's count in the low bits, rounded to nearest even by the adder.
        const float shifted = floatFromBits(magnitude) + 0.5f;
        return static_cast<std::uint16_t>(sign | (bitsOfFloat(shifted) - bitsOfFloat(0.5f)));
    }
    const std::uint32_t roundUp = 0xfffu + (magnitude >> 13 & 1u);
    return static_cast<std::uint16_t>(sign | ((magnitude + roundUp) - (112u << 23)) >> 13);
}

HEARTH_INLINE float bf16ToFloat(std::uint16_t value) {
    return floatFromBits(static_cast<std::uint32_t>(value) << 16);
}

HEARTH_INLINE std::uint16_t floatToBf16(float value) {
    const std::uint32_t bits = bitsOfFloat(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

} // namespace hearth::kernels
