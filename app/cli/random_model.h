// SPDX-License-Identifier: Apache-2.0
//
// writeRandomModel: a GGUF file of a known shape with random weights, streamed to disk by several threads; the whole
// model is never in memory.
#pragma once

#include "app/cli/model_plan.h"
#include "core/base/error.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace hearth::app::cli {

struct RandomModelRequest {
    ModelShape shape;
    std::string_view type; ///< one of modelTypes()
    std::filesystem::path path;
    std::uint64_t seed = 1;
    int threads = 0; ///< 0 = all of the machine
};

/// Returns the bytes written. Same shape, type and seed give the same bytes with any number of threads. Writes
/// "<path>.part" and renames it at the end, so that `path` is either whole or as it was.
/// Errors: DiskFull (found before the first byte where the file system tells), FileNotFound (no such folder), IsDirectory,
/// PermissionDenied, IoError.
[[nodiscard]] core::Result<std::uint64_t> writeRandomModel(const RandomModelRequest& request);

} // namespace hearth::app::cli
