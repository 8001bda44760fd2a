// SPDX-License-Identifier: Apache-2.0
//
// Speed of the matrix products on one thread, in CPU time, beside what bounds them:
//   limit/PATH/read            64 MiB of memory: bytes a second, the bound of one token
//   limit/PATH/int8, f32, bf16 products from registers a second, the bound of many tokens
//   decode/PATH/TYPE           64 MiB of weights times one token: bytes of weights a second
//   unpack/PATH/TYPE           the same of 256 KiB, which the second-level cache keeps: what unpacking allows at most
//   prompt/PATH/TYPE           256 rows of 2,048 columns times 512 tokens: products a second
#include "kernels/cpu/simd/matmul_simd.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace hearth::kernels;

namespace {

constexpr std::int64_t kWeightBytes = 64 << 20;
constexpr std::int64_t kCachedBytes = 256 << 10;
constexpr std::int64_t kCols = 2048;
constexpr std::int64_t kRows = 256;
constexpr std::int64_t kTokens = 512;
constexpr std::int64_t kRowsPerCall = 128;

/// Bytes that give every format finite numbers of moderate size: as f16, 0x2c2c is 0.065.
const std::vector<std::uint8_t>& weights() {
    static const std::vector<std::uint8_t> kWeights = [] {
        std::vector<std::uint8_t> bytes(kWeightBytes);
        std::mt19937 random(1);
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() & 0x3b);
        return bytes;
    }();
    return kWeights;
}

/// A panel of random rows.
std::vector<Q8Chunk> panel(const MatmulKernels* kernels, std::int64_t tokens) {
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    std::vector<float> x(static_cast<std::size_t>(tokens * kCols));
    for (float& value : x) value = normal(random);
    std::vector<Q8Chunk> chunks(static_cast<std::size_t>(q8PanelChunks(tokens, kCols)));
    for (std::int64_t t = 0; t < tokens; ++t) kernels->packRow(chunks.data(), tokens, t, x.data() + t * kCols, kCols, nullptr);
    return chunks;
}

void readMemory(benchmark::State& state, const LimitLoops* loops) {
    const std::vector<std::uint8_t>& bytes = weights();
    const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
    const void* aligned = bytes.data() + (64 - start % 64) % 64;
    constexpr std::int64_t kRead = kWeightBytes - 512;
    for (auto _ : state) benchmark::DoNotOptimize(loops->read(aligned, kRead));
    state.SetBytesProcessed(state.iterations() * kRead);
}

void products(benchmark::State& state, std::int64_t (*loop)(std::int64_t)) {
    std::int64_t operations = 0;
    for (auto _ : state) operations += loop(100'000);
    state.counters["products"] = benchmark::Counter(static_cast<double>(operations) / 2.0, benchmark::Counter::kIsRate);
}

bool isFloat(DType dtype) {
    return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

void decode(benchmark::State& state, const MatmulKernels* kernels, DType dtype, std::int64_t bytes) {
    const auto rowBytes = static_cast<std::int64_t>(bytesFor(dtype, kCols));
    const std::int64_t rows = bytes / rowBytes;
    std::vector<float> out(static_cast<std::size_t>(rows));
    const std::vector<Q8Chunk> x = panel(kernels, 1);
    const std::vector<float> floats(kCols, 0.5f);
    for (auto _ : state) {
        for (std::int64_t r = 0; r < rows; r += kRowsPerCall) {
            const std::int64_t end = std::min(rows, r + kRowsPerCall);
            if (isFloat(dtype)) {
                kernels->matmulFloat(out.data(), rows, dtype, weights().data(), rowBytes, r, end, floats.data(), kCols, 1, kCols);
            } else {
                kernels->matmul(out.data(), rows, dtype, weights().data(), rowBytes, r, end, x.data(), 1, kCols);
            }
        }
    }
    state.SetBytesProcessed(state.iterations() * rows * rowBytes);
    state.counters["weights"] =
        benchmark::Counter(static_cast<double>(state.iterations() * rows * kCols), benchmark::Counter::kIsRate);
}

void prompt(benchmark::State& state, const MatmulKernels* kernels, DType dtype) {
    const auto rowBytes = static_cast<std::int64_t>(bytesFor(dtype, kCols));
    std::vector<float> out(kRows * kTokens);
    const std::vector<Q8Chunk> x = panel(kernels, kTokens);
    const std::vector<float> floats(kTokens * kCols, 0.5f);
    for (auto _ : state) {
        if (isFloat(dtype)) {
            kernels->matmulFloat(out.data(), kRows, dtype, weights().data(), rowBytes, 0, kRows, floats.data(), kCols, kTokens, kCols);
        } else {
            kernels->matmul(out.data(), kRows, dtype, weights().data(), rowBytes, 0, kRows, x.data(), kTokens, kCols);
        }
    }
    state.counters["products"] =
        benchmark::Counter(static_cast<double>(state.iterations() * kRows * kTokens * kCols), benchmark::Counter::kIsRate);
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    weights(); // made before anything is timed
    for (const CpuPath path : {CpuPath::Avx2, CpuPath::Avx2Vnni, CpuPath::Avx512Vnni}) {
        const MatmulKernels* kernels = matmulKernels(path);
        if (!cpuPathSupported(path) || kernels == nullptr) continue;
        const LimitLoops* loops = limitLoops(path);
        const std::string limit = std::string("limit/") + kernels->name + "/";
        benchmark::RegisterBenchmark((limit + "read").c_str(), readMemory, loops);
        benchmark::RegisterBenchmark((limit + "int8").c_str(), products, loops->int8);
        benchmark::RegisterBenchmark((limit + "f32").c_str(), products, loops->f32);
        if (loops->bf16 != nullptr) benchmark::RegisterBenchmark((limit + "bf16").c_str(), products, loops->bf16);
        for (const DTypeInfo& type : allDTypes()) {
            if (!kernels->supports(type.dtype)) continue;
            const std::string name = std::string("/") + kernels->name + "/" + std::string(type.name);
            benchmark::RegisterBenchmark(("decode" + name).c_str(), decode, kernels, type.dtype, kWeightBytes);
            benchmark::RegisterBenchmark(("unpack" + name).c_str(), decode, kernels, type.dtype, kCachedBytes);
            benchmark::RegisterBenchmark(("prompt" + name).c_str(), prompt, kernels, type.dtype);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
}
