// SPDX-License-Identifier: Apache-2.0
//
// The KV cache and attention on the GPU. Few rows (decoding) share the positions of each KV head out over blocks (attention_hip.h, "rows");
// prompts go through the matrix units ("tiles") where the head size has a kernel for it. In a recorded step the position is read from
// device memory, and the grid is made for the recording's bucket of positions.
#include "kernels/hip/hip_backend_impl.h"

#include "kernels/ops/attention.h"
#include "kernels/ops/attention_hip.h"
#include "kernels/ops/rope.h"
#include "kernels/ops/rope_hip.h"

#include <algorithm>
#include <cstring>

namespace hearth::kernels {

namespace {

/// Fewer rows than this are done row by row.
constexpr std::int64_t kFewestTiledRows = 9;

bool sameRotation(const RopeParams& a, const RopeParams& b) {
    return a.pairing == b.pairing && a.dims == b.dims && a.base == b.base && a.positionScale == b.positionScale &&
           a.extensionFactor == b.extensionFactor && a.attentionFactor == b.attentionFactor && a.betaFast == b.betaFast &&
           a.betaSlow == b.betaSlow && a.originalContext == b.originalContext;
}

} // namespace

int* HipBackend::counters(std::int32_t count, const char* place) {
    const auto bytes = static_cast<std::uint64_t>(count) * sizeof(int);
    const bool fresh = bytes > m_scratch[static_cast<std::size_t>(Use::Counters)].bytes;
    auto* memory = reinterpret_cast<int*>(scratch(Use::Counters, std::max<std::uint64_t>(bytes, 4096), place));
    // Every kernel leaves them at zero.
    if (fresh && memory != nullptr) check(m_runtime.fill(memory, 0, std::max<std::uint64_t>(bytes, 4096), m_stream.get()), place);
    return memory;
}

const std::uint64_t* HipBackend::ropeTurns(const RopeParams& params, float& magnitude, const char* place) {
    const auto pairs = static_cast<std::size_t>(params.dims / 2);
    if (pairs == 0) return nullptr;
    std::vector<float> factors;
    if (params.frequencyFactors != nullptr) factors.assign(params.frequencyFactors, params.frequencyFactors + pairs);
    for (const RopeTable& table : m_ropeTables) {
        if (!sameRotation(table.params, params) || table.factors != factors) continue;
        magnitude = table.magnitude;
        return static_cast<const std::uint64_t*>(table.turns.get());
    }
    std::vector<std::uint64_t> turns(pairs);
    makeRopeTurns(turns.data(), params);
    void* memory = nullptr;
    check(m_runtime.allocate(memory, pairs * sizeof(std::uint64_t)), place);
    if (!m_status.ok()) return nullptr;
    RopeTable table{params, std::move(factors), GpuMemory(m_runtime, memory), static_cast<float>(ropeMagnitude(params))};
    if (!uploadNow(memory, std::as_bytes(std::span(turns)))) return nullptr;
    m_ropeTables.push_back(std::move(table));
    magnitude = m_ropeTables.back().magnitude;
    return static_cast<const std::uint64_t*>(memory);
}

RopeAppendArgs HipBackend::ropeAppendArgs(const TensorView* q, const TensorView* k, const TensorView* v, const KvView& cache,
                                          std::int32_t headDim, std::int32_t firstPosition, const RopeParams* params, const char* place) {
    RopeAppendArgs args{};
    args.magnitude = 1.0f;
    if (params != nullptr) {
        args.turns = ropeTurns(*params, args.magnitude, place);
        args.dims = params->dims;
        args.interleaved = params->pairing == RopePairing::Interleaved ? 1 : 0;
    }
    if (q != nullptr) {
        args.q = q->f32();
        args.heads = static_cast<std::int32_t>(q->cols() / headDim);
    }
    if (k != nullptr) {
        args.k = k->f32();
        args.v = v->f32();
        args.keys = cache.keys;
        args.values = cache.values;
        args.kvHeads = cache.kvHeads;
        args.capacity = cache.capacity;
        args.cacheIsQ8 = cache.type == KvType::Q8_0 ? 1 : 0;
    }
    args.step = stepState();
    args.firstPosition = relative(firstPosition);
    args.headDim = headDim;
    return args;
}

void HipBackend::ropeAppend(const TensorView* q, const TensorView* k, const TensorView* v, const KvView& cache, std::int32_t headDim,
                            std::int32_t firstPosition, const RopeParams* params, const char* place) {
    const RopeAppendArgs args = ropeAppendArgs(q, k, v, cache, headDim, firstPosition, params, place);
    launch("hearth_rope_append", ropeAppendGrid(args, (q != nullptr ? q : k)->rows()), kRopeThreads, args);
    if (q != nullptr) written(*q);
}

void HipBackend::rope(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition, const RopeParams& params) {
    if (!begin("rope", ropeFits(x, headDim, firstPosition, params)) || params.dims == 0 || x.rows() == 0) return;
    ropeAppend(&x, nullptr, nullptr, {}, headDim, firstPosition, &params, "rope");
}

void HipBackend::appendKv(const KvView& cache, const TensorView& k, const TensorView& v, std::int32_t firstPosition) {
    if (!begin("appendKv", appendKvFits(cache, k, v, firstPosition) && cache.headDim % 2 == 0) || k.rows() == 0) return;
    ropeAppend(nullptr, &k, &v, cache, cache.headDim, firstPosition, nullptr, "appendKv");
}

void HipBackend::ropeAndAppend(const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache,
                               std::int32_t firstPosition, const RopeParams& params) {
    if (!begin("ropeAndAppend", appendKvFits(cache, k, v, firstPosition) && ropeFits(q, cache.headDim, firstPosition, params) &&
                                    q.rows() == k.rows()) ||
        k.rows() == 0)
        return;
    ropeAppend(&q, &k, &v, cache, cache.headDim, firstPosition, &params, "ropeAndAppend");
}

void HipBackend::attention(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition,
                           const AttentionParams& params) {
    attend(out, q, cache, firstPosition, params, {});
}

void HipBackend::ropeAppendAttention(const TensorView& out, const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache,
                                     std::int32_t firstPosition, const RopeParams& rope, const AttentionParams& params) {
    if (q.rows() != 1 || out.rows() != 1 || !params.causal) {
        Backend::ropeAppendAttention(out, q, k, v, cache, firstPosition, rope, params);
        return;
    }
    if (!begin("ropeAppendAttention", appendKvFits(cache, k, v, firstPosition) && cache.headDim % 2 == 0 &&
                                          ropeFits(q, cache.headDim, firstPosition, rope) && k.rows() == 1))
        return;
    attend(out, q, cache, firstPosition, params,
           ropeAppendArgs(&q, &k, &v, cache, cache.headDim, firstPosition, &rope, "ropeAppendAttention"));
}

void HipBackend::attend(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition,
                        const AttentionParams& params, const RopeAppendArgs& rope) {
    if (!begin("attention", attentionFits(out, q, cache, firstPosition, params) && cache.headDim <= kAttentionMaxHeadDim && cache.headDim % 2 == 0) || q.rows() == 0)
        return;
    AttentionArgs args{};
    args.rope = rope;
    args.out = out.f32();
    args.q = q.f32();
    args.keys = cache.keys;
    args.values = cache.values;
    args.sinks = params.sinks.f32();
    args.step = stepState();
    args.scale = params.scale;
    args.softcap = params.softcap;
    args.firstPosition = relative(firstPosition);
    args.rows = static_cast<std::int32_t>(q.rows());
    args.heads = params.heads;
    args.kvHeads = cache.kvHeads;
    args.headDim = cache.headDim;
    args.capacity = cache.capacity;
    args.window = params.window;
    args.causal = params.causal ? 1 : 0;
    written(out);

    const bool q8Cache = cache.type == KvType::Q8_0;
    const char* tiles = attentionTilesKernel(args.headDim, q8Cache);
    if (q.rows() >= kFewestTiledRows && tiles != nullptr) {
        launch(tiles, attentionTilesGrid(args), attentionTilesThreads(args.headDim), args);
        return;
    }
    const std::int32_t positions =
        recording() ? std::min(m_positions, cache.capacity) : attentionBucket(firstPosition + args.rows, cache.capacity);
    args.splits = attentionSplits(positions, args.rows, args.heads, args.kvHeads, args.headDim, m_properties.multiprocessors);
    if (cache.headDim % 32 == 0) args.q8 = q8For(out);
    if (args.splits > 1) {
        const std::uint64_t partials = (attentionPartialBytes(args.rows, args.heads, args.headDim, args.splits) + 255) / 256 * 256;
        args.partials = reinterpret_cast<float*>(scratch(Use::AttentionParts, partials, "attention"));
        args.counters = counters(attentionCounters(args.rows, args.heads, args.kvHeads, args.headDim), "attention");
        if (args.partials == nullptr || args.counters == nullptr) return;
    }
    launch(attentionRowsKernel(args.heads, args.kvHeads, args.headDim, q8Cache), attentionRowsGrid(args), kAttentionThreads, args);
}

} // namespace hearth::kernels
