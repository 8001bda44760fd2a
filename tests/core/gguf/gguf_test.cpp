// SPDX-License-Identifier: Apache-2.0
//
// GgufFile and GgufMetadata on files that are right.
#include "tests/core/gguf/gguf_hostile_test.h"

#include "core/gguf/file_type.h"
#include "core/gguf/gguf_file.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <filesystem>
#include <fstream>

using namespace hearth::core;
using hearth::kernels::DType;
using hearth::test::ByteWriter;
using hearth::test::GgufWriter;

namespace {

std::vector<float> ramp(std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i)
        values[i] = static_cast<float>(i);
    return values;
}

/// Part `no` of `count`, with one tensor of its own name.
GgufWriter splitPart(std::uint16_t no, std::uint16_t count, std::int32_t tensors) {
    GgufWriter writer;
    if (no == 0) writer.addString("general.architecture", "llama");
    writer.addUint16("split.no", no);
    writer.addUint16("split.count", count);
    writer.addInt32("split.tensors.count", tensors);
    writer.addTensor("part" + std::to_string(no), {4}, DType::F32, std::vector<float>(4, static_cast<float>(no)));
    return writer;
}

int codeOf(const Result<GgufFile>& file) {
    return file ? -1 : static_cast<int>(file.error().code);
}

} // namespace

class GgufTest : public QObject {
    Q_OBJECT

private slots:
    void scalarsAreWidened();
    void arraysAreWidened();
    void requiredKeysAreNamed();
    void tensorsAreFound_data();
    void tensorsAreFound();
    void alignmentIsTakenFromTheFile();
    void noTensorsIsAVocabularyFile();
    void splitFilesOpenAsOne();
    void wrongSplitsAreRefused();
    void changedFileIsNoticed();
    void quantizationIsNamed_data();
    void quantizationIsNamed();
    void referenceModelsOpen();
};

void GgufTest::scalarsAreWidened() {
    GgufWriter writer;
    writer.addUint8("u8", 255);
    writer.addRaw("i8", 1, ByteWriter().u8(0xff));
    writer.addUint16("u16", 65535);
    writer.addRaw("i16", 3, ByteWriter().u16(0x8000));
    writer.addUint32("u32", UINT32_MAX);
    writer.addInt32("i32", -5);
    writer.addUint64("u64", UINT64_MAX);
    writer.addRaw("i64", 11, ByteWriter().u64(static_cast<std::uint64_t>(INT64_MIN)));
    writer.addFloat32("f32", 0.5f);
    writer.addFloat64("f64", 1e300);
    writer.addBool("yes", true);
    writer.addBool("no", false);
    writer.addString("text", std::string("a\0b", 3));
    const auto bytes = writer.build();
    const auto file = GgufFile::parse(bytes, "scalars");
    QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
    const GgufMetadata& meta = file->metadata();

    QVERIFY(meta.uint("u8") == 255u);
    QVERIFY(meta.number("i8") == -1.0);
    QVERIFY(!meta.uint("i8").has_value());
    QVERIFY(meta.uint("u16") == 65535u);
    QVERIFY(meta.number("i16") == -32768.0);
    QVERIFY(meta.uint("u32") == UINT32_MAX);
    QVERIFY(meta.number("i32") == -5.0);
    QVERIFY(meta.uint("u64") == UINT64_MAX);
    QVERIFY(meta.number("i64") == static_cast<double>(INT64_MIN));
    QVERIFY(meta.number("f32") == 0.5);
    QVERIFY(meta.number("f64") == 1e300);
    QVERIFY(meta.boolean("yes") == true);
    QVERIFY(meta.boolean("no") == false);
    QVERIFY(meta.string("text") == std::string_view("a\0b", 3));
    QVERIFY(!meta.uint("f32").has_value());
    QVERIFY(!meta.number("yes").has_value());
    QVERIFY(!meta.boolean("u8").has_value());
    QVERIFY(!meta.string("absent").has_value());
}

void GgufTest::arraysAreWidened() {
    GgufWriter writer;
    writer.addRaw("i8s", 9, ByteWriter().u32(1).u64(2).u8(0xfe).u8(3));
    writer.addRaw("u32s", 9, ByteWriter().u32(4).u64(1).u32(UINT32_MAX));
    writer.addRaw("f64s", 9, ByteWriter().u32(12).u64(1).f64(0.25));
    writer.addRaw("bools", 9, ByteWriter().u32(7).u64(2).u8(1).u8(0));
    writer.addRaw("none", 9, ByteWriter().u32(8).u64(0));
    const std::vector<std::string> words{"", "two"};
    writer.addStrings("words", words);
    const auto bytes = writer.build();
    const auto file = GgufFile::parse(bytes, "arrays");
    QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
    const GgufMetadata& meta = file->metadata();
    QVERIFY(*meta.ints("i8s") == (std::vector<std::int64_t>{-2, 3}));
    QVERIFY(*meta.ints("u32s") == (std::vector<std::int64_t>{UINT32_MAX}));
    QVERIFY(*meta.floats("f64s") == (std::vector<float>{0.25f}));
    QVERIFY(*meta.strings("words") == words);
    QVERIFY(meta.strings("none")->empty());
    QVERIFY(meta.contains("bools"));
    QVERIFY(meta.ints("words") == nullptr);
    QVERIFY(!meta.uint("u32s").has_value());
}

void GgufTest::requiredKeysAreNamed() {
    GgufMetadata meta;
    QVERIFY(meta.insert("text", GgufScalar(std::string("x"))));
    QVERIFY(meta.insert("negative", GgufScalar(std::int64_t{-1})));
    QVERIFY(!meta.insert("text", GgufScalar(true)));
    QCOMPARE(static_cast<int>(meta.requireUint("absent").error().code), static_cast<int>(ErrorCode::MissingKey));
    QVERIFY(meta.requireUint("absent").error().message.find("'absent'") != std::string::npos);
    QCOMPARE(static_cast<int>(meta.requireUint("negative").error().code), static_cast<int>(ErrorCode::MalformedFile));
    QCOMPARE(static_cast<int>(meta.requireNumber("text").error().code), static_cast<int>(ErrorCode::MalformedFile));
    QCOMPARE(static_cast<int>(meta.requireString("negative").error().code), static_cast<int>(ErrorCode::MalformedFile));
    QVERIFY(meta.requireNumber("negative") == -1.0);
    QVERIFY(meta.requireString("text") == "x");
}

void GgufTest::tensorsAreFound_data() {
    QTest::addColumn<quint32>("version");
    QTest::newRow("v2") << 2u;
    QTest::newRow("v3") << 3u;
}

void GgufTest::tensorsAreFound() {
    QFETCH(quint32, version);
    GgufWriter writer;
    writer.version = version;
    writer.addTensor("vector", {3}, DType::F32, ramp(3));
    writer.addTensor("matrix", {32, 2}, DType::Q8_0, ramp(64));
    writer.addTensor("experts", {2, 3, 4}, DType::F16, ramp(24));
    const auto bytes = writer.build();
    const auto file = GgufFile::parse(bytes, "tensors");
    QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
    QCOMPARE(file->version(), version);
    QCOMPARE(file->tensors().size(), std::size_t{3});
    QVERIFY(file->findTensor("absent") == nullptr);
    QCOMPARE(file->fileBytes(), std::uint64_t{bytes.size()});

    const GgufTensor* vector = file->findTensor("vector");
    QVERIFY(vector != nullptr);
    QCOMPARE(vector->rank, 1);
    const auto data = file->data(*vector);
    QCOMPARE(data.size(), std::size_t{12});
    QCOMPARE(reinterpret_cast<const float*>(data.data())[2], 2.0f);

    const GgufTensor* matrix = file->findTensor("matrix");
    QVERIFY(matrix != nullptr);
    QVERIFY(matrix->dims == (std::array<std::uint64_t, 4>{32, 2, 1, 1}));
    QCOMPARE(matrix->byteSize, std::uint64_t{2 * 34});
    QCOMPARE(matrix->offset % 32, std::uint64_t{0});

    const GgufTensor* experts = file->findTensor("experts");
    QVERIFY(experts != nullptr);
    QCOMPARE(experts->rank, 3);
    QCOMPARE(experts->elements(), std::uint64_t{24});
    QCOMPARE(parameterCount(*file), std::uint64_t{3 + 64 + 24});
}

void GgufTest::alignmentIsTakenFromTheFile() {
    GgufWriter writer;
    writer.alignment = 4096;
    writer.addUint32("general.alignment", 4096);
    writer.addTensor("a", {4}, DType::F32, ramp(4));
    writer.addTensor("b", {4}, DType::F32, std::vector<float>(4, 9.0f));
    const auto bytes = writer.build();
    const auto file = GgufFile::parse(bytes, "aligned");
    QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
    QCOMPARE(file->findTensor("b")->offset, std::uint64_t{8192});
    QCOMPARE(reinterpret_cast<const float*>(file->data(*file->findTensor("b")).data())[0], 9.0f);
}

void GgufTest::noTensorsIsAVocabularyFile() {
    GgufWriter writer;
    writer.addString("general.architecture", "llama");
    const auto bytes = writer.build();
    QVERIFY(GgufFile::parse(bytes, "vocabulary").has_value());
    QCOMPARE(quantizationName(*GgufFile::parse(bytes, "vocabulary")), std::string());
}

void GgufTest::splitFilesOpenAsOne() {
    const QTemporaryDir folder;
    const std::filesystem::path root = folder.path().toStdString();
    for (std::uint16_t no = 0; no < 3; ++no) {
        splitPart(no, 3, 3).write(root / ("m-0000" + std::to_string(no + 1) + "-of-00003.gguf"));
    }
    for (const char* start : {"m-00001-of-00003.gguf", "m-00003-of-00003.gguf"}) {
        const auto file = GgufFile::open(root / start);
        QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
        QCOMPARE(file->path().filename().string(), std::string("m-00001-of-00003.gguf"));
        QCOMPARE(file->tensors().size(), std::size_t{3});
        QVERIFY(file->metadata().string("general.architecture") == "llama");
        for (int no = 0; no < 3; ++no) {
            const GgufTensor* tensor = file->findTensor("part" + std::to_string(no));
            QVERIFY(tensor != nullptr);
            QCOMPARE(tensor->split, static_cast<std::uint32_t>(no));
            QCOMPARE(reinterpret_cast<const float*>(file->data(*tensor).data())[1], static_cast<float>(no));
        }
        const auto first = std::filesystem::file_size(root / "m-00001-of-00003.gguf");
        QVERIFY(file->fileBytes() > first);
        QVERIFY(!file->changedOnDisk());
        QVERIFY(!file->damaged());
    }
    QVERIFY(GgufFile::open(root / "m-00002-of-00003.gguf", GgufTensors::Ignore).has_value());
}

void GgufTest::wrongSplitsAreRefused() {
    const QTemporaryDir folder;
    const std::filesystem::path root = folder.path().toStdString();
    splitPart(0, 2, 2).write(root / "gone-00001-of-00002.gguf");
    QCOMPARE(codeOf(GgufFile::open(root / "gone-00001-of-00002.gguf")), static_cast<int>(ErrorCode::FileNotFound));

    splitPart(0, 2, 2).write(root / "renamed.gguf");
    QCOMPARE(codeOf(GgufFile::open(root / "renamed.gguf")), static_cast<int>(ErrorCode::MalformedFile));

    splitPart(0, 2, 2).write(root / "twice-00001-of-00002.gguf");
    splitPart(0, 2, 2).write(root / "twice-00002-of-00002.gguf");
    QCOMPARE(codeOf(GgufFile::open(root / "twice-00001-of-00002.gguf")), static_cast<int>(ErrorCode::MalformedFile));

    splitPart(0, 2, 5).write(root / "few-00001-of-00002.gguf");
    splitPart(1, 2, 5).write(root / "few-00002-of-00002.gguf");
    QCOMPARE(codeOf(GgufFile::open(root / "few-00001-of-00002.gguf")), static_cast<int>(ErrorCode::MalformedFile));

    splitPart(5, 2, 2).write(root / "high-00001-of-00002.gguf");
    QCOMPARE(codeOf(GgufFile::open(root / "high-00001-of-00002.gguf")), static_cast<int>(ErrorCode::MalformedFile));

    GgufWriter same = splitPart(1, 2, 2);
    same.addTensor("part0", {4}, DType::F32, ramp(4));
    splitPart(0, 2, 3).write(root / "same-00001-of-00002.gguf");
    same.write(root / "same-00002-of-00002.gguf");
    QCOMPARE(codeOf(GgufFile::open(root / "same-00001-of-00002.gguf")), static_cast<int>(ErrorCode::MalformedFile));
}

void GgufTest::changedFileIsNoticed() {
    const QTemporaryDir folder;
    const auto path = hearth::test::writeTinyModel(folder.path().toStdString());
    const auto file = GgufFile::open(path);
    QVERIFY(file.has_value());
    QVERIFY(!file->changedOnDisk());
    std::ofstream(path, std::ios::binary | std::ios::app) << "more";
    QVERIFY(file->changedOnDisk());
}

void GgufTest::quantizationIsNamed_data() {
    QTest::addColumn<int>("fileType");
    QTest::addColumn<QString>("name");
    QTest::newRow("Q4_K_M") << 15 << "Q4_K_M";
    QTest::newRow("IQ2_XXS") << 19 << "IQ2_XXS";
    QTest::newRow("BF16") << 32 << "BF16";
    QTest::newRow("unknown: the most frequent type") << 999 << "Q8_0";
    QTest::newRow("absent: the most frequent type") << -1 << "Q8_0";
}

void GgufTest::quantizationIsNamed() {
    QFETCH(int, fileType);
    QFETCH(QString, name);
    GgufWriter writer;
    if (fileType >= 0) writer.addUint32("general.file_type", static_cast<std::uint32_t>(fileType));
    writer.addTensor("many", {32, 8}, DType::Q8_0, ramp(256));
    writer.addTensor("few", {32}, DType::F32, ramp(32));
    writer.addTensor("few too", {32}, DType::F32, ramp(32));
    const auto bytes = writer.build();
    QCOMPARE(QString::fromStdString(quantizationName(*GgufFile::parse(bytes, "named"))), name);
}

void GgufTest::referenceModelsOpen() {
    const std::filesystem::path folder = HEARTH_SHARED_REFS "/models/gguf";
    if (!std::filesystem::is_directory(folder)) QSKIP("the shared reference models are not here");
    int opened = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const auto file = GgufFile::open(entry.path());
        QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
        QVERIFY(!file->tensors().empty());
        ++opened;
    }
    QVERIFY(opened > 0);
}

int main(int argc, char** argv) {
    QCoreApplication application(argc, argv);
    GgufTest right;
    GgufHostileTest hostile;
    return QTest::qExec(&right, argc, argv) + QTest::qExec(&hostile, argc, argv);
}

#include "gguf_test.moc"
