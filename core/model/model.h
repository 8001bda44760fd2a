// SPDX-License-Identifier: Apache-2.0
//
// Model: one loaded GGUF model and its forward pass. load() refuses what Hearth cannot run before it touches a weight.
// A model may be spread over two back ends: its first layers on the GPU, the rest on the CPU, the output on either. The CPU's
// weights stay in the file's mapping, so Model keeps the GgufFile.
// Thread: engine only.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_file.h"
#include "core/model/backend_set.h"
#include "core/model/kv_cache.h"
#include "core/model/model_config.h"
#include "core/model/model_weights.h"
#include "kernels/backend.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

namespace hearth::core {

class Scratch;
struct DecodeStep;
struct Segment;
struct TensorSpec;

struct ModelOptions {
    std::int32_t prefillChunk = 256; ///< tokens computed at once; the scratch memory is sized for it
    kernels::KvType kvType = kernels::KvType::F16; ///< of the caches that makeCache() makes
};

struct WeightProgress {
    std::uint64_t bytesDone = 0;
    std::uint64_t bytesTotal = 0;
};

enum class LogitsWanted : std::uint8_t { None, Last, All };

class Model {
public:
    /// Reads the configuration, checks every tensor, brings the weights to where the placement wants them. The back ends
    /// must outlive the model. Errors: UnsupportedArchitecture (names those supported), UnsupportedTensorType, MissingKey,
    /// MissingTensor, WrongShape, MalformedFile, OutOfMemory, DeviceLost, FileChanged, Cancelled, InvalidArgument (options,
    /// placement). What the GPU caused ends with kOnTheGpu. progress (may be empty) is called from this thread every few MB;
    /// a stop request ends the load within 250 ms.
    [[nodiscard]] static Result<std::unique_ptr<Model>> load(GgufFile file, const BackendSet& backends,
                                                             const ModelOptions& options,
                                                             const std::function<void(const WeightProgress&)>& progress,
                                                             std::stop_token stop);
    /// All of it on one back end, which counts as the CPU.
    [[nodiscard]] static Result<std::unique_ptr<Model>> load(GgufFile file, kernels::Backend& backend,
                                                             const ModelOptions& options,
                                                             const std::function<void(const WeightProgress&)>& progress,
                                                             std::stop_token stop) {
        return load(std::move(file), BackendSet{backend}, options, progress, std::move(stop));
    }

    /// Everything that load() checks, without reading a weight: may this file be offered to the user?
    [[nodiscard]] static Result<ModelConfig> check(const GgufFile& file);

    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    [[nodiscard]] const ModelConfig& config() const { return m_config; }
    [[nodiscard]] const GgufFile& file() const { return m_file; }
    [[nodiscard]] const LayerPlacement& placement() const { return m_backends.placement; }
    [[nodiscard]] std::int32_t prefillChunk() const { return m_options.prefillChunk; }

    /// A cache for `contextLength` tokens of this model.
    [[nodiscard]] Result<KvCache> makeCache(std::int32_t contextLength) const;
    [[nodiscard]] std::uint64_t kvBytes(std::int32_t contextLength) const {
        return KvCache::bytesFor(m_config, contextLength, m_options.kvType);
    }
    [[nodiscard]] std::uint64_t scratchBytes() const {
        return scratchBytes(BackendSide::Cpu) + scratchBytes(BackendSide::Gpu);
    }
    [[nodiscard]] std::uint64_t scratchBytes(BackendSide side) const; ///< 0 where nothing of the model is

    /// FileChanged when the model file is no longer what was loaded. Cheap; ask before each request.
    [[nodiscard]] Result<void> checkFile() const;

    /// Appends `tokens` at cache.length() and computes logits: `Last` fills logits[vocabulary] with the last token's,
    /// `All` logits[tokens][vocabulary], `None` nothing. Long inputs are computed in chunks of prefillChunk().
    /// Errors: InvalidArgument (token id out of range, wrong logits size), ContextTooSmall (does not fit the cache),
    /// Cancelled, FileChanged, OutOfMemory, DeviceLost (also for a launch that the GPU refused), Internal. After an error
    /// the cache holds the chunks finished before it.
    [[nodiscard]] Result<void> forward(KvCache& cache, std::span<const std::int32_t> tokens, LogitsWanted wanted,
                                       std::span<float> logits, std::stop_token stop);

    /// The back end that computes the logits can choose the next token too.
    [[nodiscard]] bool samples() const;
    /// forward() with `Last`, but that the next token is chosen where the logits are, which stay there. Only where samples().
    /// nullopt: no logit is finite. Errors: forward()'s; InvalidArgument when there are no tokens; Internal, as the back
    /// end's failure, when it chose what was not to be chosen from.
    [[nodiscard]] Result<std::optional<std::int32_t>> forwardAndSample(KvCache& cache, std::span<const std::int32_t> tokens,
                                                                       const kernels::SampleRequest& request,
                                                                       std::stop_token stop);

    /// Whose failure ended the last forward() or forwardAndSample(), or nothing: it succeeded, was cancelled, or no back end was to blame.
    [[nodiscard]] std::optional<BackendSide> failedSide() const { return m_failedSide; }

    /// For tests and diagnosis: called after each block with the residual stream, f32 [tokens, embedding]; the span is
    /// only valid inside the call. Empty switches it off.
    using LayerObserver =
        std::function<void(std::int32_t layer, std::int32_t firstPosition, std::span<const float> residual)>;
    void setLayerObserver(LayerObserver observer) { m_observer = std::move(observer); }

private:
    Model(GgufFile file, const BackendSet& backends, const ModelOptions& options, ModelConfig config);

    [[nodiscard]] Result<void> loadWeights(std::span<const TensorSpec> specs,
                                           const std::function<void(const WeightProgress&)>& progress,
                                           std::stop_token stop);
    [[nodiscard]] Result<void> makeScratch(BackendSide side);
    void makeSegments();
    [[nodiscard]] std::uint64_t stepSignature(const KvCache& cache, const Segment& segment, const DecodeStep& step) const;
    [[nodiscard]] Result<void> run(const Segment& segment, DecodeStep& step, const std::stop_token& stop);
    /// Errors of forward() that are the caller's.
    [[nodiscard]] Result<void> checkTokens(const KvCache& cache, std::span<const std::int32_t> tokens) const;
    /// All segments of one chunk.
    [[nodiscard]] Result<void> runChunk(KvCache& cache, DecodeStep& step, const std::stop_token& stop);

    GgufFile m_file;
    BackendSet m_backends;
    ModelOptions m_options;
    ModelConfig m_config;
    std::uint64_t m_serial; ///< tells this model's steps from another's on the same back end
    ModelWeights m_weights;
    std::unique_ptr<Scratch> m_cpuScratch; ///< null where nothing of the model is
    std::unique_ptr<Scratch> m_gpuScratch;
    std::vector<Segment> m_segments;  ///< in the order of the forward pass
    std::vector<float> m_carried;     ///< DecodeStep::carried; empty when there is one segment
    std::optional<BackendSide> m_failedSide;
    LayerObserver m_observer;
};

} // namespace hearth::core
