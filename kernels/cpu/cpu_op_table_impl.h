// SPDX-License-Identifier: Apache-2.0
//
// Fills a CpuOpTable for one vector type. Included only by cpu_op_table_<path>.cpp.
#pragma once

#include "kernels/cpu/cpu_op_table.h"
#include "kernels/cpu/vec_portable.h"
#include "kernels/ops/attention_block_cpu.h"
#include "kernels/ops/attention_cpu.h"
#include "kernels/ops/elementwise_cpu.h"
#include "kernels/ops/gated_cpu.h"
#include "kernels/ops/norm_cpu.h"

namespace hearth::kernels {
namespace {

template <typename V>
constexpr CpuOpTable makeOpTable() {
    return {
        .rmsNormRow = rmsNormRow<V>,
        .layerNormRow = layerNormRow<V>,
        .swiGlu = swiGlu<V>,
        .geGlu = geGlu<V>,
        .softcap = softcapValues<V>,
        .add = addValues<V>,
        .scale = scaleValues<V>,
        .addScaled = addScaledValues<V>,
        .toHalf = toHalfValues<V>,
        .attention = attentionTile<V>,
        .attentionBlock = attentionBlock<V>,
    };
}

} // namespace
} // namespace hearth::kernels
