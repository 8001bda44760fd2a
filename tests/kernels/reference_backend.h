// SPDX-License-Identifier: Apache-2.0
//
// ReferenceBackend: the operations of kernels/backend.h written straight from their formulas, in double precision, one loop after
// another. It judges the other back ends and shares nothing with them but the weight decoders (judged by quant_blocks_test)
// and the view types. Slow on purpose: nothing here is clever.
// Results are stored as f32, like the interface says; the KV cache is f16 or q8_0 like everybody's.
#pragma once

#include "kernels/backend.h"

#include <vector>

namespace hearth::kernels {

class ReferenceBackend final : public Backend {
public:
    DeviceInfo deviceInfo() const override {
        return {.name = "reference", .isa = "double", .threads = 1, .totalBytes = 0};
    }
    std::unique_ptr<Buffer> allocate(std::uint64_t bytes) override;
    void upload(const TensorView& to, std::span<const std::byte> from) override;
    void download(std::span<std::byte> to, const TensorView& from) override;
    void zero(const TensorView& view) override;
    TensorView adoptWeight(DType dtype, std::array<std::int64_t, 3> shape,
                           std::span<const std::byte> fileBytes) override;
    void beginStep(std::stop_token stop) override;
    Status endStep() override;

    void embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens,
               float scale) override;
    void matmul(const TensorView& out, const TensorView& weight, const TensorView& x) override;
    void rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) override;
    void layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight, const TensorView& bias,
                   float eps) override;
    void addBias(const TensorView& x, const TensorView& bias) override;
    void add(const TensorView& x, const TensorView& y) override;
    void scale(const TensorView& x, float factor) override;
    void softcap(const TensorView& x, float cap) override;
    void rope(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition, const RopeParams& params) override;
    void appendKv(const KvView& cache, const TensorView& k, const TensorView& v, std::int32_t firstPosition) override;
    void attention(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition,
                   const AttentionParams& params) override;
    void swiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) override;
    void geGlu(const TensorView& out, const TensorView& gate, const TensorView& up) override;
    void moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits,
                  bool renormalise) override;
    void matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x,
                       const TensorView& ids) override;
    void moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) override;

    bool offers(SpecialOperation) const override { return true; }
    void clampedSwiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) override;
    void addExpertBias(const TensorView& x, const TensorView& bias, const TensorView& ids) override;
    void copyColumns(const TensorView& out, std::int64_t outFrom, const TensorView& in, std::int64_t inFrom,
                     std::int64_t count) override;

private:
    std::stop_token m_stop;
};

} // namespace hearth::kernels
