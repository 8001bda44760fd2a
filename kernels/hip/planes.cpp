// SPDX-License-Identifier: Apache-2.0
#include "kernels/hip/planes.h"

#include "kernels/quant/format_list.h"

#include <array>
#include <cstddef>

namespace hearth::kernels {

namespace {

template <std::size_t N>
using Fields = std::array<PlaneField, N>;

#define HEARTH_FIELD(Block, member) PlaneField{offsetof(Block, member), sizeof(Block::member)}
/// Neighbouring fields that are read together: from `first` on, `bytes` in all.
#define HEARTH_FIELDS(Block, first, bytes) PlaneField{offsetof(Block, first), bytes}

template <typename Block>
struct PlanesOf {
    static constexpr Fields<0> fields{};
};

#define HEARTH_PLANES(NAME, ...)                                                                                       \
    template <>                                                                                                        \
    struct PlanesOf<Block##NAME> {                                                                                     \
        using B = Block##NAME;                                                                                         \
        static constexpr std::array fields{__VA_ARGS__};                                                               \
    };

HEARTH_PLANES(IQ1_M, HEARTH_FIELD(B, low), HEARTH_FIELD(B, high), HEARTH_FIELD(B, scales))
HEARTH_PLANES(IQ1_S, HEARTH_FIELD(B, low), HEARTH_FIELD(B, high), HEARTH_FIELD(B, d))
HEARTH_PLANES(IQ2_S, HEARTH_FIELDS(B, low, 64), HEARTH_FIELD(B, high), HEARTH_FIELD(B, scales), HEARTH_FIELD(B, d))
HEARTH_PLANES(IQ2_XS, HEARTH_FIELD(B, q), HEARTH_FIELD(B, scales), HEARTH_FIELD(B, d))
HEARTH_PLANES(IQ2_XXS, HEARTH_FIELD(B, q), HEARTH_FIELD(B, d))
HEARTH_PLANES(IQ3_S, HEARTH_FIELD(B, low), HEARTH_FIELD(B, signs), HEARTH_FIELD(B, high), HEARTH_FIELD(B, scales),
              HEARTH_FIELD(B, d))
HEARTH_PLANES(IQ3_XXS, HEARTH_FIELD(B, q), HEARTH_FIELD(B, signsAndScales), HEARTH_FIELD(B, d))
HEARTH_PLANES(IQ4_NL, HEARTH_FIELD(B, q), HEARTH_FIELD(B, d))
HEARTH_PLANES(IQ4_XS, HEARTH_FIELD(B, q), HEARTH_FIELDS(B, d, 8))
HEARTH_PLANES(MXFP4, HEARTH_FIELD(B, q), HEARTH_FIELD(B, exponent))
HEARTH_PLANES(Q2_K, HEARTH_FIELD(B, q), HEARTH_FIELD(B, scales), HEARTH_FIELDS(B, d, 4))
HEARTH_PLANES(Q3_K, HEARTH_FIELD(B, q), HEARTH_FIELD(B, high), HEARTH_FIELD(B, scales), HEARTH_FIELD(B, d))
HEARTH_PLANES(Q4_0, HEARTH_FIELD(B, q), HEARTH_FIELD(B, d))
HEARTH_PLANES(Q4_1, HEARTH_FIELD(B, q), HEARTH_FIELDS(B, d, 4))
HEARTH_PLANES(Q4_K, HEARTH_FIELD(B, q), HEARTH_FIELDS(B, d, 16))
HEARTH_PLANES(Q5_0, HEARTH_FIELD(B, q), HEARTH_FIELD(B, high), HEARTH_FIELD(B, d))
HEARTH_PLANES(Q5_1, HEARTH_FIELD(B, q), HEARTH_FIELD(B, high), HEARTH_FIELDS(B, d, 4))
HEARTH_PLANES(Q5_K, HEARTH_FIELD(B, q), HEARTH_FIELD(B, high), HEARTH_FIELDS(B, d, 16))
HEARTH_PLANES(Q6_K, HEARTH_FIELD(B, low), HEARTH_FIELD(B, high), HEARTH_FIELD(B, scales), HEARTH_FIELD(B, d))
HEARTH_PLANES(Q8_0, HEARTH_FIELD(B, q), HEARTH_FIELD(B, d))
HEARTH_PLANES(TQ1_0, HEARTH_FIELD(B, q), HEARTH_FIELD(B, rest), HEARTH_FIELD(B, d))
HEARTH_PLANES(TQ2_0, HEARTH_FIELD(B, q), HEARTH_FIELD(B, d))

/// Every byte of a block is in exactly one plane.
template <typename Block>
consteval bool coversBlock() {
    std::array<int, sizeof(Block)> taken{};
    for (const PlaneField& field : PlanesOf<Block>::fields) {
        for (int i = 0; i < field.bytes; ++i) ++taken[static_cast<std::size_t>(field.offset + i)];
    }
    for (const int count : taken) {
        if (count != 1) return false;
    }
    return true;
}
#define HEARTH_ROW(NAME)                                                                                               \
    static_assert(PlanesOf<Block##NAME>::fields.size() <= kMaxPlanes &&                                                \
                  (Block##NAME::kElements == 1 || coversBlock<Block##NAME>()));
HEARTH_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW

std::uint64_t rounded(std::uint64_t bytes) {
    return (bytes + 15) / 16 * 16;
}

} // namespace

std::span<const PlaneField> planeFields(DType dtype) {
    switch (dtype) {
#define HEARTH_ROW(NAME)                                                                                               \
    case DType::NAME: return PlanesOf<Block##NAME>::fields;
        HEARTH_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
    case DType::I32: return {};
    }
    return {};
}

std::uint64_t planeBytes(DType dtype, std::uint64_t elements) {
    const std::span<const PlaneField> fields = planeFields(dtype);
    if (fields.empty()) return rounded(bytesFor(dtype, elements));
    const std::uint64_t blocks = elements / info(dtype).elementsPerBlock;
    std::uint64_t bytes = 0;
    for (const PlaneField& field : fields) bytes += rounded(field.bytes * blocks);
    return bytes;
}

Planes planesAt(const void* base, DType dtype, std::uint64_t elements) {
    Planes planes{};
    const auto* at = static_cast<const std::uint8_t*>(base);
    planes.plane[0] = at;
    const std::uint64_t blocks = elements / info(dtype).elementsPerBlock;
    int i = 0;
    for (const PlaneField& field : planeFields(dtype)) {
        planes.plane[i++] = at;
        at += rounded(field.bytes * blocks);
    }
    return planes;
}

} // namespace hearth::kernels
