// SPDX-License-Identifier: Apache-2.0
//
// Single GPU kernels over rows on the executor, in the forms that no operation of a back end shows by itself: results in 8 bits, sums
// written back, rounding to halves, routing of odd logits, sorting by expert. References are computed here, in double precision.
#include "kernel_device.h"

#include "kernels/ops/gated_hip.h"
#include "kernels/ops/moe_hip.h"
#include "kernels/ops/norm_hip.h"
#include "kernels/ops/quantize_hip.h"
#include "kernels/ops/read_hip.h"
#include "kernels/quant/half.h"
#include "kernels/quant/q8_activation.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace hearth;
using namespace hearth::kernels;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Shape {
    std::int32_t rows;
    std::int32_t cols;
};
/// One, odd, heads, the widths of models, longer than what a block holds in registers.
constexpr Shape kShapes[] = {{1, 1}, {3, 5}, {2, 32}, {5, 64}, {9, 128}, {7, 127}, {3, 512}, {3, 896}, {1, 4096}, {2, 8192}, {2, 9216}, {1, 9217}, {1, 20480}};

class Random {
public:
    explicit Random(unsigned seed)
        : m_engine(seed) {}
    float operator()(float size) { return std::uniform_real_distribution<float>(-size, size)(m_engine); }
    unsigned below(unsigned end) { return static_cast<unsigned>(m_engine() % end); }
    std::vector<float> many(std::size_t count, float size) {
        std::vector<float> values(count);
        for (float& value : values) value = (*this)(size);
        return values;
    }

private:
    std::mt19937 m_engine;
};

/// Rows in 8 bits on a device.
struct DeviceQ8 {
    Q8Rows rows;
    std::size_t count;

    DeviceQ8(test::KernelDevice& device, std::size_t values)
        : rows{device.memory<std::int8_t>(values), device.memory<std::int8_t>(values), device.memory<float>(values / 32),
               device.memory<float>(values / 32), device.memory<float>(values / 16), device.memory<float>(values / 16)}
        , count(values) {}

    /// As the CPU rounds x, the rest within half a step of its own, the sums those of what was written.
    [[nodiscard]] bool equals(test::KernelDevice& device, const std::vector<float>& x) const {
        const auto q = device.read(rows.q, count);
        const auto rest = device.read(rows.rest, count);
        const auto scale = device.read(rows.scale, count / 32);
        const auto restScale = device.read(rows.restScale, count / 32);
        const auto sums = device.read(rows.sums, count / 16);
        const auto restSums = device.read(rows.restSums, count / 16);
        std::vector<Q8Block> expected(count / 32);
        quantizeRowToQ8(expected.data(), x.data(), static_cast<std::int64_t>(count));
        bool same = device.ok();
        for (std::size_t i = 0; i < count; ++i) {
            const Q8Block& block = expected[i / 32];
            same = same && q[i] == block.q[i % 32] && scale[i / 32] == block.scale;
            if (block.scale == 0.0f) continue;
            const double got = double(scale[i / 32]) * q[i] + double(restScale[i / 32]) * rest[i];
            same = same && std::fabs(got - double(x[i])) <= double(block.scale) / 127.0 * 0.26;
        }
        for (std::size_t half = 0; half < count / 16; ++half) {
            double sum = 0.0;
            double restSum = 0.0;
            for (std::size_t i = half * 16; i < half * 16 + 16; ++i) {
                sum += double(scale[i / 32]) * q[i];
                restSum += double(restScale[i / 32]) * rest[i];
            }
            same = same && std::fabs(double(sums[half]) - sum) <= 1e-4 * double(scale[half / 2]) &&
                   std::fabs(double(restSums[half]) - restSum) <= 1e-4 * double(restScale[half / 2]);
        }
        return same;
    }
};

bool near(const std::vector<float>& got, const std::vector<double>& expected, double tolerance) {
    for (std::size_t i = 0; i < got.size(); ++i) {
        if (!(std::fabs(double(got[i]) - expected[i]) <= tolerance)) return false;
    }
    return got.size() == expected.size();
}

double largestOf(const std::vector<double>& values) {
    double largest = 0.0;
    for (const double value : values) largest = std::max(largest, std::fabs(value));
    return largest;
}

void addWaves() {
    QTest::addColumn<int>("wave");
    QTest::newRow("waves of 32") << 32;
    QTest::newRow("waves of 64") << 64;
}

#define VERIFY_DEVICE(condition) QVERIFY2(condition, qPrintable(QString("%1 x %2 %3").arg(shape.rows).arg(shape.cols).arg(device.fault().c_str())))

} // namespace

class RowKernelsTest : public QObject {
    Q_OBJECT

private slots:
    void rmsNorm_data() { addWaves(); }
    void rmsNorm() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(1);
        for (const Shape& shape : kShapes) {
            const auto count = std::size_t(shape.rows) * std::size_t(shape.cols);
            for (int mode = 0; mode < 8; ++mode) {
                const bool adds = (mode & 1) != 0;
                const bool inPlace = (mode & 2) != 0;
                const bool quantizes = (mode & 4) != 0 && shape.cols % 32 == 0;
                const std::vector<float> x = random.many(count, 3.0f);
                const std::vector<float> y = random.many(count, 1.0f);
                const std::vector<float> weight = random.many(std::size_t(shape.cols), 1.0f);
                std::vector<float> sum = x;
                for (std::size_t i = 0; adds && i < count; ++i) sum[i] += y[i];
                std::vector<double> expected(count);
                for (std::size_t start = 0; start < count; start += std::size_t(shape.cols)) {
                    double squares = 0.0;
                    for (std::size_t i = 0; i < std::size_t(shape.cols); ++i) squares += double(sum[start + i]) * double(sum[start + i]);
                    const double factor = 1.0 / std::sqrt(squares / shape.cols + 1e-5);
                    for (std::size_t i = 0; i < std::size_t(shape.cols); ++i) expected[start + i] = double(sum[start + i]) * factor * double(weight[i]);
                }
                const double tolerance = 1e-5 * largestOf(expected);
                const DeviceQ8 q8(device, quantizes ? count : 32);
                RmsNormArgs args{.x = device.upload(x), .y = adds ? device.upload(y) : nullptr, .weight = device.upload(weight),
                                 .q8 = quantizes ? q8.rows : Q8Rows{}, .rows = shape.rows, .cols = shape.cols, .eps = 1e-5f};
                args.out = inPlace ? args.x : device.memory<float>(count);
                device.launch("hearth_rms_norm", normGrid(shape.rows), kNormThreads, args);
                const std::vector<float> got = device.read(args.out, count);
                VERIFY_DEVICE(device.ok() && near(got, expected, tolerance));
                if (!inPlace) VERIFY_DEVICE(device.read(args.x, count) == sum);
                if (quantizes) VERIFY_DEVICE(q8.equals(device, got));

                args.x = device.upload(x);
                args.out = inPlace ? args.x : args.out;
                if (isHeadNorm(args)) {
                    device.launch("hearth_rms_norm_heads", headNormGrid(shape.rows), kHeadNormThreads, args);
                    VERIFY_DEVICE(near(device.read(args.out, count), expected, tolerance));
                    if (!inPlace) VERIFY_DEVICE(device.read(args.x, count) == sum);
                } else if (quantizes) {
                    const DeviceQ8 only(device, count);
                    args.out = nullptr;
                    args.q8 = only.rows;
                    device.launch("hearth_rms_norm", normGrid(shape.rows), kNormThreads, args);
                    VERIFY_DEVICE(only.equals(device, got));
                }
                device.releaseAll();
            }
        }
    }

    void layerNorm_data() { addWaves(); }
    void layerNorm() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(2);
        for (const Shape& shape : kShapes) {
            const auto count = std::size_t(shape.rows) * std::size_t(shape.cols);
            for (const bool biased : {false, true}) {
                std::vector<float> x = random.many(count, 3.0f);
                for (float& value : x) value += 20.0f; // a mean far from zero
                const std::vector<float> weight = random.many(std::size_t(shape.cols), 1.0f);
                const std::vector<float> bias = random.many(std::size_t(shape.cols), 1.0f);
                std::vector<double> expected(count);
                for (std::size_t start = 0; start < count; start += std::size_t(shape.cols)) {
                    const auto row = x.begin() + std::ptrdiff_t(start);
                    const double mean = std::accumulate(row, row + shape.cols, 0.0) / shape.cols;
                    double squares = 0.0;
                    for (std::int32_t i = 0; i < shape.cols; ++i) squares += (double(row[i]) - mean) * (double(row[i]) - mean);
                    const double factor = 1.0 / std::sqrt(squares / shape.cols + 1e-5);
                    for (std::size_t i = 0; i < std::size_t(shape.cols); ++i) {
                        expected[start + i] = (double(x[start + i]) - mean) * factor * double(weight[i]) + (biased ? double(bias[i]) : 0.0);
                    }
                }
                const bool quantizes = shape.cols % 32 == 0;
                const DeviceQ8 q8(device, quantizes ? count : 32);
                float* const memory = device.upload(x);
                const LayerNormArgs args{.out = memory, .x = memory, .weight = device.upload(weight), .bias = biased ? device.upload(bias) : nullptr,
                                         .q8 = quantizes ? q8.rows : Q8Rows{}, .rows = shape.rows, .cols = shape.cols, .eps = 1e-5f};
                device.launch("hearth_layer_norm", normGrid(shape.rows), kNormThreads, args);
                const std::vector<float> got = device.read(args.out, count);
                VERIFY_DEVICE(near(got, expected, 1e-5 * largestOf(expected) + (shape.cols == 1 ? 1e-6 : 0.0)));
                if (quantizes) VERIFY_DEVICE(q8.equals(device, got));
                device.releaseAll();
            }
        }
    }

    void gatedActivationsInEightBits_data() { addWaves(); }
    void gatedActivationsInEightBits() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(3);
        for (const Shape& shape : {Shape{1, 32}, Shape{3, 96}, Shape{2, 896}, Shape{1, 4864}}) {
            const auto count = std::size_t(shape.rows) * std::size_t(shape.cols);
            for (const bool gelu : {false, true}) {
                std::vector<float> gate = random.many(count, 20.0f);
                gate[0] = -kInfinity; // exp(infinity) must be infinity, and nothing else of its block be harmed
                gate[1] = 3e38f;
                const std::vector<float> up = random.many(count, 1.0f);
                const char* const kernel = gelu ? "hearth_ge_glu" : "hearth_swi_glu";
                GatedArgs args{.gate = device.upload(gate), .up = device.upload(up), .count = std::int64_t(count)};
                args.out = device.memory<float>(count);
                device.launch(kernel, gatedGrid(args.count), kGatedThreads, args);
                std::vector<float> got = device.read(args.out, count);
                for (std::size_t i = 2; i < count; ++i) {
                    const double x = double(gate[i]);
                    const double inner = gelu ? 2.0 * std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x) : x;
                    VERIFY_DEVICE(std::fabs(double(got[i]) - x / (1.0 + std::exp(-inner)) * double(up[i])) <= 2e-6 * std::fabs(x * double(up[i])));
                }
                VERIFY_DEVICE(std::fabs(got[1] - gate[1] * up[1]) <= 1e-6f * std::fabs(got[1]));
                // In 8 bits only.
                gate[0] = gate[1] = 0.5f;
                args.gate = device.upload(gate);
                device.launch(kernel, gatedGrid(args.count), kGatedThreads, args);
                got = device.read(args.out, count);
                const DeviceQ8 q8(device, count);
                args.out = nullptr;
                args.q8 = q8.rows;
                device.launch(kernel, gatedGrid(args.count), kGatedThreads, args);
                VERIFY_DEVICE(q8.equals(device, got));
                device.releaseAll();
            }
        }
    }

    void quantizeRows_data() { addWaves(); }
    void quantizeRows() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(4);
        for (const Shape& shape : {Shape{1, 32}, Shape{5, 64}, Shape{3, 896}, Shape{2, 4096}}) {
            const auto count = std::size_t(shape.rows) * std::size_t(shape.cols);
            std::vector<float> x = random.many(count, 2.0f);
            // Blocks of zeros beside others: their lanes must not leave a shuffle.
            for (std::size_t block = 0; block < count / 32; block += 3) std::fill_n(x.begin() + std::ptrdiff_t(block * 32), 32, 0.0f);
            const DeviceQ8 q8(device, count);
            device.launch("hearth_quantize_rows", quantizeRowsGrid(std::int64_t(count)), kQuantizeThreads,
                          QuantizeRowsArgs{q8.rows, device.upload(x), std::int64_t(count)});
            VERIFY_DEVICE(q8.equals(device, x));
            device.releaseAll();
        }
    }

    void halfRows_data() { addWaves(); }
    void halfRows() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(5);
        for (const Shape& shape : kShapes) {
            const auto count = std::size_t(shape.rows) * std::size_t(shape.cols);
            for (const float size : {0.0f, 1e-44f, 1e-38f, 1e-20f, 1.0f, 65504.0f, 3e38f}) {
                std::vector<float> x = random.many(count, size);
                if (size == 1.0f && count > 8) {
                    x[0] = kInfinity;
                    x[1] = kNan;
                    x[count - 1] = -kInfinity;
                }
                std::uint16_t* const out = device.memory<std::uint16_t>(count);
                float* const scales = device.memory<float>(std::size_t(shape.rows));
                device.launch("hearth_half_rows", halfRowsGrid(shape.rows), kHalfRowsThreads, HalfRowsArgs{out, scales, device.upload(x), shape.rows, shape.cols});
                const std::vector<std::uint16_t> halves = device.read(out, count);
                const std::vector<float> scale = device.read(scales, std::size_t(shape.rows));
                VERIFY_DEVICE(device.ok());
                for (std::size_t row = 0; row < scale.size(); ++row) {
                    const std::size_t start = row * std::size_t(shape.cols);
                    float largest = 0.0f;
                    for (std::size_t i = start; i < start + std::size_t(shape.cols); ++i)
                        if (std::isfinite(x[i])) largest = std::max(largest, std::fabs(x[i]));
                    int exponent = 0;
                    VERIFY_DEVICE(std::frexp(scale[row], &exponent) == 0.5f);
                    const float top = largest / scale[row];
                    if (largest == 0.0f) VERIFY_DEVICE(scale[row] == 1.0f);
                    else if (largest >= 0x1p-116f) VERIFY_DEVICE(top >= 1024.0f && top < 2048.0f);
                    else VERIFY_DEVICE(top < 1024.0f);
                    for (std::size_t i = start; i < start + std::size_t(shape.cols); ++i) {
                        const float got = halfToFloat(halves[i]);
                        if (std::isnan(x[i])) VERIFY_DEVICE(std::isnan(got));
                        else if (std::isinf(x[i])) VERIFY_DEVICE(got == x[i]);
                        else VERIFY_DEVICE(std::fabs(double(got) * double(scale[row]) - double(x[i])) <=
                                           std::fabs(double(x[i])) * 0x1p-11 + double(scale[row]) * 0x1p-25);
                    }
                }
                device.releaseAll();
            }
        }
    }

    void expertsAreRoutedAndSorted_data() { addWaves(); }
    void expertsAreRoutedAndSorted() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(6);
        for (const auto& [tokens, experts, k] :
             {std::array{1, 4, 2}, std::array{7, 128, 8}, std::array{3, 1, 1}, std::array{70, 60, 4}, std::array{2, 5, 5}, std::array{5, 256, 8},
              std::array{3, kMoeMostExperts, 40}, std::array{2, 100, 100}, std::array{512, 64, 8}}) {
            const Shape shape{tokens, experts};
            for (int kind = 0; kind < 5; ++kind) {
                std::vector<float> logits = random.many(std::size_t(tokens) * std::size_t(experts), 3.0f);
                for (float& logit : logits) {
                    if (kind == 1) logit = std::round(logit);                                      // ties
                    if (kind == 2) logit = random.below(2) == 0 ? 0.0f : -0.0f;                     // are ties too
                    if (kind == 3 && random.below(4) == 0) logit = random.below(3) == 0 ? kNan : -kInfinity;
                    if (kind == 4) logit = kNan;
                }
                const auto entries = std::size_t(tokens) * std::size_t(k);
                std::int32_t* const idMemory = device.memory<std::int32_t>(entries);
                float* const weightMemory = device.memory<float>(entries);
                const int renormalise = kind % 2;
                device.launch("hearth_moe_route", moeRouteGrid(tokens), kMoeRouteThreads,
                              MoeRouteArgs{idMemory, weightMemory, device.upload(logits), tokens, experts, k, renormalise});
                const std::vector<std::int32_t> ids = device.read(idMemory, entries);
                const std::vector<float> weights = device.read(weightMemory, entries);
                VERIFY_DEVICE(device.ok());
                for (std::size_t token = 0; token < std::size_t(tokens); ++token) {
                    const float* const row = logits.data() + token * std::size_t(experts);
                    std::vector<std::int32_t> order(static_cast<std::size_t>(experts));
                    std::iota(order.begin(), order.end(), 0);
                    std::ranges::stable_sort(order, std::greater<>(), [row](std::int32_t id) { return std::isnan(row[id]) ? -kInfinity : row[id]; });
                    double total = 0.0;
                    double chosen = 0.0;
                    for (std::int32_t e = 0; e < experts; ++e) {
                        const double weight = std::exp(double(row[order[std::size_t(e)]]) - double(row[order[0]]));
                        total += weight;
                        if (e < k) chosen += weight;
                    }
                    for (std::size_t j = 0; j < std::size_t(k); ++j) {
                        const std::size_t entry = token * std::size_t(k) + j;
                        VERIFY_DEVICE(ids[entry] == order[j]);
                        const double weight = std::exp(double(row[order[j]]) - double(row[order[0]])) / total / (renormalise != 0 ? chosen / total : 1.0);
                        VERIFY_DEVICE(std::isnan(weight) ? std::isnan(weights[entry]) : std::fabs(double(weights[entry]) - weight) <= 1e-6);
                    }
                }

                std::int32_t* const offsetMemory = device.memory<std::int32_t>(std::size_t(experts) + 1);
                std::int32_t* const orderMemory = device.memory<std::int32_t>(entries);
                device.launch("hearth_moe_sort", moeSortGrid(experts), kMoeSortThreads,
                              MoeSortArgs{offsetMemory, orderMemory, idMemory, std::int32_t(entries), experts});
                const std::vector<std::int32_t> offsets = device.read(offsetMemory, std::size_t(experts) + 1);
                std::vector<std::int32_t> sorted(entries);
                std::iota(sorted.begin(), sorted.end(), 0);
                std::ranges::stable_sort(sorted, std::less<>(), [&ids](std::int32_t entry) { return ids[std::size_t(entry)]; });
                VERIFY_DEVICE(device.read(orderMemory, entries) == sorted);
                for (std::int32_t e = 0; e <= experts; ++e)
                    VERIFY_DEVICE(offsets[std::size_t(e)] == std::ranges::count_if(ids, [e](std::int32_t id) { return id < e; }));
                device.releaseAll();
            }
        }
    }

    void expertsAreCombined_data() { addWaves(); }
    void expertsAreCombined() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(7);
        for (const Shape& shape : {Shape{1, 37}, Shape{3, 64}, Shape{2, 1500}}) {
            for (const std::int32_t k : {1, 2, 8}) {
                const std::vector<float> x = random.many(std::size_t(shape.rows) * std::size_t(k) * std::size_t(shape.cols), 1.0f);
                const std::vector<float> weights = random.many(std::size_t(shape.rows) * std::size_t(k), 1.0f);
                const auto count = std::size_t(shape.rows) * std::size_t(shape.cols);
                std::vector<double> expected(count);
                for (std::size_t i = 0; i < count; ++i) {
                    const std::size_t token = i / std::size_t(shape.cols);
                    for (std::size_t j = token * std::size_t(k); j < (token + 1) * std::size_t(k); ++j)
                        expected[i] += double(weights[j]) * double(x[j * std::size_t(shape.cols) + i % std::size_t(shape.cols)]);
                }
                float* const out = device.memory<float>(count);
                device.launch("hearth_moe_combine", moeCombineGrid(shape.rows, shape.cols), kMoeCombineThreads,
                              MoeCombineArgs{out, device.upload(x), device.upload(weights), k, shape.cols, moeCombineBlocks(shape.cols)});
                VERIFY_DEVICE(near(device.read(out, count), expected, 3e-6));
                device.releaseAll();
            }
        }
    }

    void everyByteIsRead_data() { addWaves(); }
    void everyByteIsRead() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        Random random(8);
        for (const std::int64_t words : {1, 255, 257, 2048, 9001}) {
            for (const std::uint32_t blocks : {1u, 3u}) {
                std::vector<std::int32_t> memory(std::size_t(words) * 4);
                std::int32_t expected = 0;
                for (std::int32_t& word : memory) {
                    word = std::int32_t(random.below(0x7fffffff));
                    expected ^= word;
                }
                auto* const sums = device.memory<std::int32_t>(blocks);
                device.launch("hearth_read", {blocks, 1, 1}, kReadThreads,
                              ReadArgs{reinterpret_cast<const std::uint8_t*>(device.upload(memory)), sums, words});
                std::int32_t sum = 0;
                for (const std::int32_t share : device.read(sums, blocks)) sum ^= share;
                QVERIFY2(device.ok(), device.fault().c_str());
                QCOMPARE(sum, expected);
                device.releaseAll();
            }
        }
    }
};

QTEST_GUILESS_MAIN(RowKernelsTest)
#include "row_kernels_test.moc"
