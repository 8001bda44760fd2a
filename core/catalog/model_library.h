// SPDX-License-Identifier: Apache-2.0
//
// ModelLibrary: finds GGUF files in folders and reads their headers into ModelCards. Files stay where they are.
// Thread: any; scan runs on a worker.
#pragma once

#include "core/base/error.h"
#include "core/catalog/memory_plan.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace hearth::core {

struct ModelCard {
    std::string path; ///< of the first part when split
    std::string name; ///< general.name, else the file's stem made readable
    std::string architecture;
    std::string quantization; ///< "Q4_K_M"
    std::uint64_t bytes = 0;  ///< all parts
    std::uint64_t parameters = 0;
    std::int32_t trainedContextLength = 0;
    std::int64_t modifiedMs = 0;
    bool usable = false;
    std::optional<MemoryNeeds> needs; ///< of a usable one: what planMemory() asks
    std::string whyNot; ///< for people: "uses the architecture 'mamba', which Hearth cannot run yet"
};

class ModelLibrary {
public:
    /// Header of one file; never fails: an unusable file is a card with `whyNot`.
    [[nodiscard]] static ModelCard inspect(const std::filesystem::path& path);

    /// The places that are files, and all *.gguf below those that are folders (depth <= 6, symbolic links followed, cycles not; hidden folders, mmproj files and
    /// second and later split parts left out; duplicates by canonical path dropped), sorted by name. Missing and
    /// unreadable folders are skipped. After a stop request: what was found until then.
    [[nodiscard]] static std::vector<ModelCard> scan(std::span<const std::filesystem::path> places,
                                                     std::stop_token stop);

    /// $XDG_DATA_HOME/hearth/models (~/.local/share/hearth/models): where the starter model goes.
    [[nodiscard]] static std::filesystem::path defaultFolder();
};

} // namespace hearth::core
