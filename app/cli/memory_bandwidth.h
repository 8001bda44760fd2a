// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hearth::app::cli {

/// Bytes per second that `threads` threads read together from memory (best of several passes). The bound of decoding: every
/// weight is read once per token. Each thread reads its own buffer; all together should be far larger than any cache.
/// Where memory is short the buffers are made smaller: they take a quarter of what is available at most.
[[nodiscard]] double measureReadBandwidth(int threads, int megabytesPerThread);

} // namespace hearth::app::cli
