// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target without libFuzzer: every seed of a folder, then mutations of it, the same ones on every machine.
// Usage: fuzz_NAME FOLDER MUTATIONS. An input that fails is left as replay-failed-input in the working folder.
#include "tests/fuzz/fuzz_target.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

const Bytes* g_current = nullptr; ///< for the signal handler

/// Only what a signal handler may do.
void keepFailedInput(int signal) {
    if (const int file = ::open("replay-failed-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
        file >= 0 && g_current != nullptr) {
        const auto written = ::write(file, g_current->data(), g_current->size());
        static_cast<void>(written);
        ::close(file);
    }
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

void run(const Bytes& input) {
    g_current = &input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
    g_current = nullptr;
}

/// std::uniform_int_distribution differs between libraries; the remainder does not.
std::size_t below(std::mt19937& random, std::size_t end) {
    return random() % end;
}

void putNumber(Bytes& bytes, std::mt19937& random) {
    static constexpr std::array<std::uint64_t, 8> kLimits{
        0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF};
    const std::uint64_t value = kLimits[below(random, kLimits.size())];
    const std::size_t size = std::size_t{1} << below(random, 4);
    if (bytes.size() >= size) std::memcpy(bytes.data() + below(random, bytes.size() - size + 1), &value, size);
}

void repeatPart(Bytes& bytes, std::mt19937& random) {
    constexpr std::size_t kLongest = 64;
    const std::size_t begin = below(random, bytes.size());
    const std::size_t length = 1 + below(random, std::min(kLongest, bytes.size() - begin));
    const Bytes part(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                     bytes.begin() + static_cast<std::ptrdiff_t>(begin + length));
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(begin), part.begin(), part.end());
}

Bytes mutated(const Bytes& seed, std::mt19937& random) {
    Bytes bytes = seed;
    for (std::size_t changes = 1 + below(random, 4); changes > 0 && !bytes.empty(); --changes) {
        // The beginning is where the structure is: half of all changes go to the first kilobyte.
        const std::size_t reach = below(random, 2) == 0 ? std::min<std::size_t>(bytes.size(), 1024) : bytes.size();
        switch (below(random, 6)) {
        case 0:
            bytes[below(random, reach)] ^= static_cast<std::uint8_t>(1u << below(random, 8));
            break;
        case 1:
            bytes[below(random, reach)] = static_cast<std::uint8_t>(random());
            break;
        case 2:
            putNumber(bytes, random);
            break;
        case 3:
            repeatPart(bytes, random);
            break;
        case 4:
            bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(below(random, reach)));
            break;
        default:
            bytes.resize(below(random, bytes.size() + 1));
            break;
        }
    }
    return bytes;
}

Bytes readAll(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s FOLDER MUTATIONS\n", argv[0]);
        return 2;
    }
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE})
        ::signal(signal, keepFailedInput);

    std::vector<fs::path> seeds;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(argv[1], error))
        seeds.push_back(entry.path());
    std::ranges::sort(seeds);
    if (seeds.empty()) {
        std::fprintf(stderr, "no seeds in %s\n", argv[1]);
        return 2;
    }
    const unsigned long mutations = std::strtoul(argv[2], nullptr, 10);
    for (const fs::path& path : seeds) {
        const Bytes seed = readAll(path);
        run(seed);
        std::mt19937 random(static_cast<std::mt19937::result_type>(seed.size()));
        for (unsigned long i = 0; i < mutations; ++i)
            run(mutated(seed, random));
    }
    std::printf("%zu seeds, %lu mutations each: nothing broke\n", seeds.size(), mutations);
    return 0;
}
