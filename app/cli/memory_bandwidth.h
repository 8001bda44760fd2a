// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hearth::app::cli {

/// Bytes per second that `threads` threads read together from memory (a buffer far larger than any cache, best of
/// several passes). The bound of decoding: every weight is read once per token.
[[nodiscard]] double measureReadBandwidth(int threads);

} // namespace hearth::app::cli
