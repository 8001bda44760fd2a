// SPDX-License-Identifier: Apache-2.0
//
// Where other programs keep their GGUF files, so that they are used in place. Only what exists is named. Thread: any.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hearth::core {

/// The environment that decides, so that tests can make their own.
struct StoreEnvironment {
    std::filesystem::path home;
    std::filesystem::path dataHome;  ///< $XDG_DATA_HOME, else ~/.local/share
    std::filesystem::path cacheHome; ///< $XDG_CACHE_HOME, else ~/.cache
    std::filesystem::path huggingFace; ///< $HF_HUB_CACHE, else $HF_HOME/hub; empty = unset
    std::filesystem::path llamaCache;  ///< $LLAMA_CACHE; empty = unset
    std::filesystem::path ollama;      ///< $OLLAMA_MODELS; empty = unset

    [[nodiscard]] static StoreEnvironment ofProcess();
};

struct ModelStore {
    std::string program; ///< "Hugging Face", "LM Studio"
    std::filesystem::path folder;
};

/// Folders that hold *.gguf files: of Hugging Face, LM Studio, Jan, GPT4All and llama.cpp.
[[nodiscard]] std::vector<ModelStore> modelStores(const StoreEnvironment& environment);

/// A model that is kept under a name of its own, in a file without an ending.
struct NamedModel {
    std::string name; ///< "llama3.2:3b"
    std::filesystem::path file;
};

/// Ollama's: its manifests name the blobs. Sorted by name; each blob once. Manifests that cannot be read, that are too large
/// or that point out of the blobs' folder are passed over.
[[nodiscard]] std::vector<NamedModel> ollamaModels(const StoreEnvironment& environment);

} // namespace hearth::core
