// SPDX-License-Identifier: Apache-2.0
#include "core/catalog/model_stores.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <pwd.h>
#include <set>
#include <system_error>
#include <unistd.h>

namespace hearth::core {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestManifest = 1 << 20;
constexpr int kDeepestManifest = 5; ///< host / namespace / model / tag, and one for longer names
constexpr std::size_t kMostManifests = 10'000;

/// An absolute path from the environment; empty when unset or relative, which XDG says to ignore.
fs::path fromEnvironment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] == '/' ? fs::path(value) : fs::path();
}

bool isFolder(const fs::path& path) {
    std::error_code error;
    return fs::is_directory(path, error);
}

/// "sha256:<64 hex digits>" as the name of its file; empty when it is anything else.
std::string blobName(const std::string& digest) {
    constexpr std::string_view kPrefix = "sha256:";
    if (!digest.starts_with(kPrefix) || digest.size() != kPrefix.size() + 64) return {};
    const std::string hex = digest.substr(kPrefix.size());
    const auto isHex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return std::ranges::all_of(hex, isHex) ? "sha256-" + hex : std::string();
}

/// The blob that a manifest says is the model.
fs::path modelOf(const fs::path& manifest, const fs::path& blobs) {
    std::error_code error;
    const auto size = fs::file_size(manifest, error);
    if (error || size > kLargestManifest) return {};
    std::ifstream stream(manifest, std::ios::binary);
    const auto json = nlohmann::json::parse(stream, nullptr, false);
    if (!json.is_object()) return {};
    const auto layers = json.find("layers");
    if (layers == json.end() || !layers->is_array()) return {};
    for (const auto& layer : *layers) {
        if (!layer.is_object()) continue;
        const auto type = layer.find("mediaType");
        const auto digest = layer.find("digest");
        if (type == layer.end() || digest == layer.end() || !type->is_string() || !digest->is_string()) continue;
        if (type->get<std::string>() != "application/vnd.ollama.image.model") continue;
        const std::string name = blobName(digest->get<std::string>());
        const fs::path blob = blobs / name;
        if (!name.empty() && fs::is_regular_file(blob, error)) return blob;
    }
    return {};
}

/// "llama3.2:3b" from .../host/library/llama3.2/3b; others keep their namespace: "someone/model:tag".
std::string nameOf(const fs::path& manifest, const fs::path& manifests) {
    std::vector<std::string> parts;
    for (const fs::path& part : fs::relative(manifest, manifests)) parts.push_back(part.string());
    if (parts.size() < 2) return {};
    const std::string tag = parts.back();
    const std::string model = parts[parts.size() - 2];
    const std::string space = parts.size() > 3 ? parts[parts.size() - 3] : std::string();
    const std::string shown = tag == "latest" ? model : model + ':' + tag;
    return space.empty() || space == "library" ? shown : space + '/' + shown;
}

void addModelsOf(const fs::path& root, std::vector<NamedModel>& models, std::set<fs::path>& seen) {
    const fs::path manifests = root / "manifests";
    const fs::path blobs = root / "blobs";
    if (!isFolder(manifests) || !isFolder(blobs)) return;
    std::error_code error;
    std::size_t looked = 0;
    fs::recursive_directory_iterator entry(manifests, fs::directory_options::skip_permission_denied, error);
    for (const fs::recursive_directory_iterator end; !error && entry != end && looked < kMostManifests; entry.increment(error), ++looked) {
        if (entry.depth() >= kDeepestManifest) entry.disable_recursion_pending();
        std::error_code ignored;
        if (!entry->is_regular_file(ignored)) continue;
        const fs::path blob = modelOf(entry->path(), blobs);
        if (blob.empty() || !seen.insert(fs::weakly_canonical(blob, ignored)).second) continue;
        models.push_back({nameOf(entry->path(), manifests), blob});
    }
}

} // namespace

StoreEnvironment StoreEnvironment::ofProcess() {
    StoreEnvironment environment;
    environment.home = fromEnvironment("HOME");
    if (environment.home.empty()) {
        const passwd* user = ::getpwuid(::getuid());
        environment.home = user != nullptr ? user->pw_dir : "/";
    }
    environment.dataHome = fromEnvironment("XDG_DATA_HOME");
    if (environment.dataHome.empty()) environment.dataHome = environment.home / ".local" / "share";
    environment.cacheHome = fromEnvironment("XDG_CACHE_HOME");
    if (environment.cacheHome.empty()) environment.cacheHome = environment.home / ".cache";
    environment.huggingFace = fromEnvironment("HF_HUB_CACHE");
    if (const fs::path root = fromEnvironment("HF_HOME"); environment.huggingFace.empty() && !root.empty()) environment.huggingFace = root / "hub";
    environment.llamaCache = fromEnvironment("LLAMA_CACHE");
    environment.ollama = fromEnvironment("OLLAMA_MODELS");
    return environment;
}

std::vector<ModelStore> modelStores(const StoreEnvironment& environment) {
    const fs::path& home = environment.home;
    const std::vector<ModelStore> known{
        {"Hugging Face", environment.huggingFace.empty() ? environment.cacheHome / "huggingface" / "hub" : environment.huggingFace},
        {"LM Studio", home / ".lmstudio" / "models"},
        {"LM Studio", environment.cacheHome / "lm-studio" / "models"},
        {"Jan", environment.dataHome / "Jan" / "data" / "llamacpp" / "models"},
        {"Jan", home / ".config" / "Jan" / "data" / "models"},
        {"Jan", home / "jan" / "models"},
        {"GPT4All", environment.dataHome / "nomic.ai" / "GPT4All"},
        {"llama.cpp", environment.llamaCache.empty() ? environment.cacheHome / "llama.cpp" : environment.llamaCache},
    };
    std::vector<ModelStore> found;
    std::ranges::copy_if(known, std::back_inserter(found), [](const ModelStore& store) { return isFolder(store.folder); });
    return found;
}

std::vector<NamedModel> ollamaModels(const StoreEnvironment& environment) {
    std::vector<NamedModel> models;
    std::set<fs::path> seen;
    const fs::path own = environment.ollama.empty() ? environment.home / ".ollama" / "models" : environment.ollama;
    for (const fs::path& root : {own, fs::path("/usr/share/ollama/.ollama/models")}) addModelsOf(root, models, seen);
    std::ranges::sort(models, {}, &NamedModel::name);
    return models;
}

} // namespace hearth::core
