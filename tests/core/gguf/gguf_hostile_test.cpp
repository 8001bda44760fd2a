// SPDX-License-Identifier: Apache-2.0
#include "tests/core/gguf/gguf_hostile_test.h"

#include "core/gguf/gguf_file.h"
#include "tests/support/gguf_writer.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <functional>
#include <string>

using namespace hearth::core;
using hearth::test::ByteWriter;
using hearth::test::GgufWriter;
using hearth::test::TestTensor;

namespace {

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kQ4_0 = 2;
constexpr std::uint32_t kArrayType = 9;
constexpr std::uint32_t kStringType = 8;

TestTensor f32Tensor(std::string name, std::uint64_t elements) {
    return {std::move(name), {elements}, kF32, std::vector<std::byte>(elements * sizeof(float)), std::nullopt};
}

/// A small file with one of everything, correct.
GgufWriter validWriter() {
    GgufWriter writer;
    writer.addString("general.architecture", "llama");
    writer.addUint32("a.count", 7);
    writer.addBool("a.flag", true);
    const std::vector<std::string> tokens{"one", "two"};
    writer.addStrings("a.tokens", tokens);
    writer.addTensor(f32Tensor("first", 8));
    writer.addTensor(f32Tensor("second", 4));
    return writer;
}

std::vector<std::byte> changed(const std::function<void(GgufWriter&)>& change) {
    GgufWriter writer = validWriter();
    change(writer);
    return writer.build();
}

void newRow(const char* name, const std::function<void(GgufWriter&)>& change, ErrorCode code, const char* mention) {
    const std::vector<std::byte> bytes = changed(change);
    QTest::newRow(name) << QByteArray(reinterpret_cast<const char*>(bytes.data()), static_cast<qsizetype>(bytes.size()))
                        << static_cast<int>(code) << QString::fromLatin1(mention);
}

std::span<const std::byte> spanOf(const QByteArray& bytes) {
    return std::as_bytes(std::span(bytes.constData(), static_cast<std::size_t>(bytes.size())));
}

TestTensor withDims(std::vector<std::uint64_t> dims, std::uint32_t typeId = kF32) {
    return {"odd", std::move(dims), typeId, {}, std::nullopt};
}

} // namespace

void GgufHostileTest::invalidFilesAreRefused_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("mention");
    using enum ErrorCode;

    newRow(
        "version 0", [](auto& w) { w.version = 0; }, UnsupportedVersion, "version");
    newRow(
        "version 1", [](auto& w) { w.version = 1; }, UnsupportedVersion, "version");
    newRow(
        "version 4", [](auto& w) { w.version = 4; }, UnsupportedVersion, "versions 2 and 3");
    newRow(
        "big-endian version", [](auto& w) { w.version = 0x03000000; }, UnsupportedVersion, "big-endian");

    newRow(
        "huge tensor count", [](auto& w) { w.tensorCount = UINT64_MAX; }, FileTruncated, "tensor count");
    newRow(
        "huge key count", [](auto& w) { w.keyCount = UINT64_MAX; }, FileTruncated, "key count");
    newRow(
        "a million keys", [](auto& w) { w.keyCount = 1'000'000; }, FileTruncated, "key count");
    newRow(
        "one key too many", [](auto& w) { w.keyCount = 5; }, MalformedFile, "is empty");
    newRow(
        "one key too few", [](auto& w) { w.keyCount = 3; }, MalformedFile, "dimension count");
    newRow(
        "one tensor too many", [](auto& w) { w.tensorCount = 3; }, MalformedFile, "is empty");

    newRow(
        "empty key", [](auto& w) { w.addUint32("", 1); }, MalformedFile, "is empty");
    newRow(
        "key too long", [](auto& w) { w.addUint32(std::string(70'000, 'k'), 1); }, MalformedFile, "65535");
    newRow(
        "duplicate key", [](auto& w) { w.addUint32("a.count", 8); }, MalformedFile,
        "key 'a.count', name: appears twice");
    newRow(
        "unknown value type", [](auto& w) { w.addRaw("x", 13, ByteWriter().u32(1)); }, MalformedFile, "unknown id 13");
    newRow(
        "huge value type", [](auto& w) { w.addRaw("x", UINT32_MAX, ByteWriter().u32(1)); }, MalformedFile,
        "unknown id");
    newRow(
        "bool of 2", [](auto& w) { w.addRaw("x", 7, ByteWriter().u8(2)); }, MalformedFile, "bool of 2");
    newRow(
        "string past the end", [](auto& w) { w.addRaw("x", kStringType, ByteWriter().u64(1u << 30)); }, FileTruncated,
        "key 'x'");
    newRow(
        "string of 2^64 - 1", [](auto& w) { w.addRaw("x", kStringType, ByteWriter().u64(UINT64_MAX)); }, FileTruncated,
        "key 'x'");

    const auto array = [](std::uint32_t type, std::uint64_t count) { return ByteWriter().u32(type).u64(count); };
    newRow(
        "nested array", [&](auto& w) { w.addRaw("x", kArrayType, array(kArrayType, 1)); }, MalformedFile, "nested");
    newRow(
        "unknown array type", [&](auto& w) { w.addRaw("x", kArrayType, array(77, 1)); }, MalformedFile,
        "unknown id 77");
    newRow(
        "array past the end", [&](auto& w) { w.addRaw("x", kArrayType, array(4, 1'000'000)); }, FileTruncated,
        "array length");
    newRow(
        "array size overflows", [&](auto& w) { w.addRaw("x", kArrayType, array(10, UINT64_MAX / 8 + 2)); },
        FileTruncated, "array length");
    newRow(
        "string array past the end", [&](auto& w) { w.addRaw("x", kArrayType, array(kStringType, 1u << 20)); },
        FileTruncated, "array length");
    newRow(
        "string in an array past the end",
        [&](auto& w) { w.addRaw("x", kArrayType, ByteWriter().u32(kStringType).u64(1).u64(UINT64_MAX / 2)); },
        FileTruncated, "key 'x', array");
    newRow(
        "array longer than the limit",
        [&](auto& w) {
            w.addRaw("x", kArrayType, array(0, (1u << 24) + 1).append(std::vector<std::byte>((1u << 24) + 1)));
        },
        MalformedFile, "16777216");
    newRow(
        "bool array of 3", [&](auto& w) { w.addRaw("x", kArrayType, array(7, 1).u8(3)); }, MalformedFile, "bool of 3");
    newRow(
        "u64 array over int64", [&](auto& w) { w.addRaw("x", kArrayType, array(10, 1).u64(UINT64_MAX)); },
        MalformedFile, "2^63");

    newRow(
        "alignment 0", [](auto& w) { w.addUint32("general.alignment", 0); }, MalformedFile, "general.alignment");
    newRow(
        "alignment 4", [](auto& w) { w.addUint32("general.alignment", 4); }, MalformedFile, "general.alignment");
    newRow(
        "alignment 48", [](auto& w) { w.addUint32("general.alignment", 48); }, MalformedFile, "power of two");
    newRow(
        "alignment a string", [](auto& w) { w.addString("general.alignment", "32"); }, MalformedFile,
        "general.alignment");
    newRow(
        "alignment 2^63", [](auto& w) { w.addUint64("general.alignment", 1ull << 63); }, FileTruncated, "data");

    newRow(
        "rank 0", [](auto& w) { w.addTensor(withDims({})); }, MalformedFile, "tensor 'odd', dimension count: 0");
    newRow(
        "rank 5",
        [](auto& w) {
            w.addTensor(withDims({1, 1, 1, 1, 1}));
        },
        MalformedFile, "dimension count: 5");
    newRow(
        "zero dimension",
        [](auto& w) {
            w.addTensor(withDims({32, 0}));
        },
        MalformedFile, "dimension 1");
    newRow(
        "product overflows",
        [](auto& w) {
            w.addTensor(withDims({1ull << 40, 1ull << 40}));
        },
        MalformedFile, "overflow");
    newRow(
        "product near 2^64", [](auto& w) { w.addTensor(withDims({UINT64_MAX})); }, MalformedFile, "overflow");
    newRow(
        "byte size overflows", [](auto& w) { w.addTensor(withDims({(1ull << 62) - 1})); }, MalformedFile, "overflow");
    newRow(
        "data past the end", [](auto& w) { w.addTensor(withDims({1024})); }, FileTruncated, "tensor 'odd', data");
    newRow(
        "row not whole blocks", [](auto& w) { w.addTensor(withDims({33}, kQ4_0)); }, MalformedFile, "blocks of 32");
    newRow(
        "row not whole superblocks",
        [](auto& w) {
            w.addTensor(withDims({128, 2}, 12));
        },
        MalformedFile, "blocks of 256");
    newRow(
        "removed type id", [](auto& w) { w.addTensor(withDims({32}, 4)); }, UnsupportedTensorType, "type id 4");
    newRow(
        "unknown type id", [](auto& w) { w.addTensor(withDims({32}, 1234)); }, UnsupportedTensorType, "type id 1234");
    newRow(
        "empty tensor name", [](auto& w) { w.addTensor(f32Tensor("", 1)); }, MalformedFile, "name: is empty");
    newRow(
        "tensor name too long", [](auto& w) { w.addTensor(f32Tensor(std::string(2'000, 't'), 1)); }, MalformedFile,
        "1024");
    newRow(
        "duplicate tensor", [](auto& w) { w.addTensor(f32Tensor("first", 1)); }, MalformedFile,
        "'first' appears twice");

    const auto at = [](std::uint64_t offset) {
        return [offset](GgufWriter& writer) {
            TestTensor tensor = f32Tensor("placed", 4);
            tensor.offset = offset;
            writer.addTensor(tensor);
        };
    };
    newRow("overlap", at(0), MalformedFile, "overlaps");
    newRow("misaligned offset", at(4), MalformedFile, "not a multiple of the alignment");
    newRow("offset past the end", at(1u << 20), FileTruncated, "tensor 'placed', data");
    newRow("offset overflows", at(UINT64_MAX - 31), MalformedFile, "overflows");
}

void GgufHostileTest::invalidFilesAreRefused() {
    QFETCH(QByteArray, bytes);
    QFETCH(int, code);
    QFETCH(QString, mention);
    const auto file = GgufFile::parse(spanOf(bytes), "hostile.gguf");
    QVERIFY(!file.has_value());
    const QString message = QString::fromStdString(file.error().message);
    QVERIFY2(static_cast<int>(file.error().code) == code, qPrintable(message));
    QVERIFY2(message.contains(mention), qPrintable(message));
    QVERIFY2(message.startsWith("hostile.gguf: byte "), qPrintable(message));
}

void GgufHostileTest::foreignFilesAreNamed_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("mention");
    QTest::newRow("big-endian") << QByteArray("FUGG\0\0\0\3", 8) << "big-endian";
    QTest::newRow("ggml") << QByteArray("lmgg\1\0\0\0", 8) << "GGML";
    QTest::newRow("ggmf") << QByteArray("fmgg\1\0\0\0", 8) << "GGMF";
    QTest::newRow("ggjt") << QByteArray("tjgg\3\0\0\0", 8) << "GGJT";
    QTest::newRow("ggla") << QByteArray("algg\1\0\0\0", 8) << "GGLA";
    QTest::newRow("safetensors") << QByteArray("\x40\0\0\0\0\0\0\0{\"__metadata__\":", 24) << "safetensors";
    QTest::newRow("zip") << QByteArray("PK\3\4....") << "ZIP";
    QTest::newRow("pickle") << QByteArray("\x80\x02}q") << "pickle";
    QTest::newRow("html") << QByteArray("<!DOCTYPE html><html>") << "HTML";
    QTest::newRow("html in capitals, after a blank line") << QByteArray("\r\n<HTML><BODY>") << "HTML";
    QTest::newRow("git lfs") << QByteArray("version https://git-lfs.github.com/spec/v1\noid sha256:") << "Git LFS";
    QTest::newRow("gzip") << QByteArray("\x1f\x8b\x08\0", 4) << "gzip";
    QTest::newRow("anything") << QByteArray("\xde\xad\xbe\xef and more") << "de ad be ef";
    QTest::newRow("one byte") << QByteArray("x") << "78";
}

void GgufHostileTest::foreignFilesAreNamed() {
    QFETCH(QByteArray, bytes);
    QFETCH(QString, mention);
    const auto file = GgufFile::parse(spanOf(bytes), "foreign");
    QVERIFY(!file.has_value());
    const QString message = QString::fromStdString(file.error().message);
    QVERIFY2(file.error().code == ErrorCode::NotGguf, qPrintable(message));
    QVERIFY2(message.contains(mention), qPrintable(message));
}

void GgufHostileTest::everyTruncationIsAnError() {
    const std::vector<std::byte> whole = validWriter().build();
    QVERIFY(GgufFile::parse(whole, "whole").has_value());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // A copy of exactly this size: a sanitizer then sees any read past it.
        const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto file = GgufFile::parse(cut, "cut");
        QVERIFY2(!file.has_value(), qPrintable(QString("%1 of %2 bytes were accepted").arg(size).arg(whole.size())));
        QVERIFY2(file.error().code == ErrorCode::FileTruncated,
                 qPrintable(QString::fromStdString(file.error().message)));
    }
}

void GgufHostileTest::everyFlippedByteIsSurvived() {
    const std::vector<std::byte> whole = validWriter().build();
    int refused = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
            std::vector<std::byte> bytes = whole;
            bytes[i] ^= static_cast<std::byte>(flip);
            const auto file = GgufFile::parse(bytes, "flipped");
            if (!file) {
                QVERIFY(!file.error().message.empty());
                ++refused;
                continue;
            }
            for (const GgufTensor& tensor : file->tensors())
                QCOMPARE(file->data(tensor).size(), tensor.byteSize);
        }
    }
    QVERIFY(refused > 0);
}

void GgufHostileTest::unopenableFilesAreRefused() {
    const QTemporaryDir folder;
    const std::filesystem::path root = folder.path().toStdString();
    const auto codeOf = [](const std::filesystem::path& path) {
        const auto file = GgufFile::open(path);
        return file ? -1 : static_cast<int>(file.error().code);
    };
    QCOMPARE(codeOf(root / "absent.gguf"), static_cast<int>(ErrorCode::FileNotFound));
    QCOMPARE(codeOf(root), static_cast<int>(ErrorCode::IsDirectory));
    hearth::test::writeFile(root / "empty.gguf", {});
    QCOMPARE(codeOf(root / "empty.gguf"), static_cast<int>(ErrorCode::FileTruncated));
}
