// SPDX-License-Identifier: Apache-2.0
#include "kernels/dtype.h"

#include <array>

namespace hearth::kernels {

namespace {

// Ids and sizes: the GGUF specification's table of tensor types. In the order of the enumeration.
constexpr std::array kTypes{
    DTypeInfo{DType::F32, "F32", 0, 1, 4, true},
    DTypeInfo{DType::F16, "F16", 1, 1, 2, true},
    DTypeInfo{DType::BF16, "BF16", 30, 1, 2, true},
    DTypeInfo{DType::I32, "I32", 26, 1, 4, false},
    DTypeInfo{DType::Q4_0, "Q4_0", 2, 32, 18, true},
    DTypeInfo{DType::Q4_1, "Q4_1", 3, 32, 20, true},
    DTypeInfo{DType::Q5_0, "Q5_0", 6, 32, 22, true},
    DTypeInfo{DType::Q5_1, "Q5_1", 7, 32, 24, true},
    DTypeInfo{DType::Q8_0, "Q8_0", 8, 32, 34, true},
    DTypeInfo{DType::Q2_K, "Q2_K", 10, 256, 84, true},
    DTypeInfo{DType::Q3_K, "Q3_K", 11, 256, 110, true},
    DTypeInfo{DType::Q4_K, "Q4_K", 12, 256, 144, true},
    DTypeInfo{DType::Q5_K, "Q5_K", 13, 256, 176, true},
    DTypeInfo{DType::Q6_K, "Q6_K", 14, 256, 210, true},
    DTypeInfo{DType::IQ1_S, "IQ1_S", 19, 256, 50, true},
    DTypeInfo{DType::IQ1_M, "IQ1_M", 29, 256, 56, true},
    DTypeInfo{DType::IQ2_XXS, "IQ2_XXS", 16, 256, 66, true},
    DTypeInfo{DType::IQ2_XS, "IQ2_XS", 17, 256, 74, true},
    DTypeInfo{DType::IQ2_S, "IQ2_S", 22, 256, 82, true},
    DTypeInfo{DType::IQ3_XXS, "IQ3_XXS", 18, 256, 98, true},
    DTypeInfo{DType::IQ3_S, "IQ3_S", 21, 256, 110, true},
    DTypeInfo{DType::IQ4_NL, "IQ4_NL", 20, 32, 18, true},
    DTypeInfo{DType::IQ4_XS, "IQ4_XS", 23, 256, 136, true},
    DTypeInfo{DType::TQ1_0, "TQ1_0", 34, 256, 54, true},
    DTypeInfo{DType::TQ2_0, "TQ2_0", 35, 256, 66, true},
    DTypeInfo{DType::MXFP4, "MXFP4", 39, 32, 17, true},
};

} // namespace

const DTypeInfo& info(DType dtype) {
    return kTypes[static_cast<std::size_t>(dtype)];
}

std::optional<DType> dtypeFromGgufId(std::uint32_t ggufId) {
    for (const DTypeInfo& type : kTypes) {
        if (type.ggufId == ggufId) return type.dtype;
    }
    return std::nullopt;
}

std::span<const DTypeInfo> allDTypes() {
    return kTypes;
}

} // namespace hearth::kernels
