// SPDX-License-Identifier: Apache-2.0
//
// Backend: the eager, narrow interface between the forward pass (core/model/decoder.cpp) and whoever does the arithmetic.
// Operations run in order. A failure sets a sticky Status that endStep() returns, so a forward pass reads like the paper.
// Activations are f32 [tokens, dim]; weights stay in the file's type; the KV cache is f16 or q8_0. Each operation's contract
// (shapes, formula, tolerance, source) is in kernels/ops/<operation>.h.
// Thread: one at a time (the engine's); a back end may own a pool inside.
#pragma once

#include "kernels/ops/sample_params.h"
#include "kernels/status.h"
#include "kernels/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

namespace hearth::kernels {

struct DeviceInfo {
    std::string name;        ///< "Intel Xeon ...", "Radeon RX 7900 XT"
    std::string isa;         ///< the path in use: "AVX-512 VNNI", "AVX2", "portable"; "gfx1100"
    int threads = 0;         ///< CPU worker threads; 0 for a GPU
    std::uint64_t totalBytes = 0;
};

/// Memory of one back end, freed with it. Made by Backend::allocate; zero-filled.
class Buffer {
public:
    virtual ~Buffer() = default;
    [[nodiscard]] virtual void* data() = 0;
    [[nodiscard]] virtual std::uint64_t bytes() const = 0;
};

enum class RopePairing : std::uint8_t {
    Interleaved, ///< pairs (2i, 2i+1): llama
    HalfSplit,   ///< pairs (i, i + dims/2): qwen2, phi3, gemma
};

/// Rotary position embedding with YaRN. Source: Su 2021 arXiv:2104.09864; Peng 2023 arXiv:2309.00071.
struct RopeParams {
    RopePairing pairing = RopePairing::Interleaved;
    std::int32_t dims = 0;           ///< rotated leading elements of each head; even, <= headDim
    float base = 10000.0f;
    float positionScale = 1.0f;      ///< linear scaling: theta = position * positionScale * frequency
    float extensionFactor = 0.0f;    ///< YaRN mix; 0 = off
    float attentionFactor = 1.0f;    ///< YaRN magnitude, multiplies sin and cos
    float betaFast = 32.0f;
    float betaSlow = 1.0f;
    std::int32_t originalContext = 0;///< YaRN: context length of training
    const float* frequencyFactors = nullptr; ///< host memory, [dims/2] divisors of the frequencies (rope_freqs), or null
};

/// How a cache stores keys and values.
enum class KvType : std::uint8_t {
    F16,
    Q8_0, ///< rows of headDim values as Q8_0 blocks (kernels/quant/q8_0.h); headDim is a multiple of 32
};

/// One layer's keys and values: [kvHeads, capacity, headDim] each, so that one head's history is contiguous.
struct KvView {
    void* keys = nullptr;
    void* values = nullptr;
    std::int32_t kvHeads = 0;
    std::int32_t capacity = 0;   ///< positions
    std::int32_t headDim = 0;
    KvType type = KvType::F16;
};

struct AttentionParams {
    std::int32_t heads = 0;      ///< query heads; query head h reads KV head h / (heads / kvHeads)
    float scale = 0.0f;          ///< usually 1 / sqrt(headDim)
    float softcap = 0.0f;        ///< 0 = off, else scores = softcap * tanh(scores / softcap)
    std::int32_t window = 0;     ///< 0 = off, else a token sees itself and window - 1 before it
    bool causal = true;          ///< false: every token sees all positions up to the last of this call
    TensorView sinks{};          ///< f32 [heads], or data == nullptr: a score per head that takes weight and gives no value
};

enum class GatedActivation : std::uint8_t { Silu, GeluTanh };

/// What few models need and not every back end has. Ask offers() before a model is placed; an operation that is not offered
/// ends the step with InvalidShape.
enum class SpecialOperation : std::uint8_t {
    ClampedSwiGlu, ///< clampedSwiGlu
    ExpertBias,    ///< addExpertBias
    CopyColumns,   ///< copyColumns
    WideHeads,     ///< attention over heads of more than 256 elements
};

/// What Hearth's GPU back end offers, whatever the device: for plans that are made before one is open.
[[nodiscard]] constexpr bool isOnEveryGpu(SpecialOperation operation) {
    return operation != SpecialOperation::WideHeads;
}

/// "biases of experts": what offers() said no to, for messages.
[[nodiscard]] std::string_view name(SpecialOperation operation);

/// The choice of the next token from one row of logits (ops/sample.h).
struct SampleRequest {
    std::span<const TokenPenalty> penalties;
    SampleParams params;
    std::int32_t vocabulary = 0; ///< logits that may be chosen: the first so many of the row
};

/// What stays the same and what changes when a step is computed again (decoding computes the same step for every token).
struct StepInfo {
    std::uint64_t signature = 0; ///< equal = the same operations on the same memory, but for tokens and position; 0 = none
    std::span<const std::int32_t> tokens;
    std::int32_t firstPosition = 0;
    std::span<std::byte> results; ///< host memory that the step's one download fills
    /// Not null: the step ends with this very choice, and `results` gets the token. May differ each time, whatever the signature.
    const SampleRequest* sampling = nullptr;
};

class Backend {
public:
    virtual ~Backend() = default;

    [[nodiscard]] virtual DeviceInfo deviceInfo() const = 0;
    virtual double measureReadBandwidth() { return 0.0; }  ///< bytes per second; 0 = not offered

    // --- memory -------------------------------------------------------------------------------------------------
    /// nullptr when there is not enough memory.
    [[nodiscard]] virtual std::unique_ptr<Buffer> allocate(std::uint64_t bytes) = 0;
    virtual void upload(const TensorView& to, std::span<const std::byte> from) = 0;
    virtual void download(std::span<std::byte> to, const TensorView& from) = 0;
    virtual void zero(const TensorView& view) = 0;
    /// Makes file bytes usable as a weight [outer, rows, cols]. The CPU keeps the pointer (the mapping must outlive it).
    /// A view with data == nullptr means out of memory.
    [[nodiscard]] virtual TensorView adoptWeight(DType dtype, std::array<std::int64_t, 3> shape,
                                                 std::span<const std::byte> fileBytes) = 0;

    // --- one forward pass ---------------------------------------------------------------------------------------
    /// Operations after a stop request do nothing; endStep then returns Cancelled.
    virtual void beginStep(std::stop_token stop) = 0;
    [[nodiscard]] virtual Status endStep() = 0;
    /// Called after beginStep. True: the step recorded under this signature runs again with these tokens, position and
    /// results; issue no operation, call endStep. False: issue them; the back end may record them. What `info` points at
    /// stays until endStep. Default: never.
    virtual bool replayStep(const StepInfo& info);

    // --- operations; outputs first ------------------------------------------------------------------------------
    /// out[i] = table[tokens[i]] as f32, times `scale`.
    virtual void embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens, float scale) = 0;
    /// out [n, weight.rows] = x [n, weight.cols] * weight^T
    virtual void matmul(const TensorView& out, const TensorView& weight, const TensorView& x) = 0;
    /// Several weights over the same x (Q, K, V; gate and up): the default calls matmul for each.
    virtual void matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x);
    /// out may be x. Viewing heads as rows ([n * heads, headDim]) gives Q and K norm.
    virtual void rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) = 0;
    /// bias may have data == nullptr.
    virtual void layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight, const TensorView& bias,
                           float eps) = 0;
    /// x[r] += bias, f32 bias [cols]
    virtual void addBias(const TensorView& x, const TensorView& bias) = 0;
    /// x += y, elementwise
    virtual void add(const TensorView& x, const TensorView& y) = 0;
    /// x *= factor
    virtual void scale(const TensorView& x, float factor) = 0;
    /// x = cap * tanh(x / cap)
    virtual void softcap(const TensorView& x, float cap) = 0;
    /// In place on x [n, heads * headDim]; token i stands at firstPosition + i.
    virtual void rope(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition, const RopeParams& params) = 0;
    /// Writes k, v [n, kvHeads * headDim] at positions firstPosition ... firstPosition + n - 1.
    virtual void appendKv(const KvView& cache, const TensorView& k, const TensorView& v, std::int32_t firstPosition) = 0;
    /// Causal attention of q [n, heads * headDim] at positions firstPosition + i over positions 0 ... firstPosition + i.
    virtual void attention(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition,
                           const AttentionParams& params) = 0;
    /// out = silu(gate) * up; out may be gate
    virtual void swiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) = 0;
    /// out = gelu_tanh(gate) * up; out may be gate
    virtual void geGlu(const TensorView& out, const TensorView& gate, const TensorView& up) = 0;
    /// Router: logits [n, experts] -> the k best ids [n, k] (I32) and their weights [n, k] (f32), softmax over all experts,
    /// then renormalised over the chosen when `renormalise`.
    virtual void moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits, bool renormalise) = 0;
    /// out [n * k, rows] = weight[ids[t]] [rows, cols] * x row; x has n rows (each used for its k experts) or n * k rows.
    virtual void matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x, const TensorView& ids) = 0;
    /// out [n, dim] = sum over k of weights [n, k] * x [n * k, dim]
    virtual void moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) = 0;

    // --- special: only where offered ------------------------------------------------------------------------------
    // Contracts: ops/special.h.
    [[nodiscard]] virtual bool offers(SpecialOperation operation) const;
    virtual void clampedSwiGlu(const TensorView& out, const TensorView& gate, const TensorView& up);
    /// x [n * k, cols] += bias[ids], one row of bias [experts, cols] f32 for each of ids [n, k]
    virtual void addExpertBias(const TensorView& x, const TensorView& bias, const TensorView& ids);
    /// out[r][outFrom + c] = in[r / repeat][inFrom + c] for c < count; repeat = out.rows / in.rows, a whole number
    virtual void copyColumns(const TensorView& out, std::int64_t outFrom, const TensorView& in, std::int64_t inFrom,
                             std::int64_t count);

    // --- optional ---------------------------------------------------------------------------------------------------
    /// Whether sample() is offered; else the caller downloads the logits. Stays the same. Default: no.
    [[nodiscard]] virtual bool samples() const { return false; }
    /// The next token where the logits are: token [1, 1] (I32), from one row of logits, which may be overwritten (ops/sample.h).
    /// Call it only where samples() holds.
    virtual void sample(const TensorView& token, const TensorView& logits, const SampleRequest& request);

    // --- fused operations: the defaults are made of the ones above ------------------------------------------------
    /// x += in * weight^T (+ bias, which may have data == nullptr). `scratch` [n, weight.rows] is overwritten or left alone.
    virtual void matmulAdd(const TensorView& x, const TensorView& weight, const TensorView& in, const TensorView& bias,
                           const TensorView& scratch);
    /// out = activation(x * gate^T) * (x * up^T), all [n, gate.rows]. `scratch` is like out, overwritten or left alone.
    virtual void gatedMatmul(const TensorView& out, const TensorView& gate, const TensorView& up, const TensorView& x,
                             GatedActivation activation, const TensorView& scratch);
    /// x += y, then out = rmsNorm(x)
    virtual void addRmsNorm(const TensorView& out, const TensorView& x, const TensorView& y, const TensorView& weight,
                            float eps);
    /// out = rmsNorm(x), which only matmul, matmulShared and gatedMatmul read, and only until x is written: a back end may leave out as it was and
    /// norm x in passing there.
    virtual void rmsNormForProducts(const TensorView& out, const TensorView& x, const TensorView& weight, float eps);
    /// rope on q and k, then appendKv of k and v. k and v may be left as they were: only the cache counts.
    virtual void ropeAndAppend(const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache,
                               std::int32_t firstPosition, const RopeParams& params);
    /// ropeAndAppend, then attention of the last out.rows() rows of q. q, k and v are overwritten or left alone.
    virtual void ropeAppendAttention(const TensorView& out, const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache,
                                     std::int32_t firstPosition, const RopeParams& rope, const AttentionParams& attention);
};

} // namespace hearth::kernels
