// SPDX-License-Identifier: Apache-2.0
//
// A byte-level BPE vocabulary without a language: 256 bytes, syllables, invented words, and the control tokens of a model
// family, so that a generated model can be chatted with. Thread: any.
#pragma once

#include "app/cli/model_shapes.h"
#include "core/tokenizer/vocabulary.h"

namespace hearth::app::cli {

/// Exactly shape.vocabulary tokens (900 at least), all different; every merge joins two tokens to a third. The same for
/// every seed.
[[nodiscard]] core::Vocabulary inventVocabulary(const ModelShape& shape);

} // namespace hearth::app::cli
