// SPDX-License-Identifier: Apache-2.0
#include "core/engine/gpu_self_test.h"

#include "core/engine/sampler.h"
#include "kernels/quant/decode.h"
#include "kernels/quant/half.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <span>

namespace hearth::core {

namespace {

using kernels::Backend;
using kernels::DType;
using kernels::TensorView;

constexpr double kExact = 1e-5;     // one rounding
constexpr double kSmooth = 1e-3;    // exp, sine, square root in a fast form
constexpr double kHalf = 1e-2;      // f16 keys and values
constexpr double kRounded = 3e-2;   // activations rounded to 8 bits
constexpr double kEdge = 8.0;       // one element may be so many times as far off as all together
constexpr double kRefused = std::numeric_limits<double>::infinity();

/// The two back ends hold the same tensors; index 0 is the device, 1 the reference.
using Twin = std::array<TensorView, 2>;

class SelfTest {
public:
    SelfTest(Backend& device, Backend& reference, const std::function<void()>& alive)
        : m_backends{&device, &reference}
        , m_alive(alive) {}

    SelfTestResult run() {
        testElementwise();
        testNorms();
        testAttention(DType::F16, kernels::KvType::F16, "f16");
        testAttention(DType::Q8_0, kernels::KvType::Q8_0, "q8_0");
        testExperts();
        testSpecials();
        for (const kernels::DTypeInfo& type : kernels::allDTypes()) {
            if (type.computes) testFormat(type);
        }
        testSampling();
        return std::move(m_result);
    }

private:
    [[nodiscard]] std::vector<float> numbers(std::int64_t count) {
        std::normal_distribution<float> normal;
        std::vector<float> values(static_cast<std::size_t>(count));
        for (float& value : values)
            value = normal(m_random);
        return values;
    }

    /// Same bytes on both sides. No memory ends the test.
    Twin upload(DType dtype, std::int64_t rows, std::int64_t cols, std::span<const std::byte> bytes) {
        Twin twin = blank(dtype, rows, cols);
        for (std::size_t side = 0; side < 2; ++side) {
            if (twin[side].data != nullptr) m_backends[side]->upload(twin[side], bytes);
        }
        return twin;
    }
    Twin blank(DType dtype, std::int64_t rows, std::int64_t cols) {
        Twin twin;
        for (std::size_t side = 0; side < 2; ++side) {
            twin[side] = kernels::matrixView(nullptr, dtype, rows, cols);
            auto buffer = m_backends[side]->allocate(twin[side].bytes());
            if (!buffer && side == 0 && m_result.stopped.empty()) stop({"allocate"}, true);
            if (!buffer) continue;
            twin[side].data = buffer->data();
            m_buffers.push_back(std::move(buffer));
        }
        return twin;
    }
    Twin blank(std::int64_t rows, std::int64_t cols) { return blank(DType::F32, rows, cols); }
    Twin random(std::int64_t rows, std::int64_t cols) {
        const std::vector<float> values = numbers(rows * cols);
        return upload(DType::F32, rows, cols, std::as_bytes(std::span(values)));
    }
    Twin weight(DType dtype, std::int64_t outer, std::int64_t rows, std::int64_t cols);

    struct Name {
        std::string_view operation;
        std::string_view format{};
    };
    /// Runs `operation(backend, side)` on both sides, then compares `out`.
    template <class Operation>
    void check(const Name& name, const Twin& out, double tolerance, const Operation& operation);
    /// By how much they differ, in the sense of selfTest(); within the tolerance when all is well.
    [[nodiscard]] static double errorOf(const std::array<std::vector<std::byte>, 2>& bytes, DType dtype);

    void noteFault(const Name& name, double error, double allowed) {
        const auto same = [&](const KernelFault& fault) { return fault.operation == name.operation && fault.format == name.format; };
        const auto known = std::ranges::find_if(m_result.faults, same);
        if (known == m_result.faults.end()) {
            m_result.faults.push_back({std::string(name.operation), std::string(name.format), error, allowed});
        } else if (error > known->error) {
            known->error = error;
            known->allowed = allowed;
        }
    }
    void stop(const Name& name, bool outOfMemory) {
        if (!m_result.stopped.empty()) return; // the first reason; the rest follows from it
        m_result.stopped = name.format.empty() ? std::string(name.operation) : fmt::format("{} of {}", name.operation, name.format);
        m_result.outOfMemory = outOfMemory;
    }

    void testElementwise();
    void testNorms();
    struct CacheKind {
        DType dtype;
        kernels::KvType type;
        std::string_view name;
    };
    void testAttention(DType dtype, kernels::KvType type, std::string_view name);
    void testAttentionOf(const CacheKind& kind, std::int32_t heads, std::int32_t kvHeads, std::int32_t headDim, std::int32_t tokens);
    void testExperts();
    void testSpecials();
    void testExpertFormat(const kernels::DTypeInfo& type);
    void testFormat(const kernels::DTypeInfo& type);
    void testSampling();

    std::array<Backend*, 2> m_backends;
    const std::function<void()>& m_alive;
    std::vector<std::unique_ptr<kernels::Buffer>> m_buffers;
    std::vector<std::vector<std::byte>> m_weights; ///< the reference reads them in place
    std::mt19937_64 m_random{20240613};
    SelfTestResult m_result;
};

Twin SelfTest::weight(DType dtype, std::int64_t outer, std::int64_t rows, std::int64_t cols) {
    const kernels::DTypeInfo& type = kernels::info(dtype);
    const std::int64_t elements = outer * rows * cols;
    std::vector<std::byte>& bytes = m_weights.emplace_back(kernels::bytesFor(dtype, static_cast<std::uint64_t>(elements)));
    const auto blocks = static_cast<std::size_t>(elements) / type.elementsPerBlock;
    std::normal_distribution<float> normal;
    std::vector<float> values(type.elementsPerBlock);
    for (std::size_t block = 0; block < blocks; ++block) {
        std::byte* at = bytes.data() + block * type.bytesPerBlock;
        if (dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16) {
            const float value = normal(m_random);
            const std::uint32_t bits = kernels::bitsOfFloat(value);
            const std::uint16_t half = dtype == DType::F16 ? kernels::floatToHalf(value) : static_cast<std::uint16_t>(bits >> 16);
            std::memcpy(at, dtype == DType::F32 ? static_cast<const void*>(&bits) : &half, type.bytesPerBlock);
            continue;
        }
        // Random bits make every code of the format occur; scales outside of what weights have are drawn again.
        float largest = 0.0f;
        do {
            for (std::size_t i = 0; i < type.bytesPerBlock; ++i)
                at[i] = static_cast<std::byte>(m_random());
            kernels::decodeRow(dtype, values.data(), at, type.elementsPerBlock);
            largest = 0.0f;
            for (const float value : values)
                largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : std::numeric_limits<float>::infinity();
        } while (!(largest > 0.5f && largest < 4.0f)); // narrow: an error in any row then shows in the sum
    }
    Twin twin;
    for (std::size_t side = 0; side < 2; ++side)
        twin[side] = m_backends[side]->adoptWeight(dtype, {outer, rows, cols}, bytes);
    return twin;
}

template <class Operation>
void SelfTest::check(const Name& name, const Twin& out, double tolerance, const Operation& operation) {
    if (!m_result.stopped.empty()) return;
    if (m_alive) m_alive();
    std::array<std::vector<std::byte>, 2> bytes;
    for (std::size_t side = 2; side-- > 0;) { // the reference first: what it refuses is not judged
        Backend& backend = *m_backends[side];
        bytes[side].resize(out[side].bytes());
        if (out[side].data == nullptr) return stop(name, true);
        backend.beginStep({});
        operation(backend, side);
        backend.download(bytes[side], out[side]);
        const kernels::Status status = backend.endStep();
        if (status.ok()) continue;
        if (side == 1) return;
        if (status.code == kernels::StatusCode::DeviceLost || status.code == kernels::StatusCode::OutOfMemory)
            return stop(name, status.code == kernels::StatusCode::OutOfMemory);
        return noteFault(name, kRefused, tolerance);
    }
    const double error = errorOf(bytes, out[0].dtype);
    if (!(error <= tolerance)) noteFault(name, error, tolerance);
}

double SelfTest::errorOf(const std::array<std::vector<std::byte>, 2>& bytes, DType dtype) {
    if (dtype != DType::F32) return bytes[0] == bytes[1] ? 0.0 : 1.0;
    double distance = 0.0;
    double farthest = 0.0;
    double size = 0.0;
    for (std::size_t at = 0; at < bytes[0].size(); at += sizeof(float)) {
        float got = 0.0f;
        float wanted = 0.0f;
        std::memcpy(&got, bytes[0].data() + at, sizeof got);
        std::memcpy(&wanted, bytes[1].data() + at, sizeof wanted);
        const double apart = std::abs(static_cast<double>(got) - static_cast<double>(wanted));
        farthest = std::max(farthest, apart);
        distance += apart * apart;
        size += static_cast<double>(wanted) * static_cast<double>(wanted);
    }
    // One wrong element at an edge drowns in a large sum: no element may be farther off than rounding takes it.
    const double typical = std::sqrt(size / std::max<double>(1.0, static_cast<double>(bytes[0].size() / sizeof(float))));
    if (!std::isfinite(distance)) return kRefused;
    if (size == 0.0) return distance == 0.0 ? 0.0 : 1.0; // zeros are wanted
    return std::max(std::sqrt(distance / size), farthest / (kEdge * typical));
}

void SelfTest::testElementwise() {
    constexpr std::int64_t kRows = 5;
    constexpr std::int64_t kCols = 520; // not a power of two
    const Twin y = random(kRows, kCols);
    const Twin bias = random(1, kCols);
    Twin x = random(kRows, kCols);
    check({"add"}, x, kExact, [&](Backend& backend, std::size_t side) { backend.add(x[side], y[side]); });
    x = random(kRows, kCols); // fresh each time, so that only the culprit is blamed
    check({"addBias"}, x, kExact, [&](Backend& backend, std::size_t side) { backend.addBias(x[side], bias[side]); });
    x = random(kRows, kCols);
    check({"scale"}, x, kExact, [&](Backend& backend, std::size_t side) { backend.scale(x[side], 1.7f); });
    x = random(kRows, kCols);
    check({"softcap"}, x, kSmooth, [&](Backend& backend, std::size_t side) { backend.softcap(x[side], 3.0f); });
    const Twin out = blank(kRows, kCols);
    x = random(kRows, kCols);
    check({"swiGlu"}, out, kSmooth, [&](Backend& backend, std::size_t side) { backend.swiGlu(out[side], x[side], y[side]); });
    check({"geGlu"}, out, kSmooth, [&](Backend& backend, std::size_t side) { backend.geGlu(out[side], x[side], y[side]); });
    check({"zero"}, out, kExact, [&](Backend& backend, std::size_t side) { backend.zero(out[side]); });
}

void SelfTest::testNorms() {
    constexpr float kEps = 1e-5f;
    for (const std::int64_t cols : {64, 2080}) {
        const Twin out = blank(3, cols);
        const Twin x = random(3, cols);
        const Twin y = random(3, cols);
        const Twin weights = random(1, cols);
        const Twin bias = random(1, cols);
        check({"rmsNorm"}, out, kSmooth, [&](Backend& b, std::size_t s) { b.rmsNorm(out[s], x[s], weights[s], kEps); });
        check({"layerNorm"}, out, kSmooth, [&](Backend& b, std::size_t s) { b.layerNorm(out[s], x[s], weights[s], bias[s], kEps); });
        check({"addRmsNorm"}, out, kSmooth, [&](Backend& b, std::size_t s) { b.addRmsNorm(out[s], x[s], y[s], weights[s], kEps); });
    }
}

void SelfTest::testAttention(DType dtype, kernels::KvType type, std::string_view name) {
    const CacheKind kind{dtype, type, name};
    testAttentionOf(kind, 8, 2, 64, 1);
    testAttentionOf(kind, 6, 6, type == kernels::KvType::F16 ? 80 : 96, 5); // q8_0 has blocks of 32
    testAttentionOf(kind, 4, 1, 128, 40);
}

void SelfTest::testAttentionOf(const CacheKind& kind, std::int32_t heads, std::int32_t kvHeads, std::int32_t headDim, std::int32_t tokens) {
    constexpr std::int32_t kPast = 70; // more than one tile of any kernel
    constexpr std::int32_t kCapacity = 128;
    const std::int64_t width = std::int64_t{kvHeads} * headDim;
    const Twin keys = blank(kind.dtype, std::int64_t{kvHeads} * kCapacity, headDim);
    const Twin values = blank(kind.dtype, std::int64_t{kvHeads} * kCapacity, headDim);
    const auto cache = [&](std::size_t side) {
        return kernels::KvView{keys[side].data, values[side].data, kvHeads, kCapacity, headDim, kind.type};
    };
    const Twin pastKeys = random(kPast, width);
    const Twin pastValues = random(kPast, width);
    const Twin q = random(tokens, std::int64_t{heads} * headDim);
    const Twin k = random(tokens, width);
    const Twin v = random(tokens, width);
    const Twin out = blank(tokens, std::int64_t{heads} * headDim);
    kernels::AttentionParams params{.heads = heads, .scale = 1.0f / std::sqrt(static_cast<float>(headDim))};
    kernels::RopeParams rope{.pairing = kernels::RopePairing::HalfSplit, .dims = headDim};

    check({"appendKv", kind.name}, out, kHalf, [&](Backend& b, std::size_t s) { b.appendKv(cache(s), pastKeys[s], pastValues[s], 0); });
    check({"ropeAndAppend", kind.name}, q, kSmooth, [&](Backend& b, std::size_t s) { b.ropeAndAppend(q[s], k[s], v[s], cache(s), kPast, rope); });
    check({"attention", kind.name}, out, kHalf, [&](Backend& b, std::size_t s) { b.attention(out[s], q[s], cache(s), kPast, params); });
    // Again at the same places, as one operation: the last row, and all of them.
    for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{tokens}}) {
        const Twin attended = blank(rows, std::int64_t{heads} * headDim);
        const Twin query = random(tokens, std::int64_t{heads} * headDim);
        const Twin key = random(tokens, width);
        const Twin value = random(tokens, width);
        check({"ropeAppendAttention", kind.name}, attended, kHalf, [&](Backend& b, std::size_t s) {
            b.ropeAppendAttention(attended[s], query[s], key[s], value[s], cache(s), kPast, rope, params);
        });
    }
    params.window = 33;
    check({"attention", kind.name}, out, kHalf, [&](Backend& b, std::size_t s) { b.attention(out[s], q[s], cache(s), kPast, params); });
    rope.pairing = kernels::RopePairing::Interleaved;
    rope.dims = headDim / 2;
    const Twin turned = random(tokens, std::int64_t{heads} * headDim);
    check({"rope"}, turned, kSmooth, [&](Backend& b, std::size_t s) { b.rope(turned[s], headDim, kPast, rope); });
}

void SelfTest::testExperts() {
    constexpr std::int64_t kTokens = 3;
    constexpr std::int64_t kExperts = 8;
    constexpr std::int64_t kUsed = 2;
    constexpr std::int64_t kRows = 48;
    const Twin logits = random(kTokens, kExperts);
    const Twin ids = blank(DType::I32, kTokens, kUsed);
    const Twin weights = blank(kTokens, kUsed);
    check({"moeRoute"}, ids, kExact, [&](Backend& b, std::size_t s) { b.moeRoute(ids[s], weights[s], logits[s], true); });
    check({"moeRoute"}, weights, kSmooth, [&](Backend& b, std::size_t s) { b.moeRoute(ids[s], weights[s], logits[s], true); });
    const Twin combined = blank(kTokens, kRows);
    const Twin products = random(kTokens * kUsed, kRows);
    const Twin shares = random(kTokens, kUsed);
    check({"moeCombine"}, combined, kSmooth, [&](Backend& b, std::size_t s) { b.moeCombine(combined[s], products[s], shares[s]); });
}

void SelfTest::testSpecials() {
    constexpr std::int64_t kTokens = 3;
    constexpr std::int64_t kUsed = 2;
    constexpr std::int64_t kCols = 1090;
    const std::array<std::int32_t, kTokens * kUsed> chosen{2, 0, 1, 2, 0, 1};
    const Twin x = random(kTokens * kUsed, kCols);
    const Twin up = random(kTokens * kUsed, kCols);
    const Twin biases = random(3, kCols);
    const Twin out = blank(kTokens * kUsed, kCols);
    const Twin ids = upload(DType::I32, kTokens, kUsed, std::as_bytes(std::span(chosen)));
    const Twin narrow = random(kTokens, 100);
    if (ids[0].data == nullptr) return stop({"addExpertBias", {}}, true);
    if (m_backends[0]->offers(kernels::SpecialOperation::ClampedSwiGlu)) {
        check({"clampedSwiGlu"}, out, kSmooth, [&](Backend& b, std::size_t s) { b.clampedSwiGlu(out[s], x[s], up[s]); });
    }
    if (m_backends[0]->offers(kernels::SpecialOperation::ExpertBias)) {
        check({"addExpertBias"}, x, kExact, [&](Backend& b, std::size_t s) { b.addExpertBias(x[s], biases[s], ids[s]); });
    }
    if (m_backends[0]->offers(kernels::SpecialOperation::CopyColumns)) {
        check({"copyColumns"}, out, kExact, [&](Backend& b, std::size_t s) { b.copyColumns(out[s], 40, narrow[s], 7, 90); });
    }
}

void SelfTest::testExpertFormat(const kernels::DTypeInfo& type) {
    constexpr std::int64_t kExperts = 3;
    constexpr std::int64_t kRows = 16;
    constexpr std::int64_t kCols = 256;
    const std::array<std::int32_t, 8> chosen{2, 0, 1, 2, 0, 2, 1, 0}; // two for each token
    const Twin experts = weight(type.dtype, kExperts, kRows, kCols);
    const Twin ids = upload(DType::I32, 4, 2, std::as_bytes(std::span(chosen)));
    if (experts[0].data == nullptr || ids[0].data == nullptr) return stop({"matmulExperts", type.name}, true);
    for (const std::int64_t rows : {4, 8}) { // shared by a token's experts, or one for each
        const Twin x = random(rows, kCols);
        const Twin out = blank(8, kRows);
        check({"matmulExperts", type.name}, out, kRounded, [&](Backend& b, std::size_t s) { b.matmulExperts(out[s], experts[s], x[s], ids[s]); });
    }
}

void SelfTest::testFormat(const kernels::DTypeInfo& type) {
    testExpertFormat(type);
    constexpr std::int64_t kRows = 40;
    constexpr std::int64_t kCols = 512;
    const Twin a = weight(type.dtype, 1, kRows, kCols);
    const Twin b = weight(type.dtype, 1, kRows, kCols);
    if (a[0].data == nullptr || b[0].data == nullptr) return stop({"matmul", type.name}, true);
    const std::array<std::int32_t, 3> tokens{0, kRows - 1, 7};
    const Twin embedded = blank(tokens.size(), kCols);
    const Twin normWeight = random(1, kCols);
    check({"embed", type.name}, embedded, kSmooth, [&](Backend& backend, std::size_t s) { backend.embed(embedded[s], a[s], tokens, 1.0f); });
    // One token, a few (the rows that decoding handles at once), a prompt.
    for (const std::int64_t count : {1, 5, 33}) {
        const Twin x = random(count, kCols);
        const Twin out = blank(count, kRows);
        const Twin scratch = blank(count, kRows);
        const TensorView none;
        check({"matmul", type.name}, out, kRounded, [&](Backend& backend, std::size_t s) { backend.matmul(out[s], a[s], x[s]); });
        const Twin both = blank(2 * count, kRows);
        const auto multiplyBoth = [&](Backend& backend, std::size_t s, const TensorView& in) {
            backend.matmulShared(std::array{both[s].firstRows(count), both[s].rowRange(count, count)}, std::array{a[s], b[s]}, in);
        };
        check({"matmulShared", type.name}, both, kRounded, [&](Backend& backend, std::size_t s) { multiplyBoth(backend, s, x[s]); });
        const Twin normed = blank(count, kCols);
        check({"matmulShared", type.name}, both, kRounded, [&](Backend& backend, std::size_t s) {
            backend.rmsNormForProducts(normed[s], x[s], normWeight[s], 1e-5f);
            multiplyBoth(backend, s, normed[s]);
        });
        check({"matmulAdd", type.name}, out, kRounded, [&](Backend& backend, std::size_t s) { backend.matmulAdd(out[s], b[s], x[s], none, scratch[s]); });
        check({"gatedMatmul", type.name}, out, 2 * kRounded, [&](Backend& backend, std::size_t s) {
            backend.gatedMatmul(out[s], a[s], b[s], x[s], kernels::GatedActivation::Silu, scratch[s]);
        });
    }
}

/// The reference for a choice is the Sampler, whatever back end the others have.
void SelfTest::testSampling() {
    if (!m_backends[0]->samples()) return;
    constexpr std::int32_t kVocabulary = 3001;
    const std::vector<float> values = numbers(kVocabulary);
    const Twin token = blank(DType::I32, 1, 1);
    const SamplingSettings drawn{.temperature = 1.5f, .topK = 200, .topP = 0.9f, .minP = 0.01f, .repeatPenalty = 1.2f, .presencePenalty = 0.5f};
    for (const SamplingSettings& settings : {SamplingSettings{.temperature = 0.0f}, drawn}) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            Sampler sampler(settings, seed);
            for (TokenId id = 0; id < 50; ++id) sampler.accept(id * 3);
            const Twin logits = upload(DType::F32, 1, kVocabulary, std::as_bytes(std::span(values))); // sampling may overwrite them
            check({"sample"}, token, kExact, [&](Backend& backend, std::size_t side) {
                const Sampler::DeviceRequest request = sampler.deviceRequest();
                const std::int32_t expected = Sampler(sampler).sample(values).value_or(-1);
                if (side == 0) {
                    backend.sample(token[0], logits[0], {request.penalties, request.params, kVocabulary});
                } else {
                    backend.upload(token[1], std::as_bytes(std::span(&expected, 1)));
                }
            });
        }
    }
}

} // namespace

std::string SelfTestResult::summary() const {
    std::string text = describe(faults);
    if (!stopped.empty()) text += fmt::format("{}{} in {}", text.empty() ? "" : ", then ", outOfMemory ? "no memory" : "the device was lost", stopped);
    return text;
}

SelfTestResult selfTest(kernels::Backend& device, kernels::Backend& reference, const std::function<void()>& alive) {
    return SelfTest(device, reference, alive).run();
}

} // namespace hearth::core
