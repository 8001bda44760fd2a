// SPDX-License-Identifier: Apache-2.0
#include "core/base/system_memory.h"

#include <fstream>
#include <string>

namespace hearth::core {

std::optional<std::uint64_t> availableMemory() {
    std::ifstream file("/proc/meminfo");
    std::string key;
    std::uint64_t kibibytes = 0;
    std::string unit;
    while (file >> key >> kibibytes >> unit) {
        if (key == "MemAvailable:") return kibibytes * 1024;
    }
    return std::nullopt;
}

} // namespace hearth::core
