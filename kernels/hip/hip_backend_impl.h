// SPDX-License-Identifier: Apache-2.0
//
// The inside of HipBackend, shared by its files: hip_backend.cpp (memory, steps, graphs), hip_products.cpp (matrix products),
// hip_attention.cpp (cache and attention), hip_sample.cpp (the choice of the next token, and what a recorded step reads anew each time),
// hip_special.cpp (what few models need), hip_bandwidth.cpp (the device's limit), hip_ops.cpp (everything else).
#pragma once

#include "kernels/hip/command_list.h"
#include "kernels/hip/device_arena.h"
#include "kernels/hip/hip_backend.h"
#include "kernels/hip/planes.h"
#include "kernels/hip/q8_rows.h"
#include "kernels/ops/matvec_hip.h"
#include "kernels/ops/rope_hip.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace hearth::kernels {

class HipBackend final : public Backend {
public:
    HipBackend(GpuRuntime& runtime, const HipOptions& options);
    ~HipBackend() override;
    HipBackend(const HipBackend&) = delete;
    HipBackend& operator=(const HipBackend&) = delete;

    /// Takes the device, loads the code object, makes stream and staging.
    [[nodiscard]] Status open(const CodeObject& code);

    [[nodiscard]] DeviceInfo deviceInfo() const override;
    [[nodiscard]] double measureReadBandwidth() override;
    [[nodiscard]] std::unique_ptr<Buffer> allocate(std::uint64_t bytes) override;
    void upload(const TensorView& to, std::span<const std::byte> from) override;
    void download(std::span<std::byte> to, const TensorView& from) override;
    void zero(const TensorView& view) override;
    [[nodiscard]] TensorView adoptWeight(DType dtype, std::array<std::int64_t, 3> shape, std::span<const std::byte> fileBytes) override;

    void beginStep(std::stop_token stop) override;
    [[nodiscard]] Status endStep() override;
    bool replayStep(const StepInfo& info) override;

    void embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens, float scale) override;
    void matmul(const TensorView& out, const TensorView& weight, const TensorView& x) override;
    void matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x) override;
    void rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) override;
    void layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight, const TensorView& bias, float eps) override;
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
    void moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits, bool renormalise) override;
    void matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x, const TensorView& ids) override;
    void moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) override;
    [[nodiscard]] bool offers(SpecialOperation operation) const override;
    void clampedSwiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) override;
    void addExpertBias(const TensorView& x, const TensorView& bias, const TensorView& ids) override;
    void copyColumns(const TensorView& out, std::int64_t outFrom, const TensorView& in, std::int64_t inFrom, std::int64_t count) override;
    [[nodiscard]] bool samples() const override { return true; }
    void sample(const TensorView& token, const TensorView& logits, const SampleRequest& request) override;
    void matmulAdd(const TensorView& x, const TensorView& weight, const TensorView& in, const TensorView& bias,
                   const TensorView& scratch) override;
    void gatedMatmul(const TensorView& out, const TensorView& gate, const TensorView& up, const TensorView& x, GatedActivation activation,
                     const TensorView& scratch) override;
    void addRmsNorm(const TensorView& out, const TensorView& x, const TensorView& y, const TensorView& weight, float eps) override;
    void rmsNormForProducts(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) override;
    void ropeAndAppend(const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache, std::int32_t firstPosition,
                       const RopeParams& params) override;
    void ropeAppendAttention(const TensorView& out, const TensorView& q, const TensorView& k, const TensorView& v, const KvView& cache,
                             std::int32_t firstPosition, const RopeParams& rope, const AttentionParams& params) override;

private:
    /// Device memory that grows and never moves what a recorded step may still point at: the old memory is kept.
    struct Scratch {
        GpuMemory memory;
        std::uint64_t bytes = 0;
    };
    enum class Use : std::uint8_t { Q8, Halves, AttentionParts, ExpertOrder, RawWeights0, RawWeights1, Tokens, Counters, Sampling, Count };

    struct Recording {
        CommandList commands;
        GpuGraph graph;
        GpuGraphExec exec;
        void* results = nullptr;       ///< pinned; where its one download goes
        std::uint64_t resultBytes = 0; ///< of it
    };
    /// What of a choice decides which kernels are launched, and how much is copied to the device for it.
    struct SamplingShape {
        std::int32_t vocabulary = 0; ///< 0 = no token is chosen
        bool greedy = false;
        std::int32_t penalties = 0;  ///< room in the list
        auto operator<=>(const SamplingShape&) const = default;
    };
    struct RecordingKey {
        std::uint64_t signature;
        std::int32_t positions; ///< bucket that the attention grids are made for
        SamplingShape sampling;
        auto operator<=>(const RecordingKey&) const = default;
    };

    // --- steps ----------------------------------------------------------------------------------------------------------
    /// False when the step has failed or is cancelled, or when !valid, which is recorded as InvalidShape.
    bool begin(const char* operation, bool valid);
    void fail(StatusCode code, const char* place);
    void check(GpuResult result, const char* place);
    /// Waits for the stream; a device that does not answer in time is lost.
    void finish(const char* place);
    /// Waits until a staging buffer may be written again; false when the step has failed.
    bool awaitStaging(std::size_t slot, const char* place);
    /// Asks until the answer is another than NotReady, or the watchdog's time is over.
    template <typename Query>
    void await(const Query& query, const char* place);
    [[nodiscard]] bool recording() const { return m_recording != nullptr; }
    /// Firstposition as kernels take it: relative to the step's while one is recorded.
    [[nodiscard]] std::int32_t relative(std::int32_t firstPosition) const {
        return recording() ? firstPosition - m_step.firstPosition : firstPosition;
    }
    [[nodiscard]] const StepState* stepState() const { return recording() ? static_cast<const StepState*>(m_state.get()) : nullptr; }

    [[nodiscard]] GpuRuntime::Function kernel(const char* name);
    [[nodiscard]] GpuRuntime::Function kernel(const char* prefix, DType dtype);
    template <typename Args>
    void launch(GpuRuntime::Function function, GpuGrid grid, std::uint32_t threads, const Args& args, const char* place) {
        if (!m_status.ok() || function == nullptr || grid.x == 0 || grid.y == 0 || grid.z == 0) return;
        if (recording()) {
            m_recording->commands.launch(function, grid, threads, args);
        } else {
            check(m_runtime.launch(function, grid, threads, m_stream.get(), &args), place);
        }
    }
    template <typename Args>
    void launch(const char* name, std::array<std::uint32_t, 3> grid, std::uint32_t threads, const Args& args) {
        launch(kernel(name), {grid[0], grid[1], grid[2]}, threads, args, name);
    }

    // --- memory ---------------------------------------------------------------------------------------------------------
    [[nodiscard]] std::byte* scratch(Use use, std::uint64_t bytes, const char* place);
    bool uploadNow(void* to, std::span<const std::byte> from);
    bool repack(std::byte* planes, DType dtype, std::uint64_t elements, std::span<const std::byte> fileBytes);

    // --- products (hip_products.cpp) --------------------------------------------------------------------------------------
    struct Prepared {
        const void* data = nullptr; ///< whose rows these are
        std::int64_t rows = 0;
        std::int64_t cols = 0;
        [[nodiscard]] bool holds(const TensorView& x) const { return data == x.data && rows == x.rows() && cols == x.cols(); }
    };
    /// Where a kernel that makes `x` may write it in 8 bits too; empty when products of that many rows do not read that.
    [[nodiscard]] Q8Rows q8For(const TensorView& x);
    [[nodiscard]] Q8Rows q8Memory(std::int64_t rows, std::int64_t cols, const char* place);
    [[nodiscard]] Q8Rows quantized(const TensorView& x, const char* place);
    struct HalfRows {
        std::uint16_t* x = nullptr;
        float* scale = nullptr;
    };
    [[nodiscard]] HalfRows halves(const TensorView& x, const char* place);
    /// Activations that lie in this view changed: their prepared forms are stale.
    void written(const TensorView& view);
    void product(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x, const TensorView& bias, bool add,
                 const char* place);
    /// Rows of weights that a block multiplies with xRows rows of x (1 or 4).
    [[nodiscard]] std::int64_t rowsOfBlock(DType dtype, int xRows) const;
    /// A product with the row whose norm is deferred; rowsOfWave of `rows` rows of weights a wave and turn.
    void launchNormed(const char* prefix, DType dtype, MatvecArgs& args, std::int64_t rows, std::int64_t rowsOfWave, const char* place);
    /// Takes a deferred norm, if x is its result.
    void normNow(const TensorView& x);
    void matvec(std::span<const TensorView> outs, std::span<const TensorView> weights, const TensorView& x, const TensorView& bias, bool add,
                const char* place);
    void matmulTiles(const TensorView& out, const TensorView& weight, const TensorView& x, const TensorView& bias, bool add, const char* place);
    void gated(const char* name, const TensorView& out, const TensorView& gate, const TensorView& up);
    void norm(const TensorView& out, const TensorView& x, const TensorView& y, const TensorView& weight, float eps, const char* place);

    // --- attention (hip_attention.cpp) --------------------------------------------------------------------------------------
    [[nodiscard]] int* counters(std::int32_t count, const char* place);
    [[nodiscard]] const std::uint64_t* ropeTurns(const RopeParams& params, float& magnitude, const char* place);
    [[nodiscard]] RopeAppendArgs ropeAppendArgs(const TensorView* q, const TensorView* k, const TensorView* v, const KvView& cache,
                                                std::int32_t headDim, std::int32_t firstPosition, const RopeParams* params, const char* place);
    void ropeAppend(const TensorView* q, const TensorView* k, const TensorView* v, const KvView& cache, std::int32_t headDim,
                    std::int32_t firstPosition, const RopeParams* params, const char* place);

    void attend(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition, const AttentionParams& params,
                const RopeAppendArgs& rope);

    // --- the next token (hip_sample.cpp) --------------------------------------------------------------------------------------
    [[nodiscard]] static SamplingShape samplingShape(const SampleRequest* request);
    /// Bytes of the state that a step of this shape reads.
    [[nodiscard]] static std::uint64_t stateBytes(const SamplingShape& shape);
    /// Room for so much state; recordings that point at less are forgotten.
    bool growState(std::uint64_t bytes, const char* place);
    /// The state of the step under way.
    void writeState();

    GpuRuntime& m_runtime;
    HipOptions m_options;
    GpuDeviceProperties m_properties;
    bool m_lost = false; ///< a sticky error of the driver: nothing works any more
    Status m_status;
    std::stop_token m_stop;

    GpuStream m_stream;
    GpuModule m_module;
    std::unordered_map<std::string, GpuRuntime::Function> m_functions;

    DeviceArena m_weights;
    std::array<Scratch, static_cast<std::size_t>(Use::Count)> m_scratch;
    std::vector<GpuMemory> m_retired;
    GpuMemory m_state;                     ///< StepState, and behind it what a choice needs (hip_sample.cpp)
    PinnedMemory m_pinnedState;            ///< the same, copied over by every replay
    std::uint64_t m_stateBytes = 0;
    PinnedMemory m_pinnedResults;
    std::uint64_t m_pinnedResultBytes = 0;
    std::vector<PinnedMemory> m_retiredPinned;
    std::array<PinnedMemory, 2> m_staging; ///< uploads, in turn
    std::array<GpuEvent, 2> m_stagingFree;

    Prepared m_q8;
    /// A norm that the products which read its result take in passing.
    struct DeferredNorm {
        TensorView out;
        TensorView x; ///< empty: written since
        TensorView weight;
        float eps = 0.0f;
        [[nodiscard]] bool holds(const TensorView& view) const { return out.data != nullptr && out.data == view.data && view.rows() == 1; }
    };
    DeferredNorm m_deferredNorm;
    Prepared m_halves;

    struct RopeTable {
        RopeParams params;
        std::vector<float> factors;
        GpuMemory turns;
        float magnitude = 1.0f;
    };
    std::vector<RopeTable> m_ropeTables;

    // The step under way.
    StepInfo m_step;
    std::map<RecordingKey, Recording> m_recordings;
    Recording* m_recording = nullptr; ///< being recorded: operations are kept, not launched
    Recording* m_replayed = nullptr;
    bool m_graphsWork = true;
    std::int32_t m_positions = 0; ///< bucket of the recording
};

} // namespace hearth::kernels
