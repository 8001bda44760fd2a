// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace hearth::core {

/// Memory that programs can still get without swapping (MemAvailable of /proc/meminfo), in bytes.
[[nodiscard]] std::optional<std::uint64_t> availableMemory();

} // namespace hearth::core
