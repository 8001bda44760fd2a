// SPDX-License-Identifier: Apache-2.0
//
// DeviceBackend: stands for a GPU where there is none. It computes with another back end but keeps memory of its own, as a
// device does: weights are copied into it, and an operation that is given an address of anybody else's memory fails, so
// that a model which mixes up its two back ends is caught although both live in one address space.
// It counts what lies in that memory, records and replays steps like a back end with graphs, and breaks on demand.
#pragma once

#include "kernels/backend.h"

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <vector>

namespace hearth::test {

class DeviceBackend final : public kernels::Backend {
public:
    explicit DeviceBackend(std::unique_ptr<kernels::Backend> inner)
        : m_inner(std::move(inner)) {}

    // What lies in its memory now. A weight counts as HipBackend stores it,
    // rounded up to kGranularity.
    static constexpr std::uint64_t kGranularity = 256;
    [[nodiscard]] std::uint64_t weightBytes() const { return m_weightBytes; }
    [[nodiscard]] std::uint64_t weightFileBytes() const { return m_weightFileBytes; } ///< the same without the rounding
    [[nodiscard]] std::uint64_t bufferBytes() const { return m_memory->bufferBytes; }
    [[nodiscard]] std::uint64_t usedBytes() const { return weightBytes() + bufferBytes(); }

    // Steps, since its making.
    [[nodiscard]] int steps() const { return m_steps; }
    [[nodiscard]] int recordedSteps() const { return static_cast<int>(m_records.size()); }
    [[nodiscard]] int replayedSteps() const { return m_replays; }
    [[nodiscard]] int downloads() const { return m_downloads; } ///< replayed ones too
    [[nodiscard]] int uploads() const { return m_uploads; }

    // Faults.
    std::uint64_t memoryLimit = std::numeric_limits<std::uint64_t>::max(); ///< no more than this is given out
    int failAtOperation = -1; ///< counted down by every operation; at 0 it fails with `failure`. -1 = never
    kernels::StatusCode failure = kernels::StatusCode::DeviceLost; ///< DeviceLost stays for ever, as on a device

    [[nodiscard]] kernels::DeviceInfo deviceInfo() const override { return m_inner->deviceInfo(); }
    [[nodiscard]] std::unique_ptr<kernels::Buffer> allocate(std::uint64_t bytes) override;
    void upload(const kernels::TensorView& to, std::span<const std::byte> from) override;
    void download(std::span<std::byte> to, const kernels::TensorView& from) override;
    void zero(const kernels::TensorView& view) override;
    [[nodiscard]] kernels::TensorView adoptWeight(kernels::DType dtype, std::array<std::int64_t, 3> shape,
                                                  std::span<const std::byte> fileBytes) override;
    void beginStep(std::stop_token stop) override;
    [[nodiscard]] kernels::Status endStep() override;
    bool replayStep(const kernels::StepInfo& info) override;

    void embed(const kernels::TensorView& out, const kernels::TensorView& table, std::span<const std::int32_t> tokens,
               float scale) override;
    void matmul(const kernels::TensorView& out, const kernels::TensorView& weight, const kernels::TensorView& x) override;
    void matmulShared(std::span<const kernels::TensorView> outs, std::span<const kernels::TensorView> weights,
                      const kernels::TensorView& x) override;
    void rmsNorm(const kernels::TensorView& out, const kernels::TensorView& x, const kernels::TensorView& weight,
                 float eps) override;
    void layerNorm(const kernels::TensorView& out, const kernels::TensorView& x, const kernels::TensorView& weight,
                   const kernels::TensorView& bias, float eps) override;
    void addBias(const kernels::TensorView& x, const kernels::TensorView& bias) override;
    void add(const kernels::TensorView& x, const kernels::TensorView& y) override;
    void scale(const kernels::TensorView& x, float factor) override;
    void softcap(const kernels::TensorView& x, float cap) override;
    void rope(const kernels::TensorView& x, std::int32_t headDim, std::int32_t firstPosition,
              const kernels::RopeParams& params) override;
    void appendKv(const kernels::KvView& cache, const kernels::TensorView& k, const kernels::TensorView& v,
                  std::int32_t firstPosition) override;
    void attention(const kernels::TensorView& out, const kernels::TensorView& q, const kernels::KvView& cache,
                   std::int32_t firstPosition, const kernels::AttentionParams& params) override;
    void swiGlu(const kernels::TensorView& out, const kernels::TensorView& gate, const kernels::TensorView& up) override;
    void geGlu(const kernels::TensorView& out, const kernels::TensorView& gate, const kernels::TensorView& up) override;
    void moeRoute(const kernels::TensorView& ids, const kernels::TensorView& weights, const kernels::TensorView& logits,
                  bool renormalise) override;
    void matmulExperts(const kernels::TensorView& out, const kernels::TensorView& weight, const kernels::TensorView& x,
                       const kernels::TensorView& ids) override;
    void moeCombine(const kernels::TensorView& out, const kernels::TensorView& x,
                    const kernels::TensorView& weights) override;

private:
    /// Where the memory is; outlives the back end in the buffers that point to it.
    struct Memory {
        std::map<const std::byte*, std::uint64_t> ranges;
        std::uint64_t bufferBytes = 0;
        [[nodiscard]] bool owns(const void* data, std::uint64_t bytes) const;
    };
    class CountedBuffer;

    /// `now` is the step that replays the operation; null when it is issued.
    using Operation = std::function<void(kernels::Backend& inner, const kernels::StepInfo* now)>;
    void issue(const char* name, std::initializer_list<kernels::TensorView> views, const kernels::KvView* cache,
               Operation operation);
    [[nodiscard]] bool breaks(const char* name);
    void fail(kernels::StatusCode code, const char* place);

    std::unique_ptr<kernels::Backend> m_inner;
    std::shared_ptr<Memory> m_memory = std::make_shared<Memory>();
    std::vector<std::unique_ptr<kernels::Buffer>> m_weights;
    std::uint64_t m_weightBytes = 0;
    std::uint64_t m_weightFileBytes = 0;
    kernels::Status m_status;
    std::map<std::uint64_t, std::vector<Operation>> m_records;
    std::vector<Operation>* m_recording = nullptr;
    std::uint64_t m_recordingSignature = 0;
    int m_steps = 0;
    int m_replays = 0;
    int m_downloads = 0;
    int m_uploads = 0;
};

} // namespace hearth::test
