// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend.h"

#include <array>
#include <cassert>

namespace hearth::kernels {

void Backend::matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x) {
    for (std::size_t i = 0; i < outs.size() && i < weights.size(); ++i) matmul(outs[i], weights[i], x);
}

bool Backend::replayStep(const StepInfo&) {
    return false;
}

std::string_view name(SpecialOperation operation) {
    switch (operation) {
    case SpecialOperation::ClampedSwiGlu: return "a clamped SwiGLU";
    case SpecialOperation::ExpertBias: return "biases of experts";
    case SpecialOperation::CopyColumns: return "latent attention";
    case SpecialOperation::WideHeads: return "attention heads of over 256 elements";
    }
    return "an operation";
}

bool Backend::offers(SpecialOperation) const {
    return false;
}

// Whoever computes what is not offered gets a failed step, by an operation that every back end refuses.
void Backend::clampedSwiGlu(const TensorView&, const TensorView&, const TensorView&) {
    add({}, {});
}

void Backend::addExpertBias(const TensorView&, const TensorView&, const TensorView&) {
    add({}, {});
}

void Backend::copyColumns(const TensorView&, std::int64_t, const TensorView&, std::int64_t, std::int64_t) {
    add({}, {});
}

void Backend::sample(const TensorView&, const TensorView&, const SampleRequest&) {
    assert(!"a back end that does not offer it was asked to sample");
}

void Backend::matmulAdd(const TensorView& x, const TensorView& weight, const TensorView& in, const TensorView& bias,
                        const TensorView& scratch) {
    matmul(scratch, weight, in);
    if (bias.data != nullptr) addBias(scratch, bias);
    add(x, scratch);
}

void Backend::gatedMatmul(const TensorView& out, const TensorView& gate, const TensorView& up, const TensorView& x,
                          GatedActivation activation, const TensorView& scratch) {
    const std::array outs{out, scratch};
    const std::array weights{gate, up};
    matmulShared(outs, weights, x);
    if (activation == GatedActivation::Silu) {
        swiGlu(out, out, scratch);
    } else {
        geGlu(out, out, scratch);
    }
}

void Backend::addRmsNorm(const TensorView& out, const TensorView& x, const TensorView& y, const TensorView& weight,
                         float eps) {
    add(x, y);
    rmsNorm(out, x, weight, eps);
}

void Backend::rmsNormForProducts(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) {
    rmsNorm(out, x, weight, eps);
}

void Backend::ropeAndAppend(const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache,
                            std::int32_t firstPosition, const RopeParams& params) {
    rope(q, cache.headDim, firstPosition, params);
    rope(k, cache.headDim, firstPosition, params);
    appendKv(cache, k, v, firstPosition);
}

void Backend::ropeAppendAttention(const TensorView& out, const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache,
                                  std::int32_t firstPosition, const RopeParams& rope, const AttentionParams& params) {
    ropeAndAppend(q, k, v, cache, firstPosition, rope);
    const std::int64_t first = q.rows() - out.rows();
    attention(out, q.rowRange(first, out.rows()), cache, firstPosition + static_cast<std::int32_t>(first), params);
}

} // namespace hearth::kernels
