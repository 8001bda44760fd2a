// SPDX-License-Identifier: Apache-2.0
//
// Processor names as people say them. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace hearth::core {

/// "AMD Ryzen 7 5800X 8-Core Processor" -> "Ryzen 7 5800X", "Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz" ->
/// "Intel Core i7-9750H". A name that nothing is left of, or empty, becomes "Unknown processor".
[[nodiscard]] std::string cleanCpuName(std::string_view modelName);

} // namespace hearth::core
