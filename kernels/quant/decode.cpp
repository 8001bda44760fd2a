// SPDX-License-Identifier: Apache-2.0
#include "kernels/quant/decode.h"

#include "kernels/quant/format_list.h"

namespace hearth::kernels {

namespace {

template <typename Block>
void decodeBlocks(float* out, const void* row, std::int64_t elements) {
    const Block* blocks = static_cast<const Block*>(row);
    for (std::int64_t b = 0; b < elements / Block::kElements; ++b) decode(blocks[b], out + b * Block::kElements);
}

} // namespace

bool canDecode(DType dtype) {
    switch (dtype) {
#define HEARTH_ROW(NAME) case DType::NAME:
        HEARTH_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
        return true;
    case DType::I32: return false;
    }
    return false;
}

void decodeRow(DType dtype, float* out, const void* row, std::int64_t elements) {
    switch (dtype) {
#define HEARTH_ROW(NAME)                                                                                               \
    case DType::NAME: decodeBlocks<Block##NAME>(out, row, elements); return;
        HEARTH_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
    case DType::I32: return;
    }
}

} // namespace hearth::kernels
