// SPDX-License-Identifier: Apache-2.0
//
// The executor's device memory. Every allocation ends directly before 64 KB that may not be touched (but for the 16-byte alignment) and
// has as many before it; released memory stays forbidden for a while; fresh memory is poison (gpu_executor.h). Between launches and copies the
// host may not touch device memory: open() and close() mark the time in which the device works. Pinned memory is open always.
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace hearth::test {

enum class MemoryKind : std::uint8_t { Device, Pinned };

class ExecutorMemory {
public:
    ExecutorMemory() = default;
    ~ExecutorMemory();
    ExecutorMemory(const ExecutorMemory&) = delete;
    ExecutorMemory& operator=(const ExecutorMemory&) = delete;

    /// nullptr when the system has no memory.
    [[nodiscard]] void* allocate(std::uint64_t bytes, MemoryKind kind);
    /// False when `memory` is not the start of a living allocation of this kind.
    bool release(void* memory, MemoryKind kind);

    void open();
    void close();

    /// Do all these bytes lie in one living allocation of this kind?
    [[nodiscard]] bool contains(const void* memory, std::uint64_t bytes, MemoryKind kind) const;
    [[nodiscard]] bool known(std::uintptr_t address) const; ///< inside any living allocation
    /// "5 bytes behind the end of device allocation 3 (100 bytes)"; empty when the address is far from all of them.
    [[nodiscard]] std::string describe(std::uintptr_t address) const;
    /// Writes into the few bytes between an allocation's end and its page's: what wrote there, or empty.
    [[nodiscard]] std::string damage() const;

    [[nodiscard]] std::size_t living(MemoryKind kind) const;
    [[nodiscard]] std::uint64_t bytesLiving(MemoryKind kind) const;

private:
    struct Allocation {
        std::byte* data = nullptr;
        std::uint64_t bytes = 0;
        std::byte* pages = nullptr; ///< that hold data
        std::size_t pageBytes = 0;
        MemoryKind kind = MemoryKind::Device;
        int number = 0;
        bool released = false;
    };
    static void unmap(const Allocation& allocation);
    [[nodiscard]] const Allocation* at(std::uintptr_t address) const;

    std::map<std::uintptr_t, Allocation> m_allocations; ///< by the address of the forbidden bytes before them
    std::deque<std::uintptr_t> m_released;
    int m_count = 0;
    bool m_open = false;
};

} // namespace hearth::test
