// SPDX-License-Identifier: Apache-2.0
//
// What the decoder-only transformers have in common: the metadata keys every one of them uses. An architecture file starts
// from these and says where it differs; its tensors: tensor_list.h. Keys: the GGUF specification and gguf-py's constants.
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_metadata.h"
#include "core/model/arch/key_reader.h"
#include "core/model/model_config.h"

namespace hearth::core {

/// Reads and bounds the common keys (the prefix is general.architecture), then lets the architecture read its own. `norm`
/// says which epsilon the file must have. The first error of both, or the configuration, whose numbers fit each other.
[[nodiscard]] Result<ModelConfig> readTransformerConfig(const GgufMetadata& metadata, NormKind norm,
                                                        void (*readOwn)(KeyReader& keys, ModelConfig& config));

/// For readOwn: expert_count, expert_used_count, expert_feed_forward_length. A model without experts stays dense, unless
/// they are Required; without any feed_forward_length that is an error.
void readExperts(KeyReader& keys, ModelConfig& config, TensorNeed need = TensorNeed::Optional);

/// For readOwn, of models whose first blocks are dense: leading_dense_block_count, expert_shared_count and the width that
/// follows from it.
void readSharedExperts(KeyReader& keys, ModelConfig& config);

/// For readOwn, of the granite family: logit_scale (a divisor), residual_scale, embedding_scale, attention.scale, and
/// rope.scaling.finetuned, which is false where nothing is rotated.
void readMultipliers(KeyReader& keys, ModelConfig& config);

/// For readOwn: attention.sliding_window and its pattern (KeyReader::slidingLayers); `window` where the key is absent, 0 for
/// no window. Sliding layers turn as the others do, or by rope.freq_base_swa.
void readSlidingWindow(KeyReader& keys, ModelConfig& config, std::int32_t window, std::int32_t period);

} // namespace hearth::core
