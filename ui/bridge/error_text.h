// SPDX-License-Identifier: Apache-2.0
//
// Every core::ErrorCode and core::GpuReason in words for people: what happened, why, what to do. The only place where errors are worded.
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/engine/generation.h"

#include <QString>

namespace hearth::ui {

struct ErrorText {
    QString title;   ///< what happened, a sentence without a full stop
    QString body;    ///< why, one or two sentences
    QString remedy;  ///< what to do; may be empty
    QString details; ///< core's own message: value, limit, place

    /// For one place in a row: "Title. Body Remedy"
    [[nodiscard]] QString inOneLine() const;
};

/// What the user was doing decides some of the words: the same code means another thing for a model than for the
/// history.
enum class ErrorContext { Model, Reply, History };

[[nodiscard]] ErrorText describe(const core::Error& error, ErrorContext context);

/// Why the CPU does the work, with the GPU's name where there is one; details are core's sentence. Empty title for Ok.
[[nodiscard]] ErrorText describeGpu(const core::ModelInfo& info);

} // namespace hearth::ui
