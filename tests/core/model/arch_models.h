// SPDX-License-Identifier: Apache-2.0
//
// ArchModels: a tiny model of every architecture (some in several variants), with random weights. Its keys are written here as
// the converters write them; its tensors are those that the architecture lists, so that llama.cpp, which computed the logits in
// tests/data/models/generated, refuses the file when that list is wrong. The same model gives the same file on every machine.
#pragma once

#include "core/gguf/gguf_metadata.h"
#include "core/model/tensor_spec.h"
#include "tests/support/gguf_writer.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace hearth::test {

struct ArchModel {
    std::string name; ///< "gemma2"; the file's stem, and that of its logits in generated/
    std::string architecture;
    std::uint64_t seed = 1;
    std::map<std::string, core::GgufValue> keys; ///< without those of the tokenizer
    bool fusedQkv = false;                       ///< attn_qkv instead of three tensors
    bool optionalBiases = false;
    bool tiedOutput = false;
    std::set<std::string> factors; ///< of rope_freqs, rope_factors_long, rope_factors_short: those in the file
    bool secondNorm = false;       ///< attn_norm_2
    bool mxfp4Experts = false;     ///< in blocks of MXFP4 instead of F32
    /// Looser than for the others: what the engine that computed the logits is known to round.
    double extraTolerance = 0.0;
};

[[nodiscard]] std::vector<ArchModel> archModels();

/// Its metadata with a small vocabulary's token list, as readConfig() wants it.
[[nodiscard]] core::GgufMetadata metadataOf(const ArchModel& model);

/// The tensors with their values.
[[nodiscard]] std::vector<TestTensor> tensorsOf(const ArchModel& model);

/// The file of these keys and tensors.
[[nodiscard]] GgufWriter fileOf(const ArchModel& model, std::vector<TestTensor> tensors);

/// Writes it into `folder` and returns its path.
std::filesystem::path writeArchModel(const std::filesystem::path& folder, const ArchModel& model);

} // namespace hearth::test
