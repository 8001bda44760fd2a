// SPDX-License-Identifier: Apache-2.0
//
// Files that lie: every row of invalidFilesAreRefused is a GGUF that contradicts the format once.
#pragma once

#include <QObject>

class GgufHostileTest : public QObject {
    Q_OBJECT

private slots:
    void invalidFilesAreRefused_data();
    void invalidFilesAreRefused();
    void foreignFilesAreNamed_data();
    void foreignFilesAreNamed();
    void everyTruncationIsAnError();
    void everyFlippedByteIsSurvived();
    void unopenableFilesAreRefused();
};
