// SPDX-License-Identifier: Apache-2.0
#include "tests/support/failing_backend.h"

#include "tests/support/reference_sample.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace hearth::test {

namespace {

using namespace hearth::kernels;

class FailingBackend final : public Backend {
public:
    FailingBackend(FailurePlan plan, BackendLog& log, std::string_view family)
        : m_plan(std::move(plan))
        , m_log(log)
        , m_family(family)
        , m_cpu(CpuBackend::create({.threads = 1})) {
        ++m_log.made;
        ++m_log.alive;
    }
    ~FailingBackend() override { --m_log.alive; }

    DeviceInfo deviceInfo() const override { return {"Fake GPU", m_family, 0, std::uint64_t{16} << 30}; }

    std::unique_ptr<Buffer> allocate(std::uint64_t bytes) override {
        return m_log.allocations++ == m_plan.allocation || !m_status.ok() ? nullptr : m_cpu->allocate(bytes);
    }
    void upload(const TensorView& to, std::span<const std::byte> from) override { m_cpu->upload(to, from); }
    void download(std::span<std::byte> to, const TensorView& from) override {
        if (m_status.ok()) m_cpu->download(to, from);
    }
    void zero(const TensorView& view) override { m_cpu->zero(view); }
    TensorView adoptWeight(DType dtype, std::array<std::int64_t, 3> shape, std::span<const std::byte> bytes) override {
        return m_log.weights++ == m_plan.weight ? TensorView{} : m_cpu->adoptWeight(dtype, shape, bytes);
    }

    void beginStep(std::stop_token stop) override { m_cpu->beginStep(std::move(stop)); }
    Status endStep() override {
        const Status status = m_cpu->endStep();
        return m_status.ok() ? status : m_status;
    }

    void embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens, float factor) override {
        m_log.largestRows = std::max(m_log.largestRows, out.rows());
        run("embed", out, [&] { m_cpu->embed(out, table, tokens, factor); });
    }
    void matmul(const TensorView& out, const TensorView& weight, const TensorView& x) override {
        run("matmul", out, [&] { m_cpu->matmul(out, weight, x); });
    }
    void matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x) override {
        run("matmulShared", outs.front(), [&] { m_cpu->matmulShared(outs, weights, x); });
    }
    void rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) override {
        run("rmsNorm", out, [&] { m_cpu->rmsNorm(out, x, weight, eps); });
    }
    void layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight, const TensorView& bias, float eps) override {
        run("layerNorm", out, [&] { m_cpu->layerNorm(out, x, weight, bias, eps); });
    }
    void addBias(const TensorView& x, const TensorView& bias) override {
        run("addBias", x, [&] { m_cpu->addBias(x, bias); });
    }
    void add(const TensorView& x, const TensorView& y) override {
        run("add", x, [&] { m_cpu->add(x, y); });
    }
    void scale(const TensorView& x, float factor) override {
        run("scale", x, [&] { m_cpu->scale(x, factor); });
    }
    void softcap(const TensorView& x, float cap) override {
        run("softcap", x, [&] { m_cpu->softcap(x, cap); });
    }
    void rope(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition, const RopeParams& params) override {
        run("rope", x, [&] { m_cpu->rope(x, headDim, firstPosition, params); });
    }
    void appendKv(const KvView& cache, const TensorView& k, const TensorView& v, std::int32_t firstPosition) override {
        run("appendKv", {}, [&] { m_cpu->appendKv(cache, k, v, firstPosition); });
    }
    void attention(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition, const AttentionParams& params) override {
        run("attention", out, [&] { m_cpu->attention(out, q, cache, firstPosition, params); });
    }
    void swiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) override {
        run("swiGlu", out, [&] { m_cpu->swiGlu(out, gate, up); });
    }
    void geGlu(const TensorView& out, const TensorView& gate, const TensorView& up) override {
        run("geGlu", out, [&] { m_cpu->geGlu(out, gate, up); });
    }
    void moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits, bool renormalise) override {
        run("moeRoute", weights, [&] { m_cpu->moeRoute(ids, weights, logits, renormalise); });
    }
    void matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x, const TensorView& ids) override {
        run("matmulExperts", out, [&] { m_cpu->matmulExperts(out, weight, x, ids); });
    }
    void moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) override {
        run("moeCombine", out, [&] { m_cpu->moeCombine(out, x, weights); });
    }
    bool samples() const override { return m_plan.samples; }
    void sample(const TensorView& token, const TensorView& logits, const SampleRequest& request) override {
        run("sample", {}, [&] {
            std::span<float> row(logits.f32(), static_cast<std::size_t>(request.vocabulary));
            static_cast<std::int32_t*>(token.data)[0] = referenceSample(row, request.penalties, request.params);
        });
        if (m_plan.wrong == "sample") static_cast<std::int32_t*>(token.data)[0] = request.vocabulary;
    }

private:
    template <class Operation>
    void run(std::string_view name, const TensorView& out, const Operation& operation) {
        const bool fails = m_log.operations++ == m_plan.operation;
        if (fails && m_status.ok()) {
            if (m_plan.instead) m_plan.instead();
            m_status = {m_plan.code, m_plan.place};
        }
        if (!m_status.ok()) return;
        operation();
        // One value of the result, as a kernel with a bad edge would leave it.
        if (name == m_plan.wrong && out.dtype == DType::F32 && out.data != nullptr) out.f32()[out.elements() - 1] *= -1.0f;
    }

    FailurePlan m_plan;
    BackendLog& m_log;
    std::string m_family;
    std::unique_ptr<CpuBackend> m_cpu;
    Status m_status;
};

} // namespace

std::unique_ptr<kernels::Backend> makeFailingBackend(FailurePlan plan, BackendLog& log, std::string_view family) {
    return std::make_unique<FailingBackend>(std::move(plan), log, family);
}

} // namespace hearth::test
