// SPDX-License-Identifier: Apache-2.0
//
// RoPE and the KV append. The blocks in x are those of q, then of k, then of v; y is the row.
#include "kernels/hip/device.h"

#include "kernels/ops/rope_device.h"

namespace hearth::kernels {

namespace {

HEARTH_DEVICE void rotateQuery(const RopeAppendArgs& args, int index, int row, int position) {
    const int pairs = args.dims / 2;
    if (index >= args.heads * pairs) return;
    const int headIndex = index / pairs;
    const int pair = index % pairs;
    float* head = args.q + (static_cast<std::int64_t>(row) * args.heads + headIndex) * args.headDim;
    float* first = head + (args.interleaved != 0 ? 2 * pair : pair);
    float* second = first + (args.interleaved != 0 ? 1 : pairs);
    const Turn turn = pairTurn(args, pair, position);
    const float a = *first;
    const float b = *second;
    *first = a * turn.cosine - b * turn.sine;
    *second = a * turn.sine + b * turn.cosine;
}

} // namespace

HEARTH_KERNEL(hearth_rope_append, RopeAppendArgs, kRopeThreads) {
    const int row = blockY();
    const int position = args.firstPosition + row + (args.step != nullptr ? args.step->firstPosition : 0);
    const int queryBlocks = ropeQueryBlocks(args.heads, args.dims);
    if (blockX() < queryBlocks) {
        rotateQuery(args, blockX() * kRopeThreads + threadInBlock(), row, position);
        return;
    }
    const int storeBlocks = ropeStoreBlocks(args.kvHeads, args.headDim);
    const int block = blockX() - queryBlocks;
    const bool isKey = block < storeBlocks;
    const int index = ((isKey ? block : block - storeBlocks) * kRopeThreads + threadInBlock()) * 4;
    appendFour(args, isKey, index, row, position);
}

} // namespace hearth::kernels
