// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"

#include "kernels/cpu/cpu_op_table.h"
#include "kernels/cpu/parallel.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embed.h"
#include "kernels/ops/gated.h"
#include "kernels/ops/moe.h"
#include "kernels/ops/norm.h"
#include "kernels/quant/decode.h"

#include <cstring>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

#ifdef HEARTH_HAVE_SIMD_MATMUL
#include "kernels/cpu/simd/matmul_simd.h"
#endif

namespace hearth::kernels {

namespace {

/// Anonymous pages: zero without being touched, aligned to a page, given back on destruction.
class PageBuffer final : public Buffer {
public:
    static std::unique_ptr<Buffer> create(std::uint64_t bytes) {
        const std::uint64_t length = std::max<std::uint64_t>(bytes, 1);
        if (length > static_cast<std::uint64_t>(PTRDIFF_MAX)) return nullptr;
        void* pages = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED) return nullptr;
        madvise(pages, length, MADV_HUGEPAGE); // a wish; fewer address translations in long caches
        return std::unique_ptr<Buffer>(new (std::nothrow) PageBuffer(pages, bytes));
    }
    ~PageBuffer() override { munmap(m_pages, std::max<std::uint64_t>(m_bytes, 1)); }
    PageBuffer(const PageBuffer&) = delete;
    PageBuffer& operator=(const PageBuffer&) = delete;

    void* data() override { return m_pages; }
    std::uint64_t bytes() const override { return m_bytes; }

private:
    PageBuffer(void* pages, std::uint64_t bytes)
        : m_pages(pages)
        , m_bytes(bytes) {}

    void* m_pages;
    std::uint64_t m_bytes;
};

/// No block has a field wider than this; a GGUF file aligns tensors to 8 at least.
constexpr std::uintptr_t kWeightAlignment = 4;

std::uint64_t physicalMemory() {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long pageBytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && pageBytes > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(pageBytes) : 0;
}

bool sameTurns(const RopeParams& a, const RopeParams& b) {
    return a.dims == b.dims && a.base == b.base && a.positionScale == b.positionScale &&
           a.extensionFactor == b.extensionFactor && a.attentionFactor == b.attentionFactor &&
           a.betaFast == b.betaFast && a.betaSlow == b.betaSlow && a.originalContext == b.originalContext &&
           a.frequencyFactors == b.frequencyFactors;
}

/// gemma3 has two kinds of layers; longrope models may switch once. More kinds only cost time.
constexpr std::size_t kRopeCaches = 2;

} // namespace

std::unique_ptr<CpuBackend> CpuBackend::create(CpuOptions options) {
    const CpuPath path = options.forcedPath.value_or(bestCpuPath());
    if (!cpuPathSupported(path)) return nullptr;
    const int threads = options.threads > 0 ? options.threads : physicalCoreCount();
    return std::unique_ptr<CpuBackend>(new CpuBackend(path, threads));
}

CpuBackend::CpuBackend(CpuPath path, int threads)
    : m_path(path)
    , m_pool(threads)
    , m_ops(cpuOpTable(path))
    , m_ropeCaches(kRopeCaches) {
#ifdef HEARTH_HAVE_SIMD_MATMUL
    m_matmul = matmulKernels(path);
#endif
}

CpuBackend::~CpuBackend() = default;

DeviceInfo CpuBackend::deviceInfo() const {
    return {.name = cpuModelName(),
            .isa = cpuPathName(m_path),
            .threads = m_pool.threads(),
            .totalBytes = physicalMemory()};
}

// --- memory -----------------------------------------------------------------------------------------------------------

std::unique_ptr<Buffer> CpuBackend::allocate(std::uint64_t bytes) {
    return PageBuffer::create(bytes);
}

void CpuBackend::upload(const TensorView& to, std::span<const std::byte> from) {
    if (to.data == nullptr || from.size() != to.bytes()) return fail(StatusCode::InvalidShape, "upload");
    std::memcpy(to.data, from.data(), from.size());
}

void CpuBackend::download(std::span<std::byte> to, const TensorView& from) {
    if (from.data == nullptr || to.size() != from.bytes()) return fail(StatusCode::InvalidShape, "download");
    std::memcpy(to.data(), from.data, to.size());
}

void CpuBackend::zero(const TensorView& view) {
    if (view.data == nullptr) return fail(StatusCode::InvalidShape, "zero");
    std::memset(view.data, 0, view.bytes());
}

TensorView CpuBackend::adoptWeight(DType dtype, std::array<std::int64_t, 3> shape,
                                   std::span<const std::byte> fileBytes) {
    const TensorView refused{nullptr, dtype, shape};
    const std::byte* data = fileBytes.data();
    if (!canDecode(dtype) || !hasWholeBlocks(refused) || refused.bytes() > fileBytes.size() || data == nullptr)
        return refused;
    if (reinterpret_cast<std::uintptr_t>(data) % kWeightAlignment != 0) {
        std::unique_ptr<Buffer> copy = PageBuffer::create(refused.bytes());
        if (copy == nullptr) return refused;
        std::memcpy(copy->data(), data, refused.bytes());
        data = static_cast<const std::byte*>(copy->data());
        m_ownedWeights.push_back(std::move(copy));
    }
    // The view's data is not const because activations are written through views too; no operation writes to a weight.
    return {const_cast<std::byte*>(data), dtype, shape};
}

// --- the step ---------------------------------------------------------------------------------------------------------

void CpuBackend::beginStep(std::stop_token stop) {
    m_stop = std::move(stop);
    m_status = {};
    // The factors that the key points to may have changed since.
    for (RopeCache& cache : m_ropeCaches) cache.valid = false;
}

Status CpuBackend::endStep() {
    if (m_stop.stop_requested()) fail(StatusCode::Cancelled, "endStep");
    m_stop = {};
    return m_status;
}

bool CpuBackend::begin(const char* operation, bool valid) {
    if (!m_status.ok()) return false;
    if (m_stop.stop_requested()) {
        fail(StatusCode::Cancelled, operation);
    } else if (!valid) {
        fail(StatusCode::InvalidShape, operation);
    }
    return m_status.ok();
}

void CpuBackend::fail(StatusCode code, const char* place) {
    if (m_status.ok()) m_status = {code, place};
}

// --- small operations -------------------------------------------------------------------------------------------------

void CpuBackend::embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens,
                       float factor) {
    if (!begin("embed", embedFits(out, table, tokens))) return;
    const std::int64_t dim = out.cols();
    overRows(out.rows(), dim, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t t = from; t < to; ++t) {
            float* row = out.f32() + t * dim;
            decodeRow(table.dtype, row, table.rowRange(tokens[static_cast<std::size_t>(t)], 1).data, dim);
            if (factor != 1.0f) m_ops.scale(row, dim, factor);
        }
    });
}

void CpuBackend::rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) {
    if (!begin("rmsNorm", rmsNormFits(out, x, weight))) return;
    const std::int64_t dim = x.cols();
    overRows(x.rows(), dim, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t r = from; r < to; ++r)
            m_ops.rmsNormRow(out.f32() + r * dim, x.f32() + r * dim, weight.f32(), dim, eps);
    });
}

void CpuBackend::layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight, const TensorView& bias,
                           float eps) {
    if (!begin("layerNorm", layerNormFits(out, x, weight, bias))) return;
    const std::int64_t dim = x.cols();
    overRows(x.rows(), dim, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t r = from; r < to; ++r) {
            m_ops.layerNormRow(out.f32() + r * dim, x.f32() + r * dim, weight.f32(), bias.f32(), dim, eps);
        }
    });
}

void CpuBackend::addBias(const TensorView& x, const TensorView& bias) {
    if (!begin("addBias", addBiasFits(x, bias))) return;
    overRows(x.rows(), x.cols(), [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t r = from; r < to; ++r) m_ops.add(x.f32() + r * x.cols(), bias.f32(), x.cols());
    });
}

void CpuBackend::add(const TensorView& x, const TensorView& y) {
    if (!begin("add", addFits(x, y))) return;
    overRows(x.rows(), x.cols(), [&](std::int64_t from, std::int64_t to) {
        m_ops.add(x.f32() + from * x.cols(), y.f32() + from * x.cols(), (to - from) * x.cols());
    });
}

void CpuBackend::scale(const TensorView& x, float factor) {
    if (!begin("scale", isF32Matrix(x))) return;
    overRows(x.rows(), x.cols(), [&](std::int64_t from, std::int64_t to) {
        m_ops.scale(x.f32() + from * x.cols(), (to - from) * x.cols(), factor);
    });
}

void CpuBackend::softcap(const TensorView& x, float cap) {
    if (!begin("softcap", isF32Matrix(x) && cap > 0.0f)) return;
    overRows(x.rows(), x.cols(), [&](std::int64_t from, std::int64_t to) {
        m_ops.softcap(x.f32() + from * x.cols(), (to - from) * x.cols(), cap);
    });
}

void CpuBackend::swiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    if (!begin("swiGlu", gatedFits(out, gate, up))) return;
    const std::int64_t cols = out.cols();
    overRows(out.rows(), cols, [&](std::int64_t from, std::int64_t to) {
        m_ops.swiGlu(out.f32() + from * cols, gate.f32() + from * cols, up.f32() + from * cols, (to - from) * cols);
    });
}

void CpuBackend::geGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    if (!begin("geGlu", gatedFits(out, gate, up))) return;
    const std::int64_t cols = out.cols();
    overRows(out.rows(), cols, [&](std::int64_t from, std::int64_t to) {
        m_ops.geGlu(out.f32() + from * cols, gate.f32() + from * cols, up.f32() + from * cols, (to - from) * cols);
    });
}

void CpuBackend::rope(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition, const RopeParams& params) {
    if (!begin("rope", ropeFits(x, headDim, firstPosition, params))) return;
    const RopeTurn* turns = ropeTurns(firstPosition, x.rows(), params);
    if (turns == nullptr) return;
    overRows(x.rows(), x.cols(), [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t t = from; t < to; ++t) {
            ropeRow(x.f32() + t * x.cols(), x.cols() / headDim, headDim, turns + t * (params.dims / 2), params);
        }
    });
}

const RopeTurn* CpuBackend::ropeTurns(std::int32_t firstPosition, std::int64_t positions, const RopeParams& params) {
    for (RopeCache& cache : m_ropeCaches) {
        if (cache.valid && cache.firstPosition == firstPosition && cache.positions == positions &&
            sameTurns(cache.params, params)) {
            return cache.turns.data();
        }
    }
    RopeCache& cache = m_ropeCaches[m_nextRopeCache];
    m_nextRopeCache = (m_nextRopeCache + 1) % m_ropeCaches.size();
    cache.valid = false;
    // One more than needed: the address of an empty table (dims 0) must not read as a failure.
    if (!grow(cache.turns, positions * (params.dims / 2) + 1, "rope")) return nullptr;
    makeRopeTable(cache.turns.data(), firstPosition, positions, params);
    cache.params = params;
    cache.firstPosition = firstPosition;
    cache.positions = positions;
    cache.valid = true;
    return cache.turns.data();
}

void CpuBackend::moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits,
                          bool renormalise) {
    if (!begin("moeRoute", moeRouteFits(ids, weights, logits))) return;
    const std::int64_t experts = logits.cols();
    const std::int64_t k = ids.cols();
    const RouteWeights mode = renormalise ? RouteWeights::Renormalised : RouteWeights::AsTheyAre;
    if (!grow(m_order, experts, "moeRoute")) return;
    for (std::int64_t t = 0; t < logits.rows(); ++t) {
        moeRouteRow(static_cast<std::int32_t*>(ids.data) + t * k, weights.f32() + t * k, logits.f32() + t * experts,
                    experts, k, mode, m_order.data());
    }
}

void CpuBackend::moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) {
    if (!begin("moeCombine", moeCombineFits(out, x, weights))) return;
    const std::int64_t dim = out.cols();
    const std::int64_t k = weights.cols();
    overRows(out.rows(), dim * k, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t t = from; t < to; ++t) {
            std::memset(out.f32() + t * dim, 0, static_cast<std::size_t>(dim) * sizeof(float));
            for (std::int64_t j = 0; j < k; ++j) {
                m_ops.addScaled(out.f32() + t * dim, x.f32() + (t * k + j) * dim, dim, weights.f32()[t * k + j]);
            }
        }
    });
}

} // namespace hearth::kernels
