// SPDX-License-Identifier: Apache-2.0
//
// Embedding lookup, and the repacking of uploaded weights. Contract: embed_hip.h.
#include "kernels/hip/formats.h"
#include "kernels/ops/embed_hip.h"

namespace hearth::kernels {

HEARTH_DEVICE std::int64_t tokenOf(const EmbedArgs& args) {
    return args.step != nullptr ? args.step->token : args.tokens[blockY()];
}

/// A thread unpacks one run of 16.
template <typename F>
HEARTH_DEVICE void embed(const EmbedArgs& args) {
    constexpr int kChunks = F::kBlock / (16 * F::kRuns);
    const int run = blockX() * kEmbedThreads + threadInBlock();
    if (run >= args.cols / 16) return;
    const int chunk = run / F::kRuns;
    const std::int64_t block = tokenOf(args) * (args.cols / F::kBlock) + chunk / kChunks;
    const formats::PlanePointers planes{{args.plane[0], args.plane[1], args.plane[2], args.plane[3], args.plane[4]}};
    const typename F::Raw raw = F::load(planes, block, chunk % kChunks);
    int q[4];
    float scale = 0.0f;
    float minimum = 0.0f;
#pragma unroll
    for (int j = 0; j < F::kRuns; ++j) {
        if (run % F::kRuns == j) F::run(raw, chunk % kChunks, j, q, scale, minimum);
    }
    float* out = args.out + static_cast<std::int64_t>(blockY()) * args.cols + chunk / kChunks * F::kBlock + F::runIndex(chunk % kChunks, run % F::kRuns) * 16;
#pragma unroll
    for (int i = 0; i < 16; ++i) {
        out[i] = args.scale * fusedMultiplyAdd(scale, static_cast<float>(static_cast<std::int8_t>(q[i / 4] >> (8 * (i % 4)))), minimum);
    }
}

#define HEARTH_EMBED(NAME) HEARTH_KERNEL(hearth_embed_##NAME, EmbedArgs, kEmbedThreads) { embed<formats::NAME>(args); }
HEARTH_QUANTISED_FORMATS(HEARTH_EMBED)
#undef HEARTH_EMBED

HEARTH_DEVICE float embeddedValue(const EmbedArgs& args, int bytesPerValue, bool brain) {
    const int col = blockX() * kEmbedThreads + threadInBlock();
    const std::int64_t at = tokenOf(args) * args.cols + (col < args.cols ? col : 0);
    if (bytesPerValue == 4) return reinterpret_cast<const float*>(args.plane[0])[at];
    const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(args.plane[0])[at];
    return brain ? bf16ToFloat(bits) : halfBitsToFloat(bits);
}
HEARTH_DEVICE void embedFloat(const EmbedArgs& args, int bytesPerValue, bool brain) {
    const int col = blockX() * kEmbedThreads + threadInBlock();
    const float value = embeddedValue(args, bytesPerValue, brain);
    if (col < args.cols) args.out[static_cast<std::int64_t>(blockY()) * args.cols + col] = args.scale * value;
}
HEARTH_KERNEL(hearth_embed_BF16, EmbedArgs, kEmbedThreads) { embedFloat(args, 2, true); }
HEARTH_KERNEL(hearth_embed_F16, EmbedArgs, kEmbedThreads) { embedFloat(args, 2, false); }
HEARTH_KERNEL(hearth_embed_F32, EmbedArgs, kEmbedThreads) { embedFloat(args, 4, false); }

/// A thread moves one byte of one field: reads stay within neighbouring blocks, writes are in order.
HEARTH_KERNEL(hearth_repack, RepackArgs, kRepackThreads) {
    const int field = blockY();
    const std::int64_t bytes = args.count * args.fieldBytes[field];
    const std::int64_t stride = static_cast<std::int64_t>(gridX()) * kRepackThreads;
    for (std::int64_t at = static_cast<std::int64_t>(blockX()) * kRepackThreads + threadInBlock(); at < bytes; at += stride) {
        const std::int64_t block = at / args.fieldBytes[field];
        const std::int64_t within = at - block * args.fieldBytes[field];
        args.plane[field][at] = args.blocks[block * args.blockBytes + args.fieldOffset[field] + within];
    }
}

} // namespace hearth::kernels
