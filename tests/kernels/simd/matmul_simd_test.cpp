// SPDX-License-Identifier: Apache-2.0
//
// The matrix products of every instruction set against a scalar double-precision product of the same weights (decoded by
// kernels/quant) and the same 8-bit activations: every format, many shapes, weights that end at an unreadable page.
#include "kernels/cpu/simd/matmul_simd.h"
#include "kernels/quant/decode.h"

#include <QTest>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace hearth::kernels;

namespace {

/// Memory whose last byte is followed by a page that must not be touched.
class GuardedBytes {
public:
    explicit GuardedBytes(std::size_t bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t body = (bytes + page - 1) / page * page;
        m_mappedBytes = body + page;
        m_mapped = mmap(nullptr, m_mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        Q_ASSERT(m_mapped != MAP_FAILED);
        mprotect(static_cast<std::uint8_t*>(m_mapped) + body, page, PROT_NONE);
        m_data = static_cast<std::uint8_t*>(m_mapped) + body - bytes;
    }
    ~GuardedBytes() { munmap(m_mapped, m_mappedBytes); }
    GuardedBytes(const GuardedBytes&) = delete;
    GuardedBytes& operator=(const GuardedBytes&) = delete;
    [[nodiscard]] std::uint8_t* data() const { return m_data; }

private:
    void* m_mapped = nullptr;
    std::size_t m_mappedBytes = 0;
    std::uint8_t* m_data = nullptr;
};

/// Those with kernels of their own.
constexpr CpuPath kPaths[] = {CpuPath::Avx2, CpuPath::Avx2Vnni, CpuPath::Avx512Vnni};

/// Where a block of the type keeps f16 numbers: random bits there would be infinities.
std::vector<int> halfFieldsOf(DType dtype) {
    switch (dtype) {
    case DType::Q4_1:
    case DType::Q5_1:
    case DType::Q4_K:
    case DType::Q5_K: return {0, 2};
    case DType::Q2_K: return {80, 82};
    case DType::Q3_K: return {108};
    case DType::Q6_K: return {208};
    case DType::TQ1_0: return {52};
    case DType::TQ2_0: return {64};
    case DType::IQ1_M:
    case DType::MXFP4: return {};
    default: return {0};
    }
}

bool isFloat(DType dtype) {
    return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

/// Random bits with scales between 0.001 and 1 of either sign, now and then 0 or subnormal.
std::vector<std::uint8_t> randomWeights(DType dtype, std::int64_t blocks, std::mt19937& random) {
    const DTypeInfo& type = info(dtype);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(blocks) * type.bytesPerBlock);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    for (std::int64_t b = 0; b < blocks; ++b) {
        std::uint8_t* block = bytes.data() + b * type.bytesPerBlock;
        const auto real = [&] {
            return std::ldexp(static_cast<float>(random() % 2001) / 1000.0f - 1.0f, -static_cast<int>(random() % 8));
        };
        if (dtype == DType::F32) {
            const float value = real();
            std::memcpy(block, &value, sizeof value);
        } else if (dtype == DType::BF16 || dtype == DType::F16) {
            const std::uint16_t value = dtype == DType::F16 ? floatToHalf(real()) : floatToBf16(real());
            std::memcpy(block, &value, sizeof value);
        } else {
            for (const int at : halfFieldsOf(dtype)) {
                const std::uint32_t kind = random() % 32;
                const std::uint16_t value = kind == 0 ? 0 : kind == 1 ? 77 : floatToHalf(real());
                std::memcpy(block + at, &value, sizeof value);
            }
            if (dtype == DType::MXFP4) block[0] = static_cast<std::uint8_t>(random() % 16 == 0 ? random() % 2 : 120 + random() % 8);
            if (dtype == DType::IQ1_M) {
                // The top nibbles of four words make the f16 0x2?..: 0.01 to 0.03 or so.
                block[55] = static_cast<std::uint8_t>(0x20 | (block[55] & 15));
            }
        }
    }
    return bytes;
}

std::vector<float> randomActivations(std::size_t count, std::mt19937& random) {
    std::normal_distribution<float> normal(0.0f, 1.5f);
    std::vector<float> x(count);
    for (float& value : x) value = normal(random);
    return x;
}

struct Shape {
    std::int64_t rows;
    std::int64_t cols;
    std::int64_t tokens;
};

QString describe(DType dtype, const Shape& s) {
    const std::string_view name = info(dtype).name;
    return QStringLiteral("%1 rows %2 cols %3 tokens %4")
        .arg(QString::fromLatin1(name.data(), static_cast<qsizetype>(name.size())))
        .arg(s.rows)
        .arg(s.cols)
        .arg(s.tokens);
}

/// What every path must give: sums and the sums of magnitudes, [token][row].
struct Expected {
    std::vector<double> dot;
    std::vector<double> magnitude;
};

Expected reference(const std::vector<float>& weights, const std::vector<float>& x, const Shape& s) {
    Expected expected;
    for (std::int64_t t = 0; t < s.tokens; ++t) {
        for (std::int64_t r = 0; r < s.rows; ++r) {
            double dot = 0.0;
            double magnitude = 0.0;
            for (std::int64_t c = 0; c < s.cols; ++c) {
                const double product = static_cast<double>(weights[static_cast<std::size_t>(r * s.cols + c)])
                                       * static_cast<double>(x[static_cast<std::size_t>(t * s.cols + c)]);
                dot += product;
                magnitude += std::fabs(product);
            }
            expected.dot.push_back(dot);
            expected.magnitude.push_back(magnitude);
        }
    }
    return expected;
}

/// One shape of one format: the numbers, and the comparison of one path with them.
class Case {
public:
    Case(DType dtype, Shape shape, std::uint32_t seed)
        : m_dtype(dtype), m_shape(shape),
          m_rowBytes(static_cast<std::int64_t>(bytesFor(dtype, static_cast<std::uint64_t>(shape.cols)))),
          m_guarded(static_cast<std::size_t>(m_rowBytes * shape.rows)) {
        std::mt19937 random(seed);
        const std::int64_t blocks = shape.rows * shape.cols / info(dtype).elementsPerBlock;
        const std::vector<std::uint8_t> bytes = randomWeights(dtype, blocks, random);
        std::memcpy(m_guarded.data(), bytes.data(), bytes.size());
        std::vector<float> weights(static_cast<std::size_t>(shape.rows * shape.cols));
        decodeRow(dtype, weights.data(), bytes.data(), shape.rows * shape.cols);
        m_x = randomActivations(static_cast<std::size_t>(shape.tokens * shape.cols), random);
        std::vector<float> used = m_x;
        if (!isFloat(dtype)) {
            std::vector<Q8Block> rounded(m_x.size() / 32);
            quantizeRowToQ8(rounded.data(), m_x.data(), static_cast<std::int64_t>(m_x.size()));
            for (std::size_t i = 0; i < used.size(); ++i) {
                used[i] = rounded[i / 32].scale * static_cast<float>(rounded[i / 32].q[i % 32]);
            }
        }
        m_expected = reference(weights, used, shape);
    }

    /// Rows [from, to); empty when all is well. Values outside must stay as they were.
    [[nodiscard]] QString differenceOf(const MatmulKernels& kernels, std::int64_t from, std::int64_t to) const {
        const std::int64_t stride = m_shape.rows + 3;
        constexpr float kUntouched = -12345.0f;
        std::vector<float> out(static_cast<std::size_t>(m_shape.tokens * stride), kUntouched);
        if (isFloat(m_dtype)) {
            kernels.matmulFloat(out.data(), stride, m_dtype, m_guarded.data(), m_rowBytes, from, to, m_x.data(), m_shape.cols,
                                m_shape.tokens, m_shape.cols);
        } else {
            // What was in the memory before may not matter: not even a number where the last chunk is not full.
            std::vector<Q8Chunk> panel(static_cast<std::size_t>(q8PanelChunks(m_shape.tokens, m_shape.cols)));
            std::memset(static_cast<void*>(panel.data()), 0xff, panel.size() * sizeof(Q8Chunk));
            for (std::int64_t t = 0; t < m_shape.tokens; ++t) {
                kernels.packRow(panel.data(), m_shape.tokens, t, m_x.data() + t * m_shape.cols, m_shape.cols, nullptr);
            }
            kernels.matmul(out.data(), stride, m_dtype, m_guarded.data(), m_rowBytes, from, to, panel.data(), m_shape.tokens,
                           m_shape.cols);
        }
        for (std::int64_t t = 0; t < m_shape.tokens; ++t) {
            for (std::int64_t r = 0; r < stride; ++r) {
                const double got = static_cast<double>(out[static_cast<std::size_t>(t * stride + r)]);
                const bool asked = r >= from && r < to;
                const auto at = static_cast<std::size_t>(t * m_shape.rows + r);
                const double wanted = asked ? m_expected.dot[at] : static_cast<double>(kUntouched);
                // Rows of subnormal weights alone keep few digits.
                const double tolerance = asked ? 1e-5 * m_expected.magnitude[at] + 1e-36 : 0.0;
                if (!(std::fabs(got - wanted) <= tolerance)) {
                    return describe(m_dtype, m_shape)
                           + QStringLiteral(": token %1 row %2 is %3, not %4, magnitude %5")
                                 .arg(t).arg(r).arg(got).arg(wanted).arg(asked ? m_expected.magnitude[at] : 0.0);
                }
            }
        }
        return {};
    }

private:
    DType m_dtype;
    Shape m_shape;
    std::int64_t m_rowBytes;
    GuardedBytes m_guarded;
    std::vector<float> m_x;
    Expected m_expected;
};

} // namespace

class MatmulSimdTest : public QObject {
    Q_OBJECT

    static void addPaths() {
        QTest::addColumn<int>("path");
        for (const CpuPath path : kPaths) QTest::newRow(cpuPathName(path)) << static_cast<int>(path);
    }

    static void addPathsAndTypes() {
        QTest::addColumn<int>("path");
        QTest::addColumn<int>("dtype");
        for (const CpuPath path : kPaths) {
            for (const DTypeInfo& type : allDTypes()) {
                if (type.dtype == DType::I32) continue;
                const std::string row = std::string(cpuPathName(path)) + " " + std::string(type.name);
                QTest::newRow(row.c_str()) << static_cast<int>(path) << static_cast<int>(type.dtype);
            }
        }
    }

    /// nullptr after a skip.
    static const MatmulKernels* kernelsOrSkip(CpuPath path) {
        if (!cpuPathSupported(path)) {
            const QString reason = QStringLiteral("this processor has no %1").arg(QLatin1String(cpuPathName(path)));
            QTest::qSkip(qPrintable(reason), __FILE__, __LINE__);
            return nullptr;
        }
        const MatmulKernels* kernels = matmulKernels(path);
        if (!kernels) QTest::qSkip("these kernels were not compiled for this architecture", __FILE__, __LINE__);
        return kernels;
    }

private slots:
    void portablePath_hasNoTable() { QVERIFY(matmulKernels(CpuPath::Portable) == nullptr); }
    void avx512WithoutVnni_sharesAvx2() { QCOMPARE(matmulKernels(CpuPath::Avx512), matmulKernels(CpuPath::Avx2)); }

    void everyComputableType_isSupported_data() { addPaths(); }
    void everyComputableType_isSupported() {
        QFETCH(int, path);
        const MatmulKernels* kernels = kernelsOrSkip(static_cast<CpuPath>(path));
        if (!kernels) return;
        for (const DTypeInfo& type : allDTypes()) {
            if (type.computes) QVERIFY2(kernels->supports(type.dtype), type.name.data());
        }
        QVERIFY(!kernels->supports(DType::I32));
    }

    void packRow_equalsDefinition_data() { addPaths(); }
    void packRow_equalsDefinition() {
        QFETCH(int, path);
        const MatmulKernels* kernels = kernelsOrSkip(static_cast<CpuPath>(path));
        if (!kernels) return;
        std::mt19937 random(7);
        constexpr std::int64_t kCols = 32 * 400;
        std::vector<float> x = randomActivations(kCols, random);
        for (int b = 0; b < 400; ++b) {
            // Many magnitudes, ties, zero blocks, blocks below the smallest magnitude, one infinity.
            for (int i = 0; i < 32; ++i) {
                float& value = x[static_cast<std::size_t>(b * 32 + i)];
                if (b % 10 == 0) value = static_cast<float>(static_cast<int>(random() % 255) - 127) * 0.5f;
                else if (b % 10 == 1) value = 0.0f;
                else value *= std::ldexp(1.0f, static_cast<int>(b % 200) - 110);
            }
        }
        x[5 * 32 + 3] = std::numeric_limits<float>::infinity();
        std::vector<Q8Block> expected(400);
        quantizeRowToQ8(expected.data(), x.data(), kCols);
        for (const std::int64_t tokens : {1, 7}) { // few and many may be packed differently
            std::vector<Q8Chunk> panel(static_cast<std::size_t>(q8PanelChunks(tokens, kCols)));
            std::vector<float> rest(kCols);
            kernels->packRow(panel.data(), tokens, tokens - 1, x.data(), kCols, rest.data());
            const auto blockOf = [&](std::int64_t b) -> const Q8Chunk& {
                return panel[static_cast<std::size_t>(b / 8 * tokens + tokens - 1)];
            };
            const int raise = static_cast<int>(blockOf(1).q[32]); // block 1 is zero throughout
            QVERIFY(raise == 0 || raise == 128);
            for (std::int64_t b = 0; b < 400; ++b) {
                const Q8Block& wanted = expected[static_cast<std::size_t>(b)];
                const Q8Chunk& chunk = blockOf(b);
                const auto at = static_cast<std::size_t>(b % 8);
                int sums[2] = {};
                for (std::size_t i = 0; i < 32; ++i) {
                    QCOMPARE(static_cast<int>(static_cast<std::int8_t>(chunk.q[at * 32 + i] - raise)), static_cast<int>(wanted.q[i]));
                    sums[i / 16] += wanted.q[i];
                    const auto column = static_cast<std::size_t>(b * 32) + i;
                    if (!std::isfinite(x[column])) continue;
                    const double left = static_cast<double>(x[column]) - static_cast<double>(wanted.scale) * wanted.q[i];
                    QVERIFY(std::fabs(static_cast<double>(rest[column]) - left) <= 1e-7 * std::fabs(static_cast<double>(x[column])) + 1e-37);
                }
                QCOMPARE(chunk.scale[at], wanted.scale);
                QCOMPARE(chunk.sum32[at], wanted.scale * static_cast<float>(wanted.sum));
                QCOMPARE(chunk.sum16[2 * at], wanted.scale * static_cast<float>(sums[0]));
                QCOMPARE(chunk.sum16[2 * at + 1], wanted.scale * static_cast<float>(sums[1]));
            }
        }
    }

    void matmul_equalsScalarProduct_data() { addPathsAndTypes(); }
    void matmul_equalsScalarProduct() {
        QFETCH(int, path);
        QFETCH(int, dtype);
        const MatmulKernels* kernels = kernelsOrSkip(static_cast<CpuPath>(path));
        if (!kernels) return;
        const auto type = static_cast<DType>(dtype);
        if (!kernels->supports(type)) QSKIP("no kernels for this type: the portable path computes it");
        // 8,224 columns are several panels of a tile, 515 tokens two passes.
        std::vector<Shape> shapes{{3, 8224, 5}, {18, 256, 515}, {37, 544, 11}};
        for (const std::int64_t tokens : {6, 7, 8, 9, 10, 12, 14}) shapes.push_back({33, 256, tokens});
        for (const std::int64_t cols : {32, 96, 256, 896, 2048}) {
            for (const std::int64_t rows : {1, 3, 17, 64}) {
                for (const std::int64_t tokens : {1, 2, 3, 5, 16, 33}) {
                    const bool small = rows * cols * tokens <= 64 * 896 * 5;
                    if (small || (rows == 17 && tokens == 33)) shapes.push_back({rows, cols, tokens});
                }
            }
        }
        if (isFloat(type)) shapes.insert(shapes.end(), {{5, 1, 1}, {5, 7, 6}, {9, 29, 3}});
        std::uint32_t seed = 1;
        for (Shape shape : shapes) {
            if (info(type).elementsPerBlock == 256) {
                if (shape.cols < 256) continue;
                shape.cols -= shape.cols % 256;
            }
            const Case sample(type, shape, ++seed);
            QString difference = sample.differenceOf(*kernels, 0, shape.rows);
            if (difference.isEmpty()) difference = sample.differenceOf(*kernels, shape.rows / 3, shape.rows - shape.rows / 4);
            QVERIFY2(difference.isEmpty(), qPrintable(difference));
        }
    }
};

QTEST_GUILESS_MAIN(MatmulSimdTest)
#include "matmul_simd_test.moc"
