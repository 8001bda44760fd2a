// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapping_guard.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace hearth::core::mapping_guard {

namespace {

struct Slot {
    std::atomic<bool> taken = false;
    std::atomic<std::uintptr_t> begin = 0; ///< 0 = not in use: set last, cleared first
    std::atomic<std::uintptr_t> end = 0;
    std::atomic<bool> damaged = false;
};

constexpr int kSlots = 64; // models in use and split parts; catalogue scans come and go
std::array<Slot, kSlots> g_slots;
struct sigaction g_previous = {};
std::uintptr_t g_pageSize = 4096;

void onBusError(int signal, siginfo_t* info, void* context) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    for (Slot& slot : g_slots) {
        const std::uintptr_t begin = slot.begin.load(std::memory_order_acquire);
        if (begin == 0 || address < begin || address >= slot.end.load(std::memory_order_acquire)) continue;
        void* page = reinterpret_cast<void*>(address & ~(g_pageSize - 1));
        if (::mmap(page, g_pageSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
        slot.damaged.store(true, std::memory_order_release);
        return;
    }
    if ((g_previous.sa_flags & SA_SIGINFO) != 0 && g_previous.sa_sigaction != nullptr) {
        g_previous.sa_sigaction(signal, info, context);
        return;
    }
    // Back to the default and return: the access is tried again and ends the program with the usual core dump.
    ::signal(SIGBUS, SIG_DFL);
}

void install() {
    g_pageSize = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &g_previous);
}

} // namespace

int add(const std::byte* data, std::size_t size) {
    static std::once_flag once;
    std::call_once(once, install);
    for (int i = 0; i < kSlots; ++i) {
        Slot& slot = g_slots[static_cast<std::size_t>(i)];
        if (slot.taken.exchange(true)) continue;
        const auto begin = reinterpret_cast<std::uintptr_t>(data);
        slot.damaged.store(false);
        // The last page is mapped whole, so reads past the file's end inside it are the kernel's zeros.
        slot.end.store(begin + size);
        slot.begin.store(begin, std::memory_order_release);
        return i;
    }
    return -1;
}

void remove(int slot) {
    if (slot < 0) return;
    Slot& entry = g_slots[static_cast<std::size_t>(slot)];
    entry.begin.store(0, std::memory_order_release);
    entry.taken.store(false);
}

bool damaged(int slot) {
    return slot >= 0 && g_slots[static_cast<std::size_t>(slot)].damaged.load(std::memory_order_acquire);
}

} // namespace hearth::core::mapping_guard
