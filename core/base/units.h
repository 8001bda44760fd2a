// SPDX-License-Identifier: Apache-2.0
//
// Numbers as people read them. Decimal units (1 GB = 1e9 bytes), as disks, GPU makers and file managers show them.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::core {

/// "322.6 MB", "4.7 GB", "812 B".
[[nodiscard]] std::string formatBytes(std::uint64_t bytes);

/// "32,768".
[[nodiscard]] std::string formatCount(std::uint64_t count);

} // namespace hearth::core
