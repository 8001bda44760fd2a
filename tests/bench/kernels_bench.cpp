// SPDX-License-Identifier: Apache-2.0
//
// Speed of the CPU back end's operations on this machine, with all of its cores, on the best path or the one named in HEARTH_BENCH_PATH
// (portable, avx2, avx2vnni, avx512, avx512vnni). One token's products are stated in bytes a second, to be held against the memory's
// bandwidth (the "read" benchmark measures that); many tokens' in multiplications a second.
#include "kernel_fixture.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

using namespace hearth::kernels;

namespace {

CpuBackend& backend() {
    static const std::unique_ptr<CpuBackend> kBackend = [] {
        const std::map<std::string, CpuPath> names{{"portable", CpuPath::Portable},
                                                   {"avx2", CpuPath::Avx2},
                                                   {"avx2vnni", CpuPath::Avx2Vnni},
                                                   {"avx512", CpuPath::Avx512},
                                                   {"avx512vnni", CpuPath::Avx512Vnni}};
        CpuOptions options;
        const char* wanted = std::getenv("HEARTH_BENCH_PATH");
        if (wanted != nullptr && names.contains(wanted)) options.forcedPath = names.at(wanted);
        std::unique_ptr<CpuBackend> made = CpuBackend::create(options);
        if (made == nullptr) std::abort();
        return made;
    }();
    return *kBackend;
}

/// A weight too large for the caches: several layers' worth, taken in turns as a model does.
void product(benchmark::State& state, DType dtype, std::int64_t tokens) {
    constexpr std::int64_t kRows = 4096, kCols = 4096, kLayers = 24;
    Numbers numbers(1);
    const std::size_t layerBytes = bytesFor(dtype, kRows * kCols);
    const std::unique_ptr<Buffer> weights = backend().allocate(layerBytes * kLayers);
    auto* bytes = static_cast<std::byte*>(weights->data());
    fillWeight(bytes, dtype, 64 * kCols, numbers);
    const std::size_t sample = bytesFor(dtype, 64 * kCols);
    for (std::size_t at = sample; at < layerBytes * kLayers; at += sample) std::memcpy(bytes + at, bytes, sample);
    std::vector<float> x = numbers.many(tokens * kCols);
    std::vector<float> out(static_cast<std::size_t>(tokens * kRows));
    std::int64_t layer = 0;
    for (auto _ : state) {
        backend().beginStep({});
        backend().matmul(matrixView(out.data(), DType::F32, tokens, kRows),
                         matrixView(bytes + static_cast<std::size_t>(layer) * layerBytes, dtype, kRows, kCols),
                         matrixView(x.data(), DType::F32, tokens, kCols));
        benchmark::DoNotOptimize(backend().endStep());
        layer = (layer + 1) % kLayers;
    }
    state.counters["GB/s"] =
        benchmark::Counter(double(layerBytes) * double(state.iterations()) / 1e9, benchmark::Counter::kIsRate);
    state.counters["Gmul/s"] = benchmark::Counter(double(kRows * kCols * tokens) * double(state.iterations()) / 1e9,
                                                  benchmark::Counter::kIsRate);
}

/// Attention of `tokens` tokens behind `history` positions; 32 heads over 8 KV heads of 128.
void attention(benchmark::State& state) {
    const std::int64_t tokens = state.range(0);
    const auto history = static_cast<std::int32_t>(state.range(1));
    constexpr std::int32_t kHeads = 32, kKvHeads = 8, kHeadDim = 128;
    const auto positions = static_cast<std::int32_t>(history + tokens);
    const std::size_t halfBytes = std::size_t{kKvHeads} * static_cast<std::size_t>(positions) * kHeadDim * 2;
    const std::unique_ptr<Buffer> memory = backend().allocate(halfBytes * 2);
    const KvView cache{memory->data(), static_cast<std::byte*>(memory->data()) + halfBytes, kKvHeads, positions,
                       kHeadDim};
    Numbers numbers(2);
    std::vector<float> kv = numbers.many(std::int64_t{positions} * kKvHeads * kHeadDim);
    const TensorView kvView = matrixView(kv.data(), DType::F32, positions, kKvHeads * kHeadDim);
    backend().beginStep({});
    backend().appendKv(cache, kvView, kvView, 0);
    std::vector<float> q = numbers.many(tokens * kHeads * kHeadDim);
    std::vector<float> out(q.size());
    for (auto _ : state) {
        backend().attention(matrixView(out.data(), DType::F32, tokens, kHeads * kHeadDim),
                            matrixView(q.data(), DType::F32, tokens, kHeads * kHeadDim), cache, history,
                            {.heads = kHeads, .scale = 0.088f});
    }
    if (!backend().endStep().ok()) state.SkipWithError("the step failed");
    const double pairs = double(tokens) * (double(history) + double(tokens + 1) / 2) * kHeads;
    state.counters["GB/s"] =
        benchmark::Counter(double(halfBytes) * 2 * double(state.iterations()) / 1e9, benchmark::Counter::kIsRate);
    state.counters["Gmul/s"] =
        benchmark::Counter(pairs * kHeadDim * 2 * double(state.iterations()) / 1e9, benchmark::Counter::kIsRate);
}

void swiGlu(benchmark::State& state) {
    std::vector<float> gate = Numbers(3).many(state.range(0) * 14336);
    std::vector<float> out(gate.size());
    const TensorView in = matrixView(gate.data(), DType::F32, state.range(0), 14336);
    backend().beginStep({});
    for (auto _ : state) backend().swiGlu(matrixView(out.data(), DType::F32, state.range(0), 14336), in, in);
    state.SetBytesProcessed(state.iterations() * in.elements() * 12);
}

void rmsNorm(benchmark::State& state) {
    std::vector<float> x = Numbers(4).many(state.range(0) * 4096);
    std::vector<float> weight(4096, 1.0f);
    const TensorView view = matrixView(x.data(), DType::F32, state.range(0), 4096);
    backend().beginStep({});
    for (auto _ : state) backend().rmsNorm(view, view, matrixView(weight.data(), DType::F32, 1, 4096), 1e-5f);
    state.SetBytesProcessed(state.iterations() * view.elements() * 8);
}

/// The bandwidth that products of one token are held against: all threads read 512 MB.
void read(benchmark::State& state) {
    constexpr std::int64_t kWords = 64 << 20;
    constexpr int kPieces = 64;
    std::vector<std::uint64_t> memory(kWords, 1);
    std::vector<std::uint64_t> sums(kPieces);
    ThreadPool pool(physicalCoreCount());
    for (auto _ : state) {
        pool.run(kPieces, [&](int piece, int) {
            std::uint64_t sum[8] = {};
            const std::uint64_t* words = memory.data() + kWords / kPieces * piece;
            for (std::int64_t i = 0; i < kWords / kPieces; i += 8) {
                for (int lane = 0; lane < 8; ++lane) sum[lane] += words[i + lane];
            }
            for (const std::uint64_t part : sum) sums[static_cast<std::size_t>(piece)] += part;
        });
        benchmark::DoNotOptimize(sums.data());
    }
    state.SetBytesProcessed(state.iterations() * kWords * 8);
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    const DeviceInfo device = backend().deviceInfo();
    benchmark::AddCustomContext("device",
                                device.name + ", " + device.isa + ", " + std::to_string(device.threads) + " threads");
    benchmark::RegisterBenchmark("read", read)->UseRealTime();
    for (const std::int64_t tokens : {1, 8, 128}) {
        for (const DTypeInfo& type : allDTypes()) {
            if (!type.computes) continue;
            const std::string name = "product/" + std::string(type.name) + "/" + std::to_string(tokens);
            benchmark::RegisterBenchmark(name.c_str(), product, type.dtype, tokens)
                ->UseRealTime()
                ->Unit(benchmark::kMicrosecond);
        }
    }
    benchmark::RegisterBenchmark("attention", attention)
        ->Args({1, 512})
        ->Args({1, 4096})
        ->Args({128, 0})
        ->Args({128, 2048})
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark("swiGlu", swiGlu)->Arg(1)->Arg(128)->UseRealTime()->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark("rmsNorm", rmsNorm)->Arg(1)->Arg(128)->UseRealTime()->Unit(benchmark::kMicrosecond);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
