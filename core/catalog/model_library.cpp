// SPDX-License-Identifier: Apache-2.0
#include "core/catalog/model_library.h"

#include "core/catalog/split_name.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <pwd.h>
#include <set>
#include <unistd.h>

namespace hearth::core {

namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 6;                   ///< folders below the one asked for
constexpr std::size_t kMostEntries = 200'000; ///< looked at in one scan: someone chose "/"

std::string lowered(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

/// By its name alone: a model, or the first part of one.
bool mayBeModel(const fs::path& path) {
    const std::string fileName = path.filename().string();
    const std::string lower = lowered(fileName);
    if (!lower.ends_with(".gguf") || lower.find("mmproj") != std::string::npos) return false;
    const auto split = splitNameOf(fileName);
    return !split || split->part == 1;
}

/// Walks folders and collects model files, each file and each folder once.
class Walk {
public:
    explicit Walk(std::stop_token stop)
        : m_stop(std::move(stop)) {}

    /// What to show for each real file.
    [[nodiscard]] const std::map<fs::path, fs::path>& files() const { return m_files; }

    void from(const fs::path& place) {
        std::error_code error;
        const fs::directory_entry entry(place, error);
        if (!error && entry.is_regular_file(error)) return visit(entry, 0);
        into(place, 0);
    }

private:
    void into(const fs::path& folder, int depth) {
        std::error_code error;
        const fs::path real = fs::canonical(folder, error);
        if (error || !m_folders.insert(real).second) return;
        for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
            if (m_stop.stop_requested() || ++m_entries > kMostEntries) return;
            visit(*entry, depth);
        }
    }

    void visit(const fs::directory_entry& entry, int depth) {
        std::error_code error;
        const fs::path& path = entry.path();
        if (entry.is_directory(error)) { // through a symbolic link too
            const bool hidden = path.filename().string().starts_with('.');
            if (!hidden && depth < kDeepest) into(path, depth + 1);
            return;
        }
        if (error || !entry.is_regular_file(error) || !mayBeModel(path)) return;
        const fs::path real = fs::canonical(path, error);
        if (error) return;
        const auto [found, isNew] = m_files.try_emplace(real, path);
        if (!isNew && !entry.is_symlink(error)) found->second = path; // the file itself rather than a link to it
    }

    std::stop_token m_stop;
    std::size_t m_entries = 0;
    std::set<fs::path> m_folders;
    std::map<fs::path, fs::path> m_files;
};

} // namespace

std::vector<ModelCard> ModelLibrary::scan(std::span<const std::filesystem::path> places, std::stop_token stop) {
    Walk walk(stop);
    for (const fs::path& place : places)
        walk.from(place);

    std::vector<ModelCard> cards;
    for (const auto& [real, file] : walk.files()) {
        if (stop.stop_requested()) break;
        cards.push_back(inspect(file));
    }
    std::ranges::sort(cards, {}, [](const ModelCard& card) { return std::pair(lowered(card.name), card.path); });
    return cards;
}

std::filesystem::path ModelLibrary::defaultFolder() {
    const fs::path below = fs::path("hearth") / "models";
    const char* data = std::getenv("XDG_DATA_HOME");
    if (data != nullptr && data[0] == '/')
        return data / below; // relative ones are to be ignored, says the specification
    const char* home = std::getenv("HOME");
    if (home == nullptr || home[0] == '\0') {
        const passwd* user = ::getpwuid(::getuid());
        home = user != nullptr ? user->pw_dir : "/";
    }
    return fs::path(home) / ".local" / "share" / below;
}

} // namespace hearth::core
