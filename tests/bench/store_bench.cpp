// SPDX-License-Identifier: Apache-2.0
//
// The store with 100,000 messages in 5,000 conversations: searching, listing, making the index anew. The words are drawn
// by Zipf's law from 30,000 made-up ones, every tenth message is of Han characters, so that common and rare terms cost what
// they would cost.
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "core/store/search_index.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>

using namespace hearth::core;

namespace {

constexpr int kConversations = 5'000;
constexpr int kMessages = 100'000;
constexpr int kWords = 30'000;

/// Word of a rank: two to five syllables, the same for every run.
std::string wordOf(unsigned rank) {
    static constexpr const char* kSyllables[] = {"ba", "con", "de", "er", "fi", "ga", "in", "ka", "lo", "men", "no", "per", "ra", "st", "ti", "un"};
    std::string word;
    for (unsigned left = rank + 17; left > 0; left /= 16) word += kSyllables[left % 16];
    return word;
}

std::string hanOf(unsigned rank) {
    const char32_t c = 0x4E00 + rank % 3000;
    return {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
}

std::unique_ptr<Database> filled() {
    const std::filesystem::path file = std::filesystem::temp_directory_path() / "hearth-store-bench.db";
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + end);
    auto opened = Database::open(file);
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        std::exit(1);
    }
    SQLite::Database& handle = (*opened)->handle();
    SQLite::Transaction transaction(handle);
    SQLite::Statement chat(handle, "INSERT INTO conversation (id, title, title_folded, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?)");
    SQLite::Statement message(handle, "INSERT INTO message (conversation_id, role, state, created_ms, text) VALUES (?, 1, 0, ?, ?)");
    std::mt19937 random(5);
    std::uniform_real_distribution<double> uniform(0, 1);
    const auto rank = [&] { return static_cast<unsigned>(std::pow(double(kWords), uniform(random))) - 1; };
    for (int i = 0; i < kConversations; ++i) {
        const std::string title = wordOf(rank()) + ' ' + wordOf(rank());
        chat.bind(1, i + 1);
        chat.bind(2, title);
        chat.bind(3, title);
        chat.bind(4, 1000 * i);
        chat.bind(5, 1000 * i);
        chat.exec();
        chat.reset();
    }
    for (int i = 0; i < kMessages; ++i) {
        std::string text;
        const bool han = i % 10 == 0;
        const int length = 20 + int(random() % 200);
        for (int w = 0; w < length; ++w) text += han ? hanOf(rank()) : wordOf(rank()) + ' ';
        message.bind(1, 1 + i / (kMessages / kConversations));
        message.bind(2, 1000 * i);
        message.bind(3, text);
        message.exec();
        message.reset();
    }
    transaction.commit();
    std::printf("%s: %.0f MB\n", file.c_str(), double(std::filesystem::file_size(file)) / 1e6);
    return std::move(*opened);
}

Database& database() {
    static const std::unique_ptr<Database> kDatabase = filled();
    return *kDatabase;
}

void search(benchmark::State& state, const std::string& query) {
    SearchIndex index(database());
    std::size_t hits = 0;
    for (auto _ : state) {
        const auto found = index.search(query);
        if (!found) return state.SkipWithError(found.error().message.c_str());
        hits = found->size();
    }
    state.counters["hits"] = double(hits);
}

void list(benchmark::State& state) {
    const ChatStore store(database());
    for (auto _ : state) benchmark::DoNotOptimize(store.conversations()->size());
}

void rebuild(benchmark::State& state) {
    SearchIndex index(database());
    for (auto _ : state) {
        if (!index.rebuild()) state.SkipWithError("rebuild failed");
    }
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    const std::pair<const char*, std::string> queries[] = {
        {"one letter", "b"},
        {"two letters", "co"},
        {"beginning of many words", "con"},
        {"commonest word", wordOf(0)},
        {"two common words", wordOf(0) + ' ' + wordOf(1)},
        {"three beginnings", "con ba per"},
        {"rare word", wordOf(29'000)},
        {"common and rare", wordOf(0) + ' ' + wordOf(29'000)},
        {"phrase of common words", '"' + wordOf(0) + ' ' + wordOf(1) + '"'},
        {"nothing", "qqqq"},
        {"one Han character", hanOf(0)},
        {"two Han characters", hanOf(0) + hanOf(1)},
        {"four Han characters", hanOf(0) + hanOf(1) + hanOf(2) + hanOf(0)},
    };
    for (const auto& [name, query] : queries) {
        benchmark::RegisterBenchmark((std::string("search/") + name).c_str(), [query = query](benchmark::State& state) { search(state, query); })
            ->Unit(benchmark::kMillisecond);
    }
    benchmark::RegisterBenchmark("list 5,000 conversations", list)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("index made anew", rebuild)->Unit(benchmark::kMillisecond)->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
