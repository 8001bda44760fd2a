// SPDX-License-Identifier: Apache-2.0
//
// How float weights are stored and widened, and what a product with them is asked.
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/dtype.h"
#include "kernels/quant/half.h"

namespace hearth::kernels {

namespace {

template <DType D>
struct FloatWeight;

template <>
struct FloatWeight<DType::F32> {
    using Stored = float;
    template <class Isa>
    static HEARTH_ALWAYS typename Isa::Vector load(const Stored* p) { return Isa::loadF32(p); }
    static HEARTH_ALWAYS float value(Stored stored) { return stored; }
};

template <>
struct FloatWeight<DType::F16> {
    using Stored = std::uint16_t;
    template <class Isa>
    static HEARTH_ALWAYS typename Isa::Vector load(const Stored* p) { return Isa::loadF16(p); }
    static HEARTH_ALWAYS float value(Stored stored) { return halfToFloat(stored); }
};

template <>
struct FloatWeight<DType::BF16> {
    using Stored = std::uint16_t;
    template <class Isa>
    static HEARTH_ALWAYS typename Isa::Vector load(const Stored* p) { return Isa::loadBf16(p); }
    static HEARTH_ALWAYS float value(Stored stored) { return bf16ToFloat(stored); }
};

struct FloatCall {
    float* out;
    std::int64_t outStride;
    const std::uint8_t* weight;
    std::int64_t rowBytes;
    std::int64_t rowFrom;
    std::int64_t rowTo;
    const float* x;
    std::int64_t xStride;
    std::int64_t nTokens;
    std::int64_t cols;
};

} // namespace

} // namespace hearth::kernels
