// SPDX-License-Identifier: Apache-2.0
//
// What the store's tests share: results that must be there, with the error's text when they are not.
#pragma once

#include "core/base/error.h"

#include <QByteArray>
#include <QFile>
#include <QString>
#include <QTest>

#include <filesystem>
#include <string>

namespace hearth::core {

/// True when `result` holds a value; else the test's log says why not.
template <class T>
[[nodiscard]] bool succeeded(const Result<T>& result) {
    if (!result) {
        const std::string line = std::string(name(result.error().code)) + ": " + result.error().message;
        QTest::qFail(line.c_str(), __FILE__, __LINE__);
    }
    return result.has_value();
}

/// The error's code by name, or "no error"; so that a mismatch prints words.
template <class T>
[[nodiscard]] std::string codeOf(const Result<T>& result) {
    return result ? std::string("no error") : std::string(name(result.error().code));
}

inline QByteArray bytesOf(const std::filesystem::path& path) {
    QFile file(QString::fromStdString(path.string()));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace hearth::core

/// Goes on with the value, or ends the test function.
#define HEARTH_SUCCEEDS(result)                                                                                        \
    do {                                                                                                               \
        if (!hearth::core::succeeded(result)) return;                                                                  \
    } while (false)

#define HEARTH_FAILS_WITH(result, expectedCode) QCOMPARE(hearth::core::codeOf(result), std::string(expectedCode))
