// SPDX-License-Identifier: Apache-2.0
//
// TensorSpec: one tensor that an architecture expects in the file, and where its view goes. An architecture lists
// these; the weight loader checks the file against the list and fills the slots.
#pragma once

#include "kernels/tensor.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::core {

enum class TensorNeed : std::uint8_t { Required, Optional };

enum class TensorRole : std::uint8_t {
    Matrix, ///< [outer, rows, cols] of any type that the back end computes with
    Vector, ///< [cols] in F32: norms and biases
    Host,   ///< [cols] in F32, copied to host memory instead of being given to the back end
};

/// Some rows of a matrix, or some values of a vector.
struct TensorPart {
    kernels::TensorView* slot = nullptr;
    std::int64_t count = 0;
};

struct TensorSpec {
    std::string name; ///< "blk.0.attn_q.weight"
    TensorRole role = TensorRole::Matrix;
    TensorNeed need = TensorNeed::Required;
    std::array<std::int64_t, 3> shape{1, 1, 1};
    kernels::TensorView* slot = nullptr;    ///< Matrix, Vector
    std::vector<float>* hostSlot = nullptr; ///< Host
    /// Instead of slot: one tensor that holds several weights one after another (attn_qkv). Their counts are all of it.
    std::vector<TensorPart> parts{};
    /// A tensor that stands for this one: when the file has it, this one is neither needed nor expected.
    std::string insteadOf{};
};

} // namespace hearth::core
