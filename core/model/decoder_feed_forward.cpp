// SPDX-License-Identifier: Apache-2.0
#include "core/model/decoder_parts.h"

#include <array>

namespace hearth::core {

using kernels::Backend;
using kernels::GatedActivation;
using kernels::TensorView;

namespace {

GatedActivation activationOf(FeedForwardForm form) {
    return form == FeedForwardForm::GeGlu ? GatedActivation::GeluTanh : GatedActivation::Silu;
}

/// gate = activation(gate) * up
void activate(const Pass& pass, const TensorView& gate, const TensorView& up) {
    switch (pass.config.feedForwardForm) {
    case FeedForwardForm::SwiGlu: return pass.backend.swiGlu(gate, gate, up);
    case FeedForwardForm::ClampedSwiGlu: return pass.backend.clampedSwiGlu(gate, gate, up);
    case FeedForwardForm::GeGlu:
    case FeedForwardForm::Gelu: return pass.backend.geGlu(gate, gate, up);
    }
}

/// x = 1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2.
void sigmoid(const Pass& pass, const TensorView& x) {
    pass.backend.scale(x, 0.5f);
    pass.backend.softcap(x, 1.0f);
    pass.backend.scale(x, 0.5f);
    pass.backend.addBias(x, pass.scratch.half);
}

/// out += the shared expert of h, which is overwritten.
void addSharedExpert(const Pass& pass, const LayerWeights& layer, const TensorView& out, const TensorView& h) {
    Backend& backend = pass.backend;
    const TensorView gate = narrowed(pass.scratch.gate, h.rows(), pass.config.sharedFeedForward);
    const TensorView up = narrowed(pass.scratch.up, h.rows(), pass.config.sharedFeedForward);
    backend.gatedMatmul(gate, layer.sharedGate, layer.sharedUp, h, activationOf(pass.config.feedForwardForm), up);
    const TensorView product = pass.scratch.expertOut.firstRows(h.rows());
    if (!pass.config.sharedExpertGate) return backend.matmulAdd(out, layer.sharedDown, gate, {}, product);

    const TensorView weight = pass.scratch.sharedWeight.firstRows(h.rows());
    backend.matmul(weight, layer.sharedRouter, h);
    sigmoid(pass, weight);
    backend.matmul(product, layer.sharedDown, gate);
    backend.moeCombine(h, product, weight);
    backend.add(out, h);
}

} // namespace

TensorView denseActivations(const Pass& pass, const LayerWeights& layer, const TensorView& h) {
    Backend& backend = pass.backend;
    const TensorView gate = narrowed(pass.scratch.gate, h.rows(), pass.config.feedForward);
    const TensorView up = narrowed(pass.scratch.up, h.rows(), pass.config.feedForward);
    if (pass.config.feedForwardForm == FeedForwardForm::Gelu) {
        // gelu(up) is gelu(up) * 1.
        backend.matmul(gate, layer.up, h);
        if (present(layer.upBias)) backend.addBias(gate, layer.upBias);
        activate(pass, gate, pass.scratch.ones.firstRows(h.rows()));
        return gate;
    }
    if (!present(layer.gateBias) && !present(layer.upBias)) {
        backend.gatedMatmul(gate, layer.gate, layer.up, h, activationOf(pass.config.feedForwardForm), up);
        return gate;
    }
    backend.matmulShared(std::array{gate, up}, std::array{layer.gate, layer.up}, h);
    if (present(layer.gateBias)) backend.addBias(gate, layer.gateBias);
    if (present(layer.upBias)) backend.addBias(up, layer.upBias);
    activate(pass, gate, up);
    return gate;
}

void mixExperts(const Pass& pass, const LayerWeights& layer, const TensorView& out, const TensorView& h) {
    Backend& backend = pass.backend;
    const ModelConfig& config = pass.config;
    const std::int64_t rows = h.rows();
    const std::int64_t expertRows = rows * config.expertsUsed;
    const TensorView routerLogits = pass.scratch.routerLogits.firstRows(rows);
    const TensorView ids = pass.scratch.expertIds.firstRows(rows);
    const TensorView weights = pass.scratch.expertWeights.firstRows(rows);
    const TensorView gate = pass.scratch.expertGate.firstRows(expertRows);
    const TensorView up = pass.scratch.expertUp.firstRows(expertRows);
    const TensorView expertOut = pass.scratch.expertOut.firstRows(expertRows);

    backend.matmul(routerLogits, layer.router, h);
    if (present(layer.routerBias)) backend.addBias(routerLogits, layer.routerBias);
    backend.moeRoute(ids, weights, routerLogits, config.renormaliseExperts);
    if (config.expertWeightScale != 1.0f) backend.scale(weights, config.expertWeightScale);
    backend.matmulExperts(gate, layer.expertGate, h, ids);
    backend.matmulExperts(up, layer.expertUp, h, ids);
    if (present(layer.expertGateBias)) backend.addExpertBias(gate, layer.expertGateBias, ids);
    if (present(layer.expertUpBias)) backend.addExpertBias(up, layer.expertUpBias, ids);
    activate(pass, gate, up);
    backend.matmulExperts(expertOut, layer.expertDown, gate, ids);
    if (present(layer.expertDownBias)) backend.addExpertBias(expertOut, layer.expertDownBias, ids);
    backend.moeCombine(out, expertOut, weights);
    if (config.sharedFeedForward > 0) addSharedExpert(pass, layer, out, h);
}

} // namespace hearth::core
