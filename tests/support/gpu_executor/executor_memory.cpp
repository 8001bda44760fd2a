// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gpu_executor/executor_memory.h"

#include "tests/support/gpu_executor/gpu_executor.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace hearth::test {

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kGuardBytes = std::size_t{64} << 10; ///< on either side
constexpr std::size_t kReleasedKept = 256;
constexpr std::uint64_t kAlignment = 16;
constexpr auto kSlack = std::byte{0xa5};

std::uintptr_t addressOf(const void* memory) {
    return reinterpret_cast<std::uintptr_t>(memory);
}

std::uint64_t alignedUp(std::uint64_t bytes, std::uint64_t alignment) {
    return (bytes + alignment - 1) / alignment * alignment;
}

/// A file of poison. Mapped privately it costs only the pages that are written.
constexpr std::size_t kPoisonBytes = std::size_t{4} << 20;
int poisonFile() {
    static const int kFile = [] {
        const int file = memfd_create("poison", MFD_CLOEXEC);
        const std::vector<std::uint32_t> words(kPoisonBytes / 4, kPoison);
        if (file >= 0 && write(file, words.data(), kPoisonBytes) != static_cast<ssize_t>(kPoisonBytes)) return -1;
        return file;
    }();
    return kFile;
}

bool mapPoison(std::byte* pages, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += kPoisonBytes) {
        const std::size_t part = std::min(kPoisonBytes, bytes - at);
        if (mmap(pages + at, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, poisonFile(), 0) == MAP_FAILED) return false;
    }
    return true;
}

} // namespace

ExecutorMemory::~ExecutorMemory() {
    for (const auto& [address, allocation] : m_allocations) unmap(allocation);
}

void ExecutorMemory::unmap(const Allocation& allocation) {
    munmap(allocation.pages - kGuardBytes, allocation.pageBytes + 2 * kGuardBytes);
}

void* ExecutorMemory::allocate(std::uint64_t bytes, MemoryKind kind) {
    if (bytes > std::uint64_t{1} << 40) return nullptr;
    const std::uint64_t used = std::max(alignedUp(bytes, kAlignment), kAlignment);
    const std::size_t pageBytes = alignedUp(used, kPageBytes);
    void* const memory = mmap(nullptr, pageBytes + 2 * kGuardBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    Allocation allocation{.bytes = bytes, .pages = static_cast<std::byte*>(memory) + kGuardBytes, .pageBytes = pageBytes, .kind = kind,
                          .number = ++m_count};
    allocation.data = allocation.pages + pageBytes - used;
    if (!mapPoison(allocation.pages, pageBytes)) {
        unmap(allocation);
        return nullptr;
    }
    std::memset(allocation.data + bytes, int(kSlack), used - bytes);
    if (kind == MemoryKind::Device && !m_open) mprotect(allocation.pages, pageBytes, PROT_NONE);
    m_allocations.emplace(addressOf(memory), allocation);
    return allocation.data;
}

bool ExecutorMemory::release(void* memory, MemoryKind kind) {
    const Allocation* found = at(addressOf(memory));
    if (found == nullptr || found->released || found->data != memory || found->kind != kind) return false;
    const std::uintptr_t key = addressOf(found->pages - kGuardBytes);
    Allocation& allocation = m_allocations.at(key);
    allocation.released = true;
    // Nothing of it is kept but the addresses.
    mmap(allocation.pages, allocation.pageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    m_released.push_back(key);
    if (m_released.size() > kReleasedKept) {
        unmap(m_allocations.at(m_released.front()));
        m_allocations.erase(m_released.front());
        m_released.pop_front();
    }
    return true;
}

void ExecutorMemory::open() {
    if (m_open) return;
    m_open = true;
    for (const auto& [address, allocation] : m_allocations) {
        if (allocation.kind == MemoryKind::Device && !allocation.released) mprotect(allocation.pages, allocation.pageBytes, PROT_READ | PROT_WRITE);
    }
}

void ExecutorMemory::close() {
    if (!m_open) return;
    m_open = false;
    for (const auto& [address, allocation] : m_allocations) {
        if (allocation.kind == MemoryKind::Device && !allocation.released) mprotect(allocation.pages, allocation.pageBytes, PROT_NONE);
    }
}

const ExecutorMemory::Allocation* ExecutorMemory::at(std::uintptr_t address) const {
    auto next = m_allocations.upper_bound(address);
    if (next == m_allocations.begin()) return nullptr;
    const Allocation& allocation = std::prev(next)->second;
    return address < addressOf(allocation.pages) + allocation.pageBytes + kGuardBytes ? &allocation : nullptr;
}

bool ExecutorMemory::contains(const void* memory, std::uint64_t bytes, MemoryKind kind) const {
    const Allocation* const found = at(addressOf(memory));
    if (found == nullptr || found->released || found->kind != kind || addressOf(memory) < addressOf(found->data)) return false;
    const std::uint64_t offset = addressOf(memory) - addressOf(found->data);
    return offset <= found->bytes && bytes <= found->bytes - offset;
}

bool ExecutorMemory::known(std::uintptr_t address) const {
    const Allocation* const found = at(address);
    return found != nullptr && !found->released && address >= addressOf(found->data) && address <= addressOf(found->data) + found->bytes;
}

std::string ExecutorMemory::describe(std::uintptr_t address) const {
    const Allocation* const found = at(address);
    if (found == nullptr) return {};
    const std::string name = std::string(found->kind == MemoryKind::Device ? "device" : "pinned") + " allocation " +
                             std::to_string(found->number) + " (" + std::to_string(found->bytes) + " bytes)";
    const std::uintptr_t begin = addressOf(found->data);
    if (address < begin) return std::to_string(begin - address) + " bytes before " + name;
    if (address >= begin + found->bytes) return std::to_string(address - begin - found->bytes) + " bytes behind the end of " + name;
    return "byte " + std::to_string(address - begin) + " of " + (found->released ? "released " : "") + name;
}

std::string ExecutorMemory::damage() const {
    for (const auto& [address, allocation] : m_allocations) {
        if (allocation.released) continue;
        const std::byte* const end = allocation.pages + allocation.pageBytes;
        for (const std::byte* slack = allocation.data + allocation.bytes; slack < end; ++slack) {
            if (*slack != kSlack) return "a write " + describe(addressOf(slack));
        }
    }
    return {};
}

std::size_t ExecutorMemory::living(MemoryKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(m_allocations, [&](const auto& entry) { return entry.second.kind == kind && !entry.second.released; }));
}

std::uint64_t ExecutorMemory::bytesLiving(MemoryKind kind) const {
    std::uint64_t bytes = 0;
    for (const auto& [address, allocation] : m_allocations) {
        if (allocation.kind == kind && !allocation.released) bytes += allocation.bytes;
    }
    return bytes;
}

} // namespace hearth::test
