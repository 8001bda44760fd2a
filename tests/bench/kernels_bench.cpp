// SPDX-License-Identifier: Apache-2.0
//
// Speed of the CPU back end's operations on this machine, with all of its cores, on the best path or the one named in HEARTH_BENCH_PATH
// (portable, avx2, avx2vnni, avx512, avx512vnni). Beside bytes and multiplications a second stands which part that is of what the
// processor can do at most, measured at the start by the loops of kernels/cpu/simd/limit_loops.h on as many threads: of the bytes it reads
// ("ofRead"), of its 8-bit products ("ofInt8") or of its f32 ones ("ofF32"). On a shared machine that changes while the benchmarks run.
#include "kernel_fixture.h"
#include "kernels/cpu/simd/matmul_simd.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
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

/// A second's worth of each; 1 where it cannot be measured.
struct Limits {
    double readBytes = 1.0;
    double int8 = 1.0; ///< products
    double f32 = 1.0;  ///< products
};

template <class Work>
double fastest(ThreadPool& pool, const Work& work) {
    double seconds = 1e9;
    for (int pass = 0; pass < 8; ++pass) {
        const auto start = std::chrono::steady_clock::now();
        pool.run(pool.threads(), work);
        seconds = std::min(seconds, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return seconds;
}

const Limits& limits() {
    static const Limits kLimits = [] {
        const LimitLoops* loops = limitLoops(bestCpuPath());
        if (loops == nullptr) return Limits{};
        ThreadPool pool(physicalCoreCount());
        constexpr std::int64_t kBytes = 256 << 20;
        constexpr std::int64_t kRounds = 200'000;
        const std::unique_ptr<Buffer> memory = backend().allocate(static_cast<std::uint64_t>(kBytes * pool.threads()));
        auto* bytes = static_cast<std::byte*>(memory->data());
        std::memset(bytes, 1, memory->bytes());
        const auto products = [&](std::int64_t (*loop)(std::int64_t)) {
            std::int64_t operations = 0;
            const double seconds = fastest(pool, [&](int task, int) {
                const std::int64_t done = loop(kRounds);
                if (task == 0) operations = done;
            });
            return static_cast<double>(operations) / 2.0 * pool.threads() / seconds;
        };
        const double reading = fastest(pool, [&](int task, int) { benchmark::DoNotOptimize(loops->read(bytes + task * kBytes, kBytes)); });
        return Limits{static_cast<double>(kBytes) * pool.threads() / reading, products(loops->int8), products(loops->f32)};
    }();
    return kLimits;
}

/// `amount` of an iteration as a rate in units of `limit` a second.
benchmark::Counter partOf(const benchmark::State& state, double amount, double limit) {
    return benchmark::Counter(amount * static_cast<double>(state.iterations()) / limit, benchmark::Counter::kIsRate);
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
    if (tokens == 1) {
        state.counters["ofRead"] = partOf(state, double(layerBytes), limits().readBytes);
    } else if (backend().roundsActivations(dtype, kCols)) {
        state.counters["ofInt8"] = partOf(state, double(kRows * kCols * tokens), limits().int8);
    } else {
        state.counters["ofF32"] = partOf(state, double(kRows * kCols * tokens), limits().f32);
    }
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
    if (tokens == 1) {
        state.counters["ofRead"] = partOf(state, double(halfBytes) * 2, limits().readBytes);
    } else {
        state.counters["ofF32"] = partOf(state, pairs * kHeadDim * 2, limits().f32);
    }
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

/// What handing work to all threads and waiting for them costs: tasks that do nothing.
void barrier(benchmark::State& state) {
    ThreadPool pool(physicalCoreCount());
    for (auto _ : state) pool.run(pool.threads(), [](int task, int) { benchmark::DoNotOptimize(task); });
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    const DeviceInfo device = backend().deviceInfo();
    benchmark::AddCustomContext("device",
                                device.name + ", " + device.isa + ", " + std::to_string(device.threads) + " threads");
    const auto tera = [](double value) { return std::to_string(value / 1e12); };
    benchmark::AddCustomContext("reads", std::to_string(limits().readBytes / 1e9) + " GB/s");
    benchmark::AddCustomContext("products", "int8 " + tera(limits().int8) + ", f32 " + tera(limits().f32) + " T/s");
    benchmark::RegisterBenchmark("barrier", barrier)->UseRealTime();
    for (const std::int64_t tokens : {1, 4, 512}) {
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
        ->Args({512, 0})
        ->Args({512, 3584})
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark("swiGlu", swiGlu)->Arg(1)->Arg(128)->UseRealTime()->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark("rmsNorm", rmsNorm)->Arg(1)->Arg(128)->UseRealTime()->Unit(benchmark::kMicrosecond);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
