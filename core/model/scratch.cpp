// SPDX-License-Identifier: Apache-2.0
#include "core/model/scratch.h"

#include <algorithm>
#include <span>
#include <vector>

namespace hearth::core {

using kernels::Backend;
using kernels::DType;
using kernels::TensorView;

namespace {

/// Gives out pieces of memory at `base`, or only counts them.
class Layout {
public:
    explicit Layout(std::byte* base)
        : m_base(base) {}

    void place(TensorView& view, std::int64_t rows, std::int64_t cols, DType dtype = DType::F32) {
        constexpr std::uint64_t kAlignment = 64;
        view = kernels::matrixView(m_base == nullptr ? nullptr : m_base + m_offset, dtype, rows, cols);
        m_offset += (view.bytes() + kAlignment - 1) / kAlignment * kAlignment;
    }
    [[nodiscard]] std::uint64_t bytes() const { return m_offset; }

private:
    std::byte* m_base;
    std::uint64_t m_offset = 0;
};

void layOutLatent(Layout& layout, LatentScratch& views, const ModelConfig& config, std::int64_t chunk) {
    const LatentAttention& latent = config.latent;
    if (latent.rank == 0) return;
    const std::int64_t headRows = chunk * config.heads;
    layout.place(views.queryDown, chunk, latent.queryRank);
    layout.place(views.query, headRows, latent.nopeDim + config.rope.dims);
    layout.place(views.down, chunk, latent.rank + config.rope.dims);
    layout.place(views.latent, chunk, latent.rank);
    layout.place(views.attended, headRows, latent.absorbed ? latent.rank : latent.valueDim);
    if (latent.absorbed) {
        layout.place(views.queryNope, headRows, latent.nopeDim);
        layout.place(views.queryUp, headRows, latent.rank);
        layout.place(views.values, headRows, latent.valueDim);
        layout.place(views.headIds, chunk, config.heads, DType::I32);
    } else {
        layout.place(views.up, headRows, latent.nopeDim + latent.valueDim);
    }
}

template <typename Value>
void fill(Backend& backend, const TensorView& view, const std::vector<Value>& values) {
    backend.upload(view, std::as_bytes(std::span(values)));
}

} // namespace

std::uint64_t Scratch::layOut(const ModelConfig& config, std::int32_t chunk, std::byte* base) {
    Layout layout(base);
    const std::int64_t expertRows = static_cast<std::int64_t>(chunk) * config.expertsUsed;
    const std::int64_t width = std::max(config.feedForward, config.sharedFeedForward);
    layout.place(residual, chunk, config.embedding);
    layout.place(normed, chunk, config.embedding);
    layout.place(q, chunk, config.queryWidth());
    layout.place(k, chunk, config.kvWidth());
    layout.place(v, chunk, config.kvWidth());
    layout.place(attention, chunk, config.queryWidth());
    layout.place(projected, chunk, config.embedding);
    layout.place(gate, chunk, width);
    layout.place(up, chunk, width);
    layout.place(routerLogits, chunk, config.experts);
    layout.place(expertIds, chunk, config.expertsUsed, DType::I32);
    layout.place(expertWeights, chunk, config.expertsUsed);
    layout.place(expertGate, expertRows, config.expertFeedForward);
    layout.place(expertUp, expertRows, config.expertFeedForward);
    layout.place(expertOut, expertRows, config.embedding);
    layout.place(logits, std::min(chunk, kLogitRows), config.vocabulary);
    layout.place(token, 1, 1, DType::I32);
    layOutLatent(layout, latent, config, chunk);
    if (config.sharedExpertGate) {
        layout.place(sharedWeight, chunk, 1);
        layout.place(half, 1, 1);
    }
    if (config.feedForwardForm == FeedForwardForm::Gelu) {
        layout.place(ones, chunk, width);
    } else if (config.norm == NormKind::LayerUnweighted) {
        layout.place(ones, 1, config.embedding);
    }
    return layout.bytes();
}

std::uint64_t Scratch::bytesFor(const ModelConfig& config, std::int32_t chunk) {
    return Scratch().layOut(config, chunk, nullptr);
}

std::unique_ptr<Scratch> Scratch::create(const ModelConfig& config, Backend& backend, std::int32_t chunk) {
    std::unique_ptr<Scratch> scratch(new Scratch);
    scratch->m_buffer = backend.allocate(bytesFor(config, chunk));
    if (scratch->m_buffer == nullptr) return nullptr;
    scratch->layOut(config, chunk, static_cast<std::byte*>(scratch->m_buffer->data()));
    if (!scratch->writeConstants(config, backend)) return nullptr;
    return scratch;
}

bool Scratch::writeConstants(const ModelConfig& config, Backend& backend) {
    const bool absorbed = config.latent.absorbed;
    if (ones.data == nullptr && half.data == nullptr && !absorbed) return true;
    const std::vector<float> floats(static_cast<std::size_t>(ones.data == nullptr ? 0 : ones.elements()), 1.0f);
    const std::vector<float> halves(1, 0.5f);
    std::vector<std::int32_t> ids(static_cast<std::size_t>(absorbed ? latent.headIds.elements() : 0));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i) % config.heads;
    backend.beginStep({});
    if (ones.data != nullptr) fill(backend, ones, floats);
    if (half.data != nullptr) fill(backend, half, halves);
    if (absorbed) fill(backend, latent.headIds, ids);
    return backend.endStep().ok();
}

} // namespace hearth::core
