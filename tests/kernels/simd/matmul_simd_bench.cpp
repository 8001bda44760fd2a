// SPDX-License-Identifier: Apache-2.0
//
// Speed of the matrix products on one thread, in CPU time:
//   read          64 MiB of memory, the bound of all that follow
//   decode/PATH/TYPE   64 MiB of weights times one token: bytes of weights a second, to compare with read
//   prompt/PATH/TYPE   256 rows of 2,048 columns times 512 tokens: multiplications a second
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
    std::vector<Q8Chunk> chunks(static_cast<std::size_t>(tokens * q8ChunksFor(kCols)));
    for (std::int64_t t = 0; t < tokens; ++t) kernels->packRow(chunks.data(), tokens, t, x.data() + t * kCols, kCols, nullptr);
    return chunks;
}

void readMemory(benchmark::State& state) {
    const std::vector<std::uint8_t>& bytes = weights();
    for (auto _ : state) {
        std::uint64_t sums[16] = {};
        for (std::size_t i = 0; i + sizeof sums <= bytes.size(); i += sizeof sums) {
            std::uint64_t words[16];
            std::memcpy(words, bytes.data() + i, sizeof words);
            for (int w = 0; w < 16; ++w) sums[w] ^= words[w];
        }
        benchmark::DoNotOptimize(sums);
    }
    state.SetBytesProcessed(state.iterations() * kWeightBytes);
}

void decode(benchmark::State& state, const MatmulKernels* kernels, DType dtype) {
    const auto rowBytes = static_cast<std::int64_t>(bytesFor(dtype, kCols));
    const std::int64_t rows = kWeightBytes / rowBytes;
    std::vector<float> out(static_cast<std::size_t>(rows));
    const std::vector<Q8Chunk> x = panel(kernels, 1);
    for (auto _ : state) {
        for (std::int64_t r = 0; r < rows; r += kRowsPerCall) {
            kernels->matmul(out.data(), rows, dtype, weights().data(), rowBytes, r, std::min(rows, r + kRowsPerCall),
                            x.data(), 1, kCols);
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
    for (auto _ : state) {
        kernels->matmul(out.data(), kRows, dtype, weights().data(), rowBytes, 0, kRows, x.data(), kTokens, kCols);
    }
    state.counters["products"] =
        benchmark::Counter(static_cast<double>(state.iterations() * kRows * kTokens * kCols), benchmark::Counter::kIsRate);
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    benchmark::RegisterBenchmark("read", readMemory);
    for (const CpuPath path : {CpuPath::Avx2, CpuPath::Avx2Vnni, CpuPath::Avx512Vnni}) {
        const MatmulKernels* kernels = matmulKernels(path);
        if (!cpuPathSupported(path) || kernels == nullptr) continue;
        for (const DTypeInfo& type : allDTypes()) {
            if (!kernels->supports(type.dtype) || type.elementsPerBlock == 1) continue;
            const std::string name = std::string("/") + kernels->name + "/" + std::string(type.name);
            benchmark::RegisterBenchmark(("decode" + name).c_str(), decode, kernels, type.dtype);
            benchmark::RegisterBenchmark(("prompt" + name).c_str(), prompt, kernels, type.dtype);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
}
