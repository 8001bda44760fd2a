// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend.h"

namespace hearth::kernels {

void Backend::matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x) {
    for (std::size_t i = 0; i < outs.size() && i < weights.size(); ++i) matmul(outs[i], weights[i], x);
}

} // namespace hearth::kernels
