// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gpu_executor/gpu_executor.h"

#include "kernels/quant/half.h"

#include <boost/context/detail/fcontext.hpp>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" const char __executable_start;

namespace hearth_executor {

Thread* current = nullptr;
const float* const halves = [] {
    static std::vector<float> kValues(65536);
    for (std::size_t i = 0; i < kValues.size(); ++i) kValues[i] = hearth::kernels::halfToFloat(static_cast<std::uint16_t>(i));
    return kValues.data();
}();
int blockIndex[3];
int gridSize[3];
std::uint64_t blocksRun = 0;

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kStackBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxWaves = kMaxThreads / 32;

class SharedMemory;

/// Everything of the launch that is running. One at a time: shared memory is static.
struct Launch {
    const Kernel* kernel = nullptr;
    const void* arguments = nullptr;
    int waveSize = 32;
    Thread threads[kMaxThreads];
    Wave waves[kMaxWaves];
    Thread host; ///< who started the block
    Thread left; ///< stands for one that nobody goes back to
    SharedMemory* shared = nullptr;
    std::byte* stacks = nullptr;
    int waveCount = 0;
    int direction = 1; ///< lanes and waves run upwards or downwards
    int wavesArrived = 0;
    int wave = 0; ///< that runs
    Meeting meeting = Meeting::End;
    const char* file = nullptr;
    int line = 0;
    std::string wrong;

    // Faults of the processor while a kernel runs.
    volatile sig_atomic_t running = 0;
    pthread_t runner{};
    sigjmp_buf afterFault;
    int signal = 0;
    std::uintptr_t faultAddress = 0;
    std::uintptr_t faultPc = 0;
};
Launch launch;
std::mutex oneLaunch;
std::uint64_t launches = 0;

int inDirection(int index, int count) {
    if (launch.direction > 0) return index + 1 == count ? 0 : index + 1;
    return index == 0 ? count - 1 : index - 1;
}

void fibreMain(transfer_t from);

void switchTo(Thread& next) {
    Thread* const self = current;
    if (next.context == nullptr) {
        const auto i = static_cast<std::size_t>(next.index);
        std::byte* const top = launch.stacks + (i + 1) * (kStackBytes + kPageBytes);
        // Stacks that begin at the same offset of their pages would all fall into the same few lines of the cache.
        next.context = make_fcontext(top - i % 31 * 128, kStackBytes - kPageBytes, fibreMain);
    }
    current = &next;
    const transfer_t from = jump_fcontext(next.context, self);
    static_cast<Thread*>(from.data)->context = from.fctx;
}

const char* nameOf(Meeting meeting) {
    switch (meeting) {
    case Meeting::Shuffle: return "a shuffle";
    case Meeting::Ballot: return "a ballot";
    case Meeting::MatrixTile: return "a matrix product";
    case Meeting::Barrier: return "a barrier";
    case Meeting::End: break;
    }
    return "its end";
}

std::string placeOf(Meeting meeting, const char* file, int line) {
    std::string place = nameOf(meeting);
    if (*file != '\0') place += std::string(" (") + file + ":" + std::to_string(line) + ")";
    return place;
}

std::string whoRuns() {
    return std::string(launch.kernel->name) + ", waves of " + std::to_string(launch.waveSize) + ", block (" + std::to_string(blockIndex[0]) +
           ", " + std::to_string(blockIndex[1]) + ", " + std::to_string(blockIndex[2]) + "), thread " + std::to_string(current->index);
}

[[noreturn]] void endLaunch(std::string wrong) {
    launch.wrong = whoRuns() + ": " + std::move(wrong);
    current = &launch.host;
    jump_fcontext(launch.host.context, &launch.left); // the fibres are left as they are and their stacks used again
    std::abort();
}

/// The last lane of a wave has come to a place where waves meet: who runs next; nullptr when it goes on itself.
Thread* arriveAsWave(Meeting meeting, const char* file, int line) {
    if (launch.wavesArrived == 0) {
        launch.meeting = meeting;
        launch.file = file;
        launch.line = line;
    } else if (meeting != launch.meeting || line != launch.line || std::strcmp(file, launch.file) != 0) {
        endLaunch("its wave has come to " + placeOf(meeting, file, line) + ", another wave of the block to " +
                  placeOf(launch.meeting, launch.file, launch.line));
    }
    if (++launch.wavesArrived == launch.waveCount) {
        launch.wavesArrived = 0;
        return meeting == Meeting::End ? &launch.host : nullptr;
    }
    launch.wave = inDirection(launch.wave, launch.waveCount);
    const Wave& wave = launch.waves[launch.wave];
    return &wave.threads[wave.next];
}

/// The running thread has come to a meeting: who runs next; nullptr when it goes on itself.
Thread* arrive(Meeting meeting, const char* file, int line) {
    Wave& wave = *current->wave;
    if (wave.arrived == 0) {
        wave.meeting = meeting;
        wave.file = file;
        wave.line = line;
    } else if (meeting != wave.meeting || line != wave.line || (file != wave.file && std::strcmp(file, wave.file) != 0)) {
        endLaunch("it has come to " + placeOf(meeting, file, line) + ", other lanes of its wave to " +
                  placeOf(wave.meeting, wave.file, wave.line));
    }
    ++current->meetings;
    // Lanes come to every meeting in the same circular order, so the next in it is always the one that can run.
    wave.next = inDirection(current->lane, wave.lanes);
    if (++wave.arrived == wave.lanes) {
        wave.arrived = 0;
        return meeting == Meeting::Barrier || meeting == Meeting::End ? arriveAsWave(meeting, file, line) : nullptr;
    }
    return &wave.threads[wave.next];
}

void fibreMain(transfer_t from) {
    static_cast<Thread*>(from.data)->context = from.fctx;
    for (;;) {
        launch.kernel->run(launch.arguments);
        Thread& next = *arrive(Meeting::End, "", 0);
        // A thread that has not begun can have this one's stack: kernels without meetings need no switch at all.
        if (next.context != nullptr) switchTo(next); // for good
        current = &next;
    }
}

} // namespace

void meet(Meeting meeting, const char* file, int line) {
    if (Thread* const next = arrive(meeting, file, line)) switchTo(*next);
}

void fail(const char* what, const char* file, int line) {
    endLaunch(std::string(what) + " (" + file + ":" + std::to_string(line) + ")");
}

namespace {

/// Which parts of a section of shared memory no longer hold poison.
class SharedMemory {
public:
    explicit SharedMemory(const KernelTable& table)
        : m_begin(table.shared)
        , m_bytes(table.sharedBytes)
        , m_dirty((table.sharedBytes + kGranule - 1) / kGranule, true) {
        poison();
        std::fill(m_dirty.begin(), m_dirty.end(), false);
    }
    /// Looks for what a block has written.
    void scan() {
        for (std::size_t i = 0; i < m_dirty.size(); ++i) m_dirty[i] = m_dirty[i] || !poisoned(i);
    }
    void poison() {
        for (std::size_t i = 0; i < m_dirty.size(); ++i) {
            if (m_dirty[i]) std::memcpy(m_begin + i * kGranule, pattern().data(), size(i));
        }
    }
    [[nodiscard]] bool of(const KernelTable& table) const { return m_begin == table.shared; }

private:
    static constexpr std::size_t kGranule = 1024;
    static const std::array<std::uint32_t, kGranule / 4>& pattern() {
        static const auto kPattern = [] {
            std::array<std::uint32_t, kGranule / 4> words;
            words.fill(hearth::test::kPoison);
            return words;
        }();
        return kPattern;
    }
    [[nodiscard]] std::size_t size(std::size_t i) const { return std::min(kGranule, m_bytes - i * kGranule); }
    [[nodiscard]] bool poisoned(std::size_t i) const { return std::memcmp(m_begin + i * kGranule, pattern().data(), size(i)) == 0; }

    std::byte* m_begin;
    std::size_t m_bytes;
    std::vector<bool> m_dirty;
};

SharedMemory& sharedOf(const KernelTable& table) {
    static std::vector<SharedMemory> kSections;
    for (SharedMemory& section : kSections) {
        if (section.of(table)) return section;
    }
    return kSections.emplace_back(table);
}

// --- faults ------------------------------------------------------------------------------------------------------------

struct sigaction previous[NSIG];

void onFault(int signal, siginfo_t* info, void* context) {
    if (launch.running != 0 && pthread_equal(launch.runner, pthread_self()) != 0) {
        launch.signal = signal;
        launch.faultAddress = reinterpret_cast<std::uintptr_t>(info->si_addr);
#if defined(__x86_64__)
        launch.faultPc = static_cast<std::uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#else
        static_cast<void>(context);
#endif
        siglongjmp(launch.afterFault, 1);
    }
    // Not a kernel's: whoever handled it before, or the default, when the instruction is tried again. Device memory is closed to the host
    // (executor_runtime.cpp), so a test that looks into it ends here as well.
    sigaction(signal, &previous[signal], nullptr);
}

void catchFaults() {
    // Fibres have small stacks and may have overflowed them.
    thread_local std::vector<std::byte> stack;
    if (!stack.empty()) return;
    stack.resize(std::size_t{64} << 10);
    const stack_t alternative{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
    sigaltstack(&alternative, nullptr);
}

void handleSignals() {
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGTRAP}) {
        struct sigaction old {};
        sigaction(signal, nullptr, &old);
        if ((old.sa_flags & SA_SIGINFO) != 0 && old.sa_sigaction == onFault) continue;
        previous[signal] = old;
        struct sigaction action {};
        action.sa_sigaction = onFault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(signal, &action, nullptr);
    }
}

std::string describeFault(const hearth::test::AddressNames& nameOf) {
    char text[64];
    std::string what;
    if (launch.signal == SIGILL || launch.signal == SIGTRAP) {
        what = "an index outside its array, an unaligned vector or a division by zero";
    } else {
        std::snprintf(text, sizeof text, "a read or write at 0x%zx", static_cast<std::size_t>(launch.faultAddress));
        what = text;
        const auto stacks = reinterpret_cast<std::uintptr_t>(launch.stacks);
        if (launch.faultAddress - stacks < kMaxThreads * (kStackBytes + kPageBytes)) {
            what += ": the thread's stack overflows";
        } else if (const std::string name = nameOf(launch.faultAddress); !name.empty()) {
            what += ": " + name;
        }
    }
    if (launch.faultPc == 0) return what;
    std::snprintf(text, sizeof text, " (addr2line: 0x%zx)",
                  static_cast<std::size_t>(launch.faultPc - reinterpret_cast<std::uintptr_t>(&__executable_start)));
    return what + text;
}

// --- blocks ------------------------------------------------------------------------------------------------------------

void makeStacks() {
    if (launch.stacks != nullptr) return;
    void* const memory = mmap(nullptr, kMaxThreads * (kStackBytes + kPageBytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    launch.stacks = static_cast<std::byte*>(memory);
    for (int i = 0; i < kMaxThreads; ++i) {
        std::byte* const stack = launch.stacks + static_cast<std::size_t>(i) * (kStackBytes + kPageBytes) + kPageBytes;
        if (mprotect(stack, kStackBytes, PROT_READ | PROT_WRITE) != 0) std::abort();
    }
}

void prepareBlock(int waveSize) {
    launch.waveCount = (launch.kernel->threads + waveSize - 1) / waveSize;
    launch.wavesArrived = 0;
    launch.wave = launch.direction > 0 ? 0 : launch.waveCount - 1;
    for (int w = 0; w < launch.waveCount; ++w) {
        Wave& wave = launch.waves[w];
        wave.threads = launch.threads + w * waveSize;
        wave.lanes = std::min(waveSize, launch.kernel->threads - w * waveSize);
        wave.arrived = 0;
        wave.next = launch.direction > 0 ? 0 : wave.lanes - 1;
    }
    for (int i = 0; i < launch.kernel->threads; ++i) {
        Thread& thread = launch.threads[i];
        thread.index = i;
        thread.lane = i % waveSize;
        thread.meetings = 0;
        thread.wave = &launch.waves[i / waveSize];
        thread.context = nullptr; // not begun
    }
}

void runBlock() {
    prepareBlock(launch.waveSize);
    Wave& first = launch.waves[launch.wave];
    current = &launch.host;
    ++blocksRun;
    switchTo(first.threads[first.next]);
}

void runBlocks() {
    const bool upwards = launches++ % 2 == 0;
    const auto [x, y, z] = gridSize;
    const std::int64_t blocks = std::int64_t{x} * y * z;
    for (std::int64_t i = 0; i < blocks && launch.wrong.empty(); ++i) {
        const std::int64_t block = upwards ? i : blocks - 1 - i;
        blockIndex[0] = static_cast<int>(block % x);
        blockIndex[1] = static_cast<int>(block / x % y);
        blockIndex[2] = static_cast<int>(block / x / y);
        launch.direction = upwards == (i % 2 == 0) ? 1 : -1;
        launch.shared->poison();
        launch.running = 1;
        runBlock();
        launch.running = 0;
        if (i == 0) launch.shared->scan(); // blocks of one launch write to the same places
    }
}

} // namespace
} // namespace hearth_executor

namespace hearth::test {

using namespace hearth_executor;

const Kernel* findKernel(const KernelTable& table, const char* name) {
    for (const KernelList* const* list = table.lists; *list != nullptr; ++list) {
        for (const Kernel* kernel = (*list)->first; kernel != nullptr; kernel = kernel->next) {
            if (std::strcmp(kernel->name, name) == 0) return kernel;
        }
    }
    return nullptr;
}

std::optional<std::string> runGrid(const KernelTable& table, const Kernel& kernel, std::array<std::uint32_t, 3> grid, const void* arguments,
                                   const AddressNames& nameOf) {
    if (kernel.threads < 1 || kernel.threads > kMaxThreads) return std::string(kernel.name) + ": block size";
    const std::lock_guard lock(oneLaunch);
    makeStacks();
    catchFaults();
    handleSignals();
    launch.shared = &sharedOf(table);
    launch.kernel = &kernel;
    launch.arguments = arguments;
    launch.waveSize = table.waveSize;
    launch.runner = pthread_self();
    launch.wrong.clear();
    for (std::size_t i = 0; i < 3; ++i) gridSize[i] = static_cast<int>(grid[i]);

    if (sigsetjmp(launch.afterFault, 0) == 0) {
        runBlocks();
    } else {
        launch.running = 0;
        launch.wrong = whoRuns() + ": " + describeFault(nameOf);
    }
    current = nullptr;
    launch.shared->scan();
    if (launch.wrong.empty()) return std::nullopt;
    return launch.wrong;
}

} // namespace hearth::test
