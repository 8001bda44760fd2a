// SPDX-License-Identifier: Apache-2.0
#include "tests/support/device_backend.h"

#include "kernels/hip/planes.h"

#include <cstring>
#include <utility>

namespace hearth::test {

using namespace kernels;

class DeviceBackend::CountedBuffer final : public Buffer {
public:
    CountedBuffer(std::unique_ptr<Buffer> inner, std::shared_ptr<Memory> memory)
        : m_inner(std::move(inner))
        , m_memory(std::move(memory)) {
        m_memory->ranges[static_cast<const std::byte*>(m_inner->data())] = m_inner->bytes();
        m_memory->bufferBytes += m_inner->bytes();
    }
    ~CountedBuffer() override {
        m_memory->ranges.erase(static_cast<const std::byte*>(m_inner->data()));
        m_memory->bufferBytes -= m_inner->bytes();
    }
    CountedBuffer(const CountedBuffer&) = delete;
    CountedBuffer& operator=(const CountedBuffer&) = delete;
    void* data() override { return m_inner->data(); }
    std::uint64_t bytes() const override { return m_inner->bytes(); }

private:
    std::unique_ptr<Buffer> m_inner;
    std::shared_ptr<Memory> m_memory;
};

bool DeviceBackend::Memory::owns(const void* data, std::uint64_t bytes) const {
    const auto* first = static_cast<const std::byte*>(data);
    auto range = ranges.upper_bound(first);
    if (range == ranges.begin()) return false;
    --range;
    return first + bytes <= range->first + range->second;
}

void DeviceBackend::fail(StatusCode code, const char* place) {
    if (m_status.ok()) m_status = {code, place};
}

bool DeviceBackend::breaks(const char* name) {
    if (failAtOperation >= 0 && failAtOperation-- == 0) fail(failure, name);
    return !m_status.ok();
}

std::unique_ptr<Buffer> DeviceBackend::allocate(std::uint64_t bytes) {
    if (bytes > memoryLimit || usedBytes() > memoryLimit - bytes) return nullptr;
    std::unique_ptr<Buffer> inner = m_inner->allocate(bytes);
    return inner == nullptr ? nullptr : std::make_unique<CountedBuffer>(std::move(inner), m_memory);
}

TensorView DeviceBackend::adoptWeight(DType dtype, std::array<std::int64_t, 3> shape,
                                      std::span<const std::byte> fileBytes) {
    const TensorView refused{nullptr, dtype, shape};
    const auto elements = static_cast<std::uint64_t>(shape[0] * shape[1] * shape[2]);
    const std::uint64_t bytes = (planeBytes(dtype, elements) + kGranularity - 1) / kGranularity * kGranularity;
    if (breaks("adoptWeight") || bytes > memoryLimit || usedBytes() > memoryLimit - bytes) return refused;
    std::unique_ptr<Buffer> copy = m_inner->allocate(fileBytes.size());
    std::memcpy(copy->data(), fileBytes.data(), fileBytes.size());
    m_memory->ranges[static_cast<const std::byte*>(copy->data())] = copy->bytes();
    m_weightBytes += bytes;
    m_weightFileBytes += fileBytes.size();
    m_weights.push_back(std::move(copy));
    return m_inner->adoptWeight(
        dtype, shape, {static_cast<const std::byte*>(m_weights.back()->data()), fileBytes.size()});
}

void DeviceBackend::beginStep(std::stop_token stop) {
    ++m_steps;
    m_recording = nullptr;
    if (m_status.code != StatusCode::DeviceLost) m_status = {};
    m_inner->beginStep(std::move(stop));
}

Status DeviceBackend::endStep() {
    const Status inner = m_inner->endStep();
    if (!inner.ok()) fail(inner.code, inner.place);
    if (m_recording != nullptr && !m_status.ok()) m_records.erase(m_recordingSignature); // half a step
    m_recording = nullptr;
    return m_status;
}

bool DeviceBackend::replayStep(const StepInfo& info) {
    if (info.signature == 0) return false;
    const auto known = m_records.find(info.signature);
    if (known == m_records.end()) {
        m_recording = &m_records[info.signature];
        m_recordingSignature = info.signature;
        return false;
    }
    ++m_replays;
    for (const Operation& operation : known->second) {
        if (breaks("replay")) break;
        operation(*m_inner, &info);
    }
    return true;
}

void DeviceBackend::issue(const char* name, std::initializer_list<TensorView> views, const KvView* cache,
                          Operation operation) {
    if (breaks(name)) return;
    for (const TensorView& view : views) {
        if (view.data != nullptr && !m_memory->owns(view.data, view.bytes())) fail(StatusCode::InvalidShape, name);
    }
    if (cache != nullptr && (!m_memory->owns(cache->keys, 1) || !m_memory->owns(cache->values, 1)))
        fail(StatusCode::InvalidShape, name);
    if (!m_status.ok()) return;
    operation(*m_inner, nullptr);
    if (m_recording != nullptr) m_recording->push_back(std::move(operation));
}

void DeviceBackend::upload(const TensorView& to, std::span<const std::byte> from) {
    if (m_memory->owns(from.data(), from.size())) fail(StatusCode::InvalidShape, "upload");
    ++m_uploads;
    issue("upload", {to}, nullptr, [=](Backend& inner, const StepInfo*) { inner.upload(to, from); });
}

void DeviceBackend::download(std::span<std::byte> to, const TensorView& from) {
    if (m_memory->owns(to.data(), to.size())) fail(StatusCode::InvalidShape, "download");
    issue("download", {from}, nullptr, [=, this](Backend& inner, const StepInfo* now) {
        ++m_downloads;
        inner.download(now != nullptr ? now->results : to, from);
    });
}

void DeviceBackend::zero(const TensorView& view) {
    issue("zero", {view}, nullptr, [=](Backend& inner, const StepInfo*) { inner.zero(view); });
}

void DeviceBackend::embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens,
                          float factor) {
    issue("embed", {out, table}, nullptr, [=](Backend& inner, const StepInfo* now) {
        inner.embed(out, table, now != nullptr ? now->tokens : tokens, factor);
    });
}

void DeviceBackend::matmul(const TensorView& out, const TensorView& weight, const TensorView& x) {
    issue("matmul", {out, weight, x}, nullptr, [=](Backend& inner, const StepInfo*) { inner.matmul(out, weight, x); });
}

void DeviceBackend::matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights,
                                 const TensorView& x) {
    const std::vector<TensorView> outList(outs.begin(), outs.end());
    const std::vector<TensorView> weightList(weights.begin(), weights.end());
    for (std::size_t i = 0; i < outs.size(); ++i) {
        if (!m_memory->owns(outs[i].data, outs[i].bytes()) || !m_memory->owns(weights[i].data, weights[i].bytes()))
            fail(StatusCode::InvalidShape, "matmulShared");
    }
    issue("matmulShared", {x}, nullptr,
          [=](Backend& inner, const StepInfo*) { inner.matmulShared(outList, weightList, x); });
}

void DeviceBackend::rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) {
    issue("rmsNorm", {out, x, weight}, nullptr,
          [=](Backend& inner, const StepInfo*) { inner.rmsNorm(out, x, weight, eps); });
}

void DeviceBackend::layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight,
                              const TensorView& bias, float eps) {
    issue("layerNorm", {out, x, weight, bias}, nullptr,
          [=](Backend& inner, const StepInfo*) { inner.layerNorm(out, x, weight, bias, eps); });
}

void DeviceBackend::addBias(const TensorView& x, const TensorView& bias) {
    issue("addBias", {x, bias}, nullptr, [=](Backend& inner, const StepInfo*) { inner.addBias(x, bias); });
}

void DeviceBackend::add(const TensorView& x, const TensorView& y) {
    issue("add", {x, y}, nullptr, [=](Backend& inner, const StepInfo*) { inner.add(x, y); });
}

void DeviceBackend::scale(const TensorView& x, float factor) {
    issue("scale", {x}, nullptr, [=](Backend& inner, const StepInfo*) { inner.scale(x, factor); });
}

void DeviceBackend::softcap(const TensorView& x, float cap) {
    issue("softcap", {x}, nullptr, [=](Backend& inner, const StepInfo*) { inner.softcap(x, cap); });
}

void DeviceBackend::rope(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition,
                         const RopeParams& params) {
    issue("rope", {x}, nullptr, [=](Backend& inner, const StepInfo* now) {
        inner.rope(x, headDim, now != nullptr ? now->firstPosition : firstPosition, params);
    });
}

void DeviceBackend::appendKv(const KvView& cache, const TensorView& k, const TensorView& v, std::int32_t firstPosition) {
    issue("appendKv", {k, v}, &cache, [=](Backend& inner, const StepInfo* now) {
        inner.appendKv(cache, k, v, now != nullptr ? now->firstPosition : firstPosition);
    });
}

void DeviceBackend::attention(const TensorView& out, const TensorView& q, const KvView& cache,
                              std::int32_t firstPosition, const AttentionParams& params) {
    issue("attention", {out, q, params.sinks}, &cache, [=](Backend& inner, const StepInfo* now) {
        inner.attention(out, q, cache, now != nullptr ? now->firstPosition : firstPosition, params);
    });
}

void DeviceBackend::swiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    issue("swiGlu", {out, gate, up}, nullptr, [=](Backend& inner, const StepInfo*) { inner.swiGlu(out, gate, up); });
}

void DeviceBackend::geGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    issue("geGlu", {out, gate, up}, nullptr, [=](Backend& inner, const StepInfo*) { inner.geGlu(out, gate, up); });
}

void DeviceBackend::moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits,
                             bool renormalise) {
    issue("moeRoute", {ids, weights, logits}, nullptr,
          [=](Backend& inner, const StepInfo*) { inner.moeRoute(ids, weights, logits, renormalise); });
}

void DeviceBackend::matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x,
                                  const TensorView& ids) {
    issue("matmulExperts", {out, weight, x, ids}, nullptr,
          [=](Backend& inner, const StepInfo*) { inner.matmulExperts(out, weight, x, ids); });
}

void DeviceBackend::moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) {
    issue("moeCombine", {out, x, weights}, nullptr,
          [=](Backend& inner, const StepInfo*) { inner.moeCombine(out, x, weights); });
}

} // namespace hearth::test
