// SPDX-License-Identifier: Apache-2.0
//
// What kernel code sees of the executor: the thread that is running, and the places where threads meet. The namespace is not hearth's: the
// kernels' translation units lie in an unnamed namespace of their own (executor_kernels.cpp), where `hearth` means something else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth_executor {

constexpr int kMaxLanes = 64;
constexpr int kMaxThreads = 1024;
constexpr int kTileBytes = 64; ///< what one lane brings to a product of matrix tiles: 16 halves of A and 16 of B

struct Wave;

struct Thread {
    int index = 0; ///< in its block
    int lane = 0;
    std::uint32_t meetings = 0; ///< how often it met the other lanes of its wave
    Wave* wave = nullptr;
    void* context = nullptr;
};

enum class Meeting : std::uint8_t { Shuffle, Ballot, MatrixTile, Barrier, End };

struct Wave {
    Thread* threads = nullptr;
    int lanes = 0;
    int arrived = 0;
    int next = 0; ///< the lane that runs when this wave does
    Meeting meeting = Meeting::End;
    const char* file = nullptr;
    int line = 0;
    // What the lanes bring, twice: the last to arrive goes on at once and may be one meeting ahead of those that still read.
    alignas(64) std::uint32_t words[2][kMaxLanes];
    alignas(64) std::byte tiles[2][kMaxLanes][kTileBytes];
};

extern Thread* current;
extern const float* const halves; ///< [65536]: the values of all f16 numbers
extern int blockIndex[3];
extern int gridSize[3];
extern std::uint64_t blocksRun; ///< a number for each block of the process

/// Waits until all lanes of the wave (Barrier: all threads of the block) have come to the same place. Ends the launch with a message when
/// they cannot: lanes at different places, or some that have ended. `file` and `line` say which place.
void meet(Meeting meeting, const char* file, int line);

/// Ends the launch. `what` is a literal.
[[noreturn]] void fail(const char* what, const char* file, int line);

struct Kernel {
    const char* name;
    int threads;
    std::size_t argumentBytes;
    void (*run)(const void* arguments);
    void (*clearPadding)(void* arguments); ///< what lies between the fields becomes 0; null where the compiler cannot say
    Kernel* next;
};

struct KernelList {
    Kernel* first = nullptr;
};

/// Puts a kernel into its translation unit's list when the program starts.
struct KernelEntry : Kernel {
    KernelEntry(KernelList& list, const char* kernelName, int blockThreads, std::size_t bytes, void (*function)(const void*),
                void (*clear)(void*))
        : Kernel{kernelName, blockThreads, bytes, function, clear, list.first} {
        list.first = this;
    }
};

/// Kernels that were compiled for one wave size: a list for each of their translation units.
struct KernelTable {
    int waveSize;
    const KernelList* const* lists; ///< ends with a null pointer
    std::byte* shared;              ///< where their HEARTH_SHARED arrays lie
    std::size_t sharedBytes;
};

} // namespace hearth_executor
