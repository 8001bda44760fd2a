// SPDX-License-Identifier: Apache-2.0
//
// Every weight format against blocks decoded by someone else's program (tests/data/blocks), and the 16-bit floats over all their bit patterns.
#include "kernels/dtype.h"
#include "kernels/quant/decode.h"
#include "kernels/quant/format_list.h"
#include "kernels/quant/q8_activation.h"

#include <QFile>
#include <QTest>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace hearth::kernels;

namespace {

/// Position on the line of all floats, so that neighbours differ by one; +0 and -0 are the same place.
std::int64_t place(float value) {
    const auto bits = static_cast<std::int64_t>(bitsOfFloat(value) & 0x7fffffffu);
    return std::signbit(value) ? -bits : bits;
}

/// What a half is worth, by the definition in IEEE 754, without any bit tricks.
double halfByDefinition(int bits) {
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    const int exponent = bits >> 10 & 31;
    const double fraction = (bits & 1023) / 1024.0;
    if (exponent == 31) return (bits & 1023) != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
    return exponent == 0 ? sign * std::ldexp(fraction, -14) : sign * std::ldexp(1.0 + fraction, exponent - 15);
}

} // namespace

class QuantBlocksTest : public QObject {
    Q_OBJECT

private slots:
    void formatMatchesTable_data() {
        QTest::addColumn<int>("dtype");
        QTest::addColumn<unsigned>("ggufId");
        QTest::addColumn<unsigned>("elements");
        QTest::addColumn<unsigned>("bytes");
#define HEARTH_ROW(NAME)                                                                                               \
    QTest::newRow(#NAME) << int(DType::NAME) << unsigned(Block##NAME::kGgufId) << unsigned(Block##NAME::kElements)     \
                         << unsigned(sizeof(Block##NAME));
        HEARTH_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
    }
    void formatMatchesTable() {
        QFETCH(int, dtype);
        QFETCH(unsigned, ggufId);
        QFETCH(unsigned, elements);
        QFETCH(unsigned, bytes);
        const DTypeInfo& type = info(static_cast<DType>(dtype));
        QCOMPARE(type.dtype, static_cast<DType>(dtype));
        QCOMPARE(std::string(type.name), std::string(QTest::currentDataTag()));
        QCOMPARE(type.ggufId, ggufId);
        QCOMPARE(type.elementsPerBlock, elements);
        QCOMPARE(type.bytesPerBlock, bytes);
        QVERIFY(dtypeFromGgufId(ggufId) == type.dtype);
        QCOMPARE(canDecode(type.dtype), type.computes);
    }

    void goldenBlocksDecode_data() {
        QTest::addColumn<int>("dtype");
        for (const DTypeInfo& type : allDTypes()) {
            if (type.computes && type.dtype != DType::F32) QTest::newRow(type.name.data()) << int(type.dtype);
        }
    }
    void goldenBlocksDecode() {
        QFETCH(int, dtype);
        const DTypeInfo& type = info(static_cast<DType>(dtype));
        const QString base = QStringLiteral(HEARTH_TEST_DATA "/blocks/") + type.name.data();
        QFile blocks(base + ".blocks");
        QFile golden(base + ".f32");
        QVERIFY2(blocks.open(QIODevice::ReadOnly), qPrintable(blocks.fileName()));
        QVERIFY2(golden.open(QIODevice::ReadOnly), qPrintable(golden.fileName()));
        const QByteArray raw = blocks.readAll();
        const QByteArray expectedBytes = golden.readAll();
        const std::int64_t elements = raw.size() / type.bytesPerBlock * type.elementsPerBlock;
        QVERIFY(elements > 0);
        QCOMPARE(expectedBytes.size(), elements * 4);

        std::vector<float> expected(static_cast<std::size_t>(elements));
        std::memcpy(expected.data(), expectedBytes.data(), static_cast<std::size_t>(expectedBytes.size()));
        std::vector<float> decoded(expected.size());
        decodeRow(type.dtype, decoded.data(), raw.data(), elements);

        std::int64_t inexact = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            if (std::isnan(expected[i])) {
                QVERIFY2(std::isnan(decoded[i]), qPrintable(QString("element %1").arg(i)));
                continue;
            }
            const std::int64_t distance = std::abs(place(decoded[i]) - place(expected[i]));
            inexact += distance != 0;
            QVERIFY2(
                distance <= 1,
                qPrintable(QString("element %1: %2, not %3").arg(i).arg(double(decoded[i])).arg(double(expected[i]))));
        }
        if (inexact != 0)
            qInfo("%s: %lld of %lld one unit in the last place off", type.name.data(), (long long)inexact,
                  (long long)elements);
    }

    void everyHalfWidensExactly() {
        for (int bits = 0; bits < 65536; ++bits) {
            const float value = halfToFloat(static_cast<std::uint16_t>(bits));
            const double expected = halfByDefinition(bits);
            if (std::isnan(expected)) {
                QVERIFY(std::isnan(value));
                continue;
            }
            QVERIFY2(static_cast<double>(value) == expected && std::signbit(value) == std::signbit(expected),
                     qPrintable(QString::number(bits, 16)));
            QCOMPARE(int(floatToHalf(value)), bits);
        }
    }

    void halfRoundsToNearestEven() {
        // Between any two neighbours: the exact middle goes to the even one, anything beside it to the nearer.
        for (int bits = 0; bits < 0x7c00; ++bits) {
            const double low = halfByDefinition(bits);
            const double high = bits == 0x7bff ? 65536.0 : halfByDefinition(bits + 1);
            const auto middle = static_cast<float>((low + high) / 2);
            const int even = bits % 2 == 0 ? bits : bits + 1;
            QCOMPARE(int(floatToHalf(middle)), even);
            QCOMPARE(int(floatToHalf(std::nextafter(middle, 0.0f))), bits);
            QCOMPARE(int(floatToHalf(std::nextafter(middle, HUGE_VALF))), bits + 1);
            QCOMPARE(int(floatToHalf(-middle)), even | 0x8000);
        }
        QCOMPARE(int(floatToHalf(HUGE_VALF)), 0x7c00);
        QCOMPARE(int(floatToHalf(1e-10f)), 0);
        QVERIFY(std::isnan(halfToFloat(floatToHalf(std::numeric_limits<float>::quiet_NaN()))));
    }

    void bf16RoundTrips() {
        for (int bits = 0; bits < 65536; ++bits) {
            const float value = bf16ToFloat(static_cast<std::uint16_t>(bits));
            if (std::isnan(value)) {
                QVERIFY(std::isnan(bf16ToFloat(floatToBf16(value))));
            } else {
                QCOMPARE(int(floatToBf16(value)), bits);
            }
        }
        QCOMPARE(int(floatToBf16(floatFromBits(0x3f808000u))), 0x3f80); // a tie, to even
        QCOMPARE(int(floatToBf16(floatFromBits(0x3f818000u))), 0x3f82);
        QCOMPARE(int(floatToBf16(std::numeric_limits<float>::max())), 0x7f80);
    }

    void activationBlockKeepsItsPromise() {
        std::vector<float> x(96);
        for (std::size_t i = 0; i < 32; ++i) x[i] = std::sin(static_cast<float>(i)) * 3.0f;
        x[40] = 1e-35f; // the second block is as good as empty, the third is
        Q8Block blocks[3];
        quantizeRowToQ8(blocks, x.data(), 96);
        std::int32_t sum = 0;
        for (int i = 0; i < 32; ++i) {
            QVERIFY(std::fabs(blocks[0].scale * blocks[0].q[i] - x[static_cast<std::size_t>(i)]) <=
                    blocks[0].scale * 0.5001f);
            sum += blocks[0].q[i];
        }
        QCOMPARE(blocks[0].sum, sum);
        for (int b = 1; b < 3; ++b) {
            QCOMPARE(blocks[b].scale, 0.0f);
            QCOMPARE(blocks[b].sum, 0);
        }
    }
};

QTEST_GUILESS_MAIN(QuantBlocksTest)
#include "quant_blocks_test.moc"
