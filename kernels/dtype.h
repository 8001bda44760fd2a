// SPDX-License-Identifier: Apache-2.0
//
// DType: the element types that a tensor may have, with their GGUF ids and block sizes.
// A quantised type stores blocks of `elementsPerBlock` values in `bytesPerBlock` bytes (layouts: kernels/quant/*.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hearth::kernels {

enum class DType : std::uint8_t {
    F32, F16, BF16, I32,
    Q4_0, Q4_1, Q5_0, Q5_1, Q8_0,
    Q2_K, Q3_K, Q4_K, Q5_K, Q6_K,
    IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_NL, IQ4_XS,
    TQ1_0, TQ2_0, MXFP4,
};

struct DTypeInfo {
    DType dtype;
    std::string_view name;        ///< as the field writes it: "Q4_K"
    std::uint32_t ggufId;
    std::uint32_t elementsPerBlock;
    std::uint32_t bytesPerBlock;
    bool computes;                ///< the back ends can use it as a weight; false = known by name, refused with it
};

[[nodiscard]] const DTypeInfo& info(DType dtype);
[[nodiscard]] std::optional<DType> dtypeFromGgufId(std::uint32_t ggufId);
[[nodiscard]] std::span<const DTypeInfo> allDTypes();

/// Bytes of `elements` contiguous values; elements must be a multiple of the block.
[[nodiscard]] inline std::uint64_t bytesFor(DType dtype, std::uint64_t elements) {
    const DTypeInfo& type = info(dtype);
    return elements / type.elementsPerBlock * type.bytesPerBlock;
}

} // namespace hearth::kernels
