// SPDX-License-Identifier: Apache-2.0
//
// mapping_guard: keeps the program alive when a mapped file shrinks or its disk fails. Reading such a page raises SIGBUS;
// the handler maps a zero page over it, if the address belongs to a registered mapping, and marks that mapping damaged.
// Any other SIGBUS goes to whoever handled it before.
// Thread: any; the handler itself touches only lock-free atomics and mmap.
#pragma once

#include <cstddef>

namespace hearth::core::mapping_guard {

/// Installs the handler at the first call. Returns the slot, or -1 when all are taken (the mapping is then unguarded).
[[nodiscard]] int add(const std::byte* data, std::size_t size);
void remove(int slot);
[[nodiscard]] bool damaged(int slot);

} // namespace hearth::core::mapping_guard
