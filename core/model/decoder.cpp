// SPDX-License-Identifier: Apache-2.0
#include "core/model/decoder_parts.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace hearth::core {

using kernels::Backend;
using kernels::TensorView;

void addThenNorm(const Pass& pass, const TensorView& out, const TensorView& x, const TensorView& sum,
                 const NormWeights& weights, NormReaders readers) {
    Backend& backend = pass.backend;
    const float eps = pass.config.normEpsilon;
    if (pass.config.norm == NormKind::Rms) {
        if (present(sum)) {
            backend.addRmsNorm(out, x, sum, weights.weight, eps);
        } else if (readers == NormReaders::Products) {
            backend.rmsNormForProducts(out, x, weights.weight, eps);
        } else {
            backend.rmsNorm(out, x, weights.weight, eps);
        }
        return;
    }
    if (present(sum)) backend.add(x, sum);
    const bool unweighted = pass.config.norm == NormKind::LayerUnweighted;
    backend.layerNorm(out, x, unweighted ? pass.scratch.ones : weights.weight, weights.bias, eps);
}

namespace {

void embedTokens(const Pass& pass, const TensorView& x) {
    const DecodeStep& step = pass.step;
    pass.backend.embed(x, step.weights.tokenEmbedding, step.tokens, pass.config.embeddingScale);
    if (!pass.config.learnedPositions) return;
    std::vector<std::int32_t> positions(step.tokens.size());
    std::iota(positions.begin(), positions.end(), step.firstPosition);
    const TensorView learned = pass.scratch.projected.firstRows(x.rows());
    pass.backend.embed(learned, step.weights.positionEmbedding, positions, 1.0f);
    pass.backend.add(x, learned);
}

/// One block. `pending` is what the block before gave and x still lacks: the next norm adds it in passing.
class Block {
public:
    Block(const Pass& pass, std::int32_t index, TensorView& x, TensorView& pending)
        : m_pass(pass)
        , m_index(index)
        , m_layer(pass.step.weights.layers[static_cast<std::size_t>(index)])
        , m_x(x)
        , m_pending(pending) {}

    /// False when only the cache had to be written.
    bool run() {
        const std::int64_t rows = carriedRows(m_pass.step, m_index + 1);
        const BlockForm form = m_pass.config.block;
        const auto readers = form == BlockForm::ParallelOneNorm ? NormReaders::Any : NormReaders::Products; // read again when x has changed
        TensorView h = normOf(m_pass.scratch.normed.firstRows(m_x.rows()), m_layer.attentionNorm, readers);
        TensorView attentionInput = h;
        if (present(m_layer.attentionOwnNorm.weight)) {
            attentionInput = m_pass.scratch.projected.firstRows(m_x.rows());
            norm(m_pass, attentionInput, m_x, m_layer.attentionOwnNorm);
        }
        const bool latent = m_pass.config.latent.rank > 0;
        const TensorView attended = latent ? attendLatent(m_pass, m_index, attentionInput, rows)
                                           : attend(m_pass, m_index, attentionInput, rows);
        if (rows == 0) return false;
        m_x = lastRows(m_x, rows);

        if (form == BlockForm::ParallelOneNorm) h = lastRows(h, rows);
        if (form == BlockForm::ParallelTwoNorms) h = normOf(m_pass.scratch.normed.firstRows(rows), m_layer.ffnNorm, NormReaders::Any);
        project(m_layer.attentionOutput, m_layer.attentionOutputBias, attended, m_layer.attentionPostNorm);
        if (form == BlockForm::Sequential) {
            const auto ffnReaders = m_pass.config.kind(m_index).experts ? NormReaders::Any : NormReaders::Products;
            h = normOf(m_pass.scratch.normed.firstRows(rows), m_layer.ffnNorm, ffnReaders);
        }
        feedForward(h);
        return true;
    }

private:
    /// Adds what is pending to x and norms it into `out`; without such a norm it is x itself.
    TensorView normOf(const TensorView& out, const NormWeights& weights, NormReaders readers) {
        const TensorView sum = std::exchange(m_pending, {});
        if (m_pass.config.preNorms) {
            addThenNorm(m_pass, out, m_x, sum, weights, readers);
            return out;
        }
        if (present(sum)) m_pass.backend.add(m_x, sum);
        return m_x;
    }

    /// Whether what attention and feed-forward give is added to x as it is.
    [[nodiscard]] bool addsPlainly() const {
        return !m_pass.config.postNorms && m_pass.config.residualScale == 1.0f;
    }

    /// x += finish(in * weight^T + bias), at once or as pending.
    void project(const TensorView& weight, const TensorView& bias, const TensorView& in, const NormWeights& postNorm) {
        const TensorView out = m_pass.scratch.projected.firstRows(m_x.rows());
        if (addsPlainly()) return m_pass.backend.matmulAdd(m_x, weight, in, bias, out);
        m_pass.backend.matmul(out, weight, in);
        if (present(bias)) m_pass.backend.addBias(out, bias);
        finish(out, postNorm);
    }

    void finish(const TensorView& out, const NormWeights& postNorm) {
        if (m_pass.config.postNorms) norm(m_pass, out, out, postNorm);
        if (m_pass.config.residualScale != 1.0f) m_pass.backend.scale(out, m_pass.config.residualScale);
        m_pending = out;
    }

    void feedForward(const TensorView& h) {
        if (m_pass.config.kind(m_index).experts) {
            const TensorView out = m_pass.scratch.projected.firstRows(m_x.rows());
            mixExperts(m_pass, m_layer, out, h);
            return finish(out, m_layer.ffnPostNorm);
        }
        project(m_layer.down, m_layer.downBias, denseActivations(m_pass, m_layer, h), m_layer.ffnPostNorm);
    }

    const Pass& m_pass;
    std::int32_t m_index;
    const LayerWeights& m_layer;
    TensorView& m_x;
    TensorView& m_pending;
};

/// Logits of rows of the normed x, on the device.
TensorView logitsOf(const Pass& pass, const TensorView& h) {
    const TensorView logits = pass.scratch.logits.firstRows(h.rows());
    pass.backend.matmul(logits, pass.step.weights.output, h);
    if (present(pass.step.weights.outputBias)) pass.backend.addBias(logits, pass.step.weights.outputBias);
    if (pass.config.logitScale != 1.0f) pass.backend.scale(logits, pass.config.logitScale);
    if (pass.config.logitSoftcap > 0.0f) pass.backend.softcap(logits, pass.config.logitSoftcap);
    return logits;
}

void computeLogits(const Pass& pass, const TensorView& x, const TensorView& pending) {
    DecodeStep& step = pass.step;
    const TensorView h = pass.scratch.normed.firstRows(x.rows());
    addThenNorm(pass, h, x, pending, step.weights.outputNorm, NormReaders::Products);
    if (step.sampling != nullptr) {
        pass.backend.sample(pass.scratch.token, logitsOf(pass, h), *step.sampling);
        pass.backend.download(std::as_writable_bytes(std::span(&step.chosen, 1)), pass.scratch.token);
        return;
    }
    const auto vocabulary = static_cast<std::size_t>(pass.config.vocabulary);
    for (std::int64_t row = 0; row < h.rows(); row += Scratch::kLogitRows) {
        const std::int64_t count = std::min<std::int64_t>(Scratch::kLogitRows, h.rows() - row);
        pass.backend.download(std::as_writable_bytes(step.logits.subspan(static_cast<std::size_t>(row) * vocabulary,
                                                                         static_cast<std::size_t>(count) * vocabulary)),
                              logitsOf(pass, h.rowRange(row, count)));
    }
}

void observe(const Pass& pass, std::int32_t layer, const TensorView& x) {
    std::vector<float> residual(static_cast<std::size_t>(x.elements()));
    pass.backend.download(std::as_writable_bytes(std::span(residual)), x);
    pass.step.observer(layer, pass.step.firstPosition, residual);
}

} // namespace

std::int64_t carriedRows(const DecodeStep& step, std::int32_t layers) {
    const bool all = layers < step.config.layers || step.observer;
    return all ? static_cast<std::int64_t>(step.tokens.size()) : step.logitRows;
}

void decode(const Segment& segment, DecodeStep& step) {
    Backend& backend = segment.backend;
    const Pass pass{segment, step, backend, segment.scratch, step.config};
    TensorView x = segment.scratch.residual.firstRows(carriedRows(step, segment.firstLayer));
    TensorView pending;
    if (segment.embeds) {
        embedTokens(pass, x);
    } else {
        backend.upload(x, std::as_bytes(step.carried.first(static_cast<std::size_t>(x.elements()))));
    }

    for (std::int32_t i = segment.firstLayer; i < segment.endLayer; ++i) {
        if (!Block(pass, i, x, pending).run()) return;
        if (step.observer) {
            if (present(pending)) backend.add(x, std::exchange(pending, {}));
            observe(pass, i, x);
        }
    }

    if (!segment.computesLogits) {
        if (present(pending)) backend.add(x, pending);
        backend.download(std::as_writable_bytes(step.carried.first(static_cast<std::size_t>(x.elements()))), x);
    } else if (step.logitRows > 0) {
        if (present(pending)) pending = lastRows(pending, step.logitRows);
        computeLogits(pass, lastRows(x, step.logitRows), pending);
    }
}

} // namespace hearth::core
