// SPDX-License-Identifier: Apache-2.0
//
// Reading memory as fast as the device can: what host and device share. This measures the bound that decoding is stated against.
// hearth_read   ReadArgs, kReadBlocks blocks of kReadThreads
#pragma once

#include <cstdint>

namespace hearth::kernels {

constexpr int kReadThreads = 256;
constexpr std::uint32_t kReadBlocks = 8192; ///< many times what a device holds at once, so that its last wave of blocks is short

struct ReadArgs {
    const std::uint8_t* from; ///< 16-byte aligned
    std::int32_t* sums;       ///< [kReadBlocks]: the exclusive or of all words that the block read
    std::int64_t words;       ///< of 16 bytes
};

} // namespace hearth::kernels
