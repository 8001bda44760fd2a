// SPDX-License-Identifier: Apache-2.0
//
// CpuBackend: Backend on the processor. Picks its path (instruction set) once, at creation; forced lower in tests.
// Weights stay where the file is mapped. Activations are rounded to 8 bits once per product of quantised weights (not on the
// portable path, which multiplies in f32 throughout). The stop token is read before every operation and every task of it.
// Files: cpu_backend.cpp (memory, small operations), cpu_matmul.cpp, cpu_attention.cpp,
// cpu_special.cpp.
// Thread: one at a time; its pool of threads is invisible outside.
#pragma once

#include "kernels/backend.h"
#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops/rope.h"
#include "kernels/quant/q8_activation.h"

#include <optional>
#include <vector>

namespace hearth::kernels {

struct CpuOpTable;
struct MatmulKernels;

struct CpuOptions {
    int threads = 0;                   ///< 0 = one per physical core
    std::optional<CpuPath> forcedPath; ///< nothing = the best that the processor has
};

class CpuBackend final : public Backend {
public:
    /// nullptr when the forced path is not supported by this processor.
    [[nodiscard]] static std::unique_ptr<CpuBackend> create(CpuOptions options = {});
    ~CpuBackend() override;

    [[nodiscard]] CpuPath path() const { return m_path; }
    /// True when products with such a weight multiply 8-bit activations; false when f32 ones.
    [[nodiscard]] bool roundsActivations(DType dtype, std::int64_t cols) const;
    /// Formats of under four bits per weight. Their models have narrow margins, and unpacking the weights costs more than
    /// multiplying them: x is given to them (and to what shares x with them) as two 8-bit numbers per element, the
    /// rounded one and the rounded rest.
    [[nodiscard]] static bool multipliesRest(DType dtype);

    [[nodiscard]] DeviceInfo deviceInfo() const override;
    [[nodiscard]] std::unique_ptr<Buffer> allocate(std::uint64_t bytes) override;
    void upload(const TensorView& to, std::span<const std::byte> from) override;
    void download(std::span<std::byte> to, const TensorView& from) override;
    void zero(const TensorView& view) override;
    [[nodiscard]] TensorView adoptWeight(DType dtype, std::array<std::int64_t, 3> shape,
                                         std::span<const std::byte> fileBytes) override;

    void beginStep(std::stop_token stop) override;
    [[nodiscard]] Status endStep() override;

    void embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens,
               float scale) override;
    void matmul(const TensorView& out, const TensorView& weight, const TensorView& x) override;
    void matmulShared(std::span<const TensorView> outs, std::span<const TensorView> weights,
                      const TensorView& x) override;
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

    [[nodiscard]] bool offers(SpecialOperation operation) const override;
    void clampedSwiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) override;
    void addExpertBias(const TensorView& x, const TensorView& bias, const TensorView& ids) override;
    void copyColumns(const TensorView& out, std::int64_t outFrom, const TensorView& in, std::int64_t inFrom,
                     std::int64_t count) override;

private:
    /// One weight times some rows of activations; a product is cut into chunks of its rows.
    struct Product {
        DType dtype = DType::F32;
        const std::byte* weight = nullptr;
        std::int64_t rowBytes = 0;
        std::int64_t rows = 0;
        std::int64_t cols = 0;
        std::int64_t tokens = 0;
        float* out = nullptr;             ///< [tokens, rows]
        const float* x = nullptr;         ///< [tokens, cols]
        const Q8Chunk* rounded = nullptr; ///< a panel of `tokens` rows, or null: multiply x itself
    };
    struct Chunk {
        int product = 0;
        std::int64_t rowFrom = 0;
        std::int64_t rowTo = 0;
    };
    /// Turns of a range of positions, kept through a step because every layer asks for the same.
    struct RopeCache {
        std::vector<RopeTurn> turns;
        RopeParams params;
        std::int32_t firstPosition = 0;
        std::int64_t positions = 0;
        bool valid = false;
    };

    CpuBackend(CpuPath path, int threads);

    /// False when the step has failed or is cancelled, or when !valid, which is recorded as InvalidShape.
    bool begin(const char* operation, bool valid);
    void fail(StatusCode code, const char* place);
    /// At least `count` values in a scratch vector; never shrinks, so that nothing is cleared twice. False is OutOfMemory.
    template <typename Value>
    [[nodiscard]] bool grow(std::vector<Value>& scratch, std::int64_t count, const char* operation);
    /// Runs body(task, worker) on the pool; tasks after a stop request are dropped.
    template <typename Body>
    void parallel(std::int64_t tasks, const Body& body);
    /// Runs body(from, to) over [0, rows), in pieces on the pool when the work is worth it.
    template <typename Body>
    void overRows(std::int64_t rows, std::int64_t elementsPerRow, const Body& body);

    /// attention() of prompts.
    void attendInBlocks(const TensorView& out, const TensorView& q, const KvView& cache, std::int32_t firstPosition,
                        const AttentionParams& params);

    enum class Rounding : std::uint8_t { Once, WithRest };
    /// A panel of x, or with the rests of twice as many rows, at m_rounded + `at` chunks.
    [[nodiscard]] bool roundActivations(std::int64_t at, const float* x, std::int64_t rows, std::int64_t cols, Rounding rounding);
    void runProducts(std::int64_t cols);
    void runChunk(const Chunk& chunk, int worker);
    [[nodiscard]] std::int64_t chunkRows(const Product& product, std::int64_t totalRows) const;
    /// Null when there is no memory for them.
    [[nodiscard]] const RopeTurn* ropeTurns(std::int32_t firstPosition, std::int64_t positions,
                                            const RopeParams& params);

    CpuPath m_path;
    ThreadPool m_pool;
    const CpuOpTable& m_ops;
    const MatmulKernels* m_matmul = nullptr; ///< null on the portable path

    std::stop_token m_stop;
    Status m_status;

    // Scratch, grown on the calling thread before the pool runs and kept.
    std::vector<Q8Chunk> m_rounded; ///< panels of activations; the rests of the same rows are further rows where a format wants them
    std::vector<float> m_rest;      ///< per row: x minus its rounded value
    std::vector<float> m_wide;      ///< [2 * tokens, rows]: products with the rounded rows and with the rests
    std::vector<float> m_decoded;   ///< per worker: decoded weight rows
    std::vector<float> m_attention;
    std::vector<float> m_gathered; ///< experts: inputs and outputs in the order of the experts
    std::vector<std::int32_t> m_order;
    std::vector<Product> m_products;
    std::vector<Chunk> m_chunks;
    std::vector<RopeCache> m_ropeCaches;
    std::size_t m_nextRopeCache = 0;
    std::vector<std::unique_ptr<Buffer>> m_ownedWeights; ///< copies of misaligned ones
};

} // namespace hearth::kernels
