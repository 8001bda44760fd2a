// SPDX-License-Identifier: Apache-2.0
#include "app/cli/random_weights.h"

#include "kernels/quant/format_list.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <concepts>
#include <cstring>

namespace hearth::app::cli {

namespace {

using namespace kernels;

/// A block's scale is the usual one times 1 - kScaleSpread ... 1 + kScaleSpread, evenly.
constexpr float kScaleSpread = 0.25f;

// --- what of a block is more than random bits -------------------------------------------------------------------------

template <class Block>
void draw(Block& block, RandomBits& bits) {
    bits.fill(&block, sizeof block);
}

void draw(BlockQ8_0& block, RandomBits& bits) {
    bits.fill(&block, sizeof block);
    for (std::int8_t& q : block.q) q = std::max<std::int8_t>(q, -127); // -128 is no quantiser's
}

/// Near its scale, so that the values of a sub-block lie around zero.
std::uint8_t drawMinimum(int scale, int jitter, int most, RandomBits& bits) {
    const int offset = static_cast<int>(bits.below(static_cast<std::uint32_t>(2 * jitter + 1))) - jitter;
    return static_cast<std::uint8_t>(std::clamp(scale + offset, 0, most));
}

/// The inverse of scaleAndMinimum() for all eight sub-blocks.
void drawScalesAndMinimums(std::uint8_t (&packed)[12], RandomBits& bits) {
    std::uint8_t scales[8];
    std::uint8_t minimums[8];
    for (int sub = 0; sub < 8; ++sub) {
        scales[sub] = static_cast<std::uint8_t>(8 + bits.below(56));
        minimums[sub] = drawMinimum(scales[sub], 4, 63, bits);
    }
    for (int i = 0; i < 4; ++i) {
        packed[i] = static_cast<std::uint8_t>(scales[i] | scales[i + 4] >> 4 << 6);
        packed[i + 4] = static_cast<std::uint8_t>(minimums[i] | minimums[i + 4] >> 4 << 6);
        packed[i + 8] = static_cast<std::uint8_t>((scales[i + 4] & 15) | (minimums[i + 4] & 15) << 4);
    }
}

void draw(BlockQ4_K& block, RandomBits& bits) {
    bits.fill(&block, sizeof block);
    drawScalesAndMinimums(block.scales, bits);
}

void draw(BlockQ5_K& block, RandomBits& bits) {
    bits.fill(&block, sizeof block);
    drawScalesAndMinimums(block.scales, bits);
}

void draw(BlockQ2_K& block, RandomBits& bits) {
    bits.fill(&block, sizeof block);
    for (std::uint8_t& packed : block.scales) {
        const int scale = 2 + static_cast<int>(bits.below(14));
        packed = static_cast<std::uint8_t>(scale | drawMinimum(scale, 1, 15, bits) << 4);
    }
}

void draw(BlockTQ1_0& block, RandomBits& bits) {
    // A byte stands for five ternary digits, as the fraction n / 243 of 256, rounded up; the last four bytes have four.
    const auto fraction = [](std::uint32_t n) { return static_cast<std::uint8_t>((n * 256 + 242) / 243); };
    for (std::uint8_t& q : block.q) q = fraction(bits.below(243));
    for (std::uint8_t& q : block.rest) q = fraction(3 * bits.below(81));
}

void draw(BlockTQ2_0& block, RandomBits& bits) {
    bits.fill(&block, sizeof block);
    for (std::uint8_t& q : block.q) q &= static_cast<std::uint8_t>(~((q & q >> 1 & 0x55) << 1)); // there is no digit 3: it becomes 1
}

// --- scales ------------------------------------------------------------------------------------------------------------

/// The value of q that stands for zero in the formats with a minimum: its middle.
template <class Block>
constexpr float kMiddle = 0.0f;
template <>
constexpr float kMiddle<BlockQ2_K> = 1.5f;
template <>
constexpr float kMiddle<BlockQ4_1> = 7.5f;
template <>
constexpr float kMiddle<BlockQ4_K> = 7.5f;
template <>
constexpr float kMiddle<BlockQ5_1> = 15.5f;
template <>
constexpr float kMiddle<BlockQ5_K> = 15.5f;

template <class Block>
void setScale(Block& block, float d) {
    block.d = floatToHalf(d);
    if constexpr (requires { block.dmin; }) block.dmin = floatToHalf(kMiddle<Block> * d);
    if constexpr (requires { block.m; }) block.m = floatToHalf(-kMiddle<Block> * d);
}

void setScale(BlockIQ1_M& block, float d) {
    const std::uint32_t half = floatToHalf(d);
    for (std::uint32_t i = 0; i < 4; ++i) {
        block.scales[i] = static_cast<std::uint16_t>((block.scales[i] & 0x0fffu) | (half >> (4 * i) & 15u) << 12);
    }
}

/// Formats whose quants reach further down than up: real files have scales of either sign.
template <class Block>
constexpr bool kEitherSign = std::same_as<Block, BlockQ4_0> || std::same_as<Block, BlockQ5_0> || std::same_as<Block, BlockIQ4_NL>;

/// Root mean square of the values under a scale of one.
template <class Block>
double unitDeviation() {
    static const double kDeviation = [] {
        constexpr int kBlocks = (1 << 20) / Block::kElements; // for an error below half a percent
        RandomBits bits(1);
        double sum = 0.0;
        for (int b = 0; b < kBlocks; ++b) {
            Block block;
            draw(block, bits);
            setScale(block, 1.0f);
            float values[Block::kElements];
            decode(block, values);
            for (const float value : values) sum += static_cast<double>(value) * value;
        }
        return std::sqrt(sum / (kBlocks * Block::kElements));
    }();
    return kDeviation;
}

template <class Block>
void fillBlocks(std::span<std::byte> out, float deviation, RandomBits& bits) {
    const auto spread = static_cast<float>(std::sqrt(1.0 + kScaleSpread * kScaleSpread / 3.0));
    const float scale = deviation / static_cast<float>(unitDeviation<Block>()) / spread;
    for (std::size_t at = 0; at < out.size(); at += sizeof(Block)) {
        Block block;
        draw(block, bits);
        const std::uint64_t dice = bits.next();
        float d = scale * (1.0f + kScaleSpread * (static_cast<float>(dice >> 40) * 0x1p-23f - 1.0f));
        if (kEitherSign<Block> && (dice & 1) != 0) d = -d;
        setScale(block, d);
        std::memcpy(out.data() + at, &block, sizeof block);
    }
}

/// Scales are powers of two: the two around the wanted one are mixed so that the mean square is right.
template <>
void fillBlocks<BlockMXFP4>(std::span<std::byte> out, float deviation, RandomBits& bits) {
    constexpr float kMeanSquare = (0.0f + 0.25f + 1.0f + 2.25f + 4.0f + 9.0f + 16.0f + 36.0f) / 8.0f;
    const float wanted = deviation / std::sqrt(kMeanSquare);
    const int lower = std::clamp(std::ilogb(wanted), -127, 126);
    const float ratio = std::ldexp(wanted, -lower); // 1 ... 2
    const float upperShare = (ratio * ratio - 1.0f) / 3.0f;
    for (std::size_t at = 0; at < out.size(); at += sizeof(BlockMXFP4)) {
        BlockMXFP4 block;
        draw(block, bits);
        const bool upper = static_cast<float>(bits.next() >> 40) * 0x1p-24f < upperShare;
        block.exponent = static_cast<std::uint8_t>(127 + lower + (upper ? 1 : 0));
        std::memcpy(out.data() + at, &block, sizeof block);
    }
}

// --- formats without blocks ---------------------------------------------------------------------------------------------

/// The sum of four even 16-bit numbers: close enough to a bell, of mean zero and deviation one.
float bell(RandomBits& bits) {
    constexpr float kMean = 4.0f * 65535.0f / 2.0f;
    constexpr float kInverseDeviation = 1.0f / 37837.2f; // sqrt(4 (2^32 - 1) / 12)
    const std::uint64_t word = bits.next();
    const std::uint64_t sum = (word & 0xffff) + (word >> 16 & 0xffff) + (word >> 32 & 0xffff) + (word >> 48);
    return (static_cast<float>(sum) - kMean) * kInverseDeviation;
}

template <class Value, class Convert>
void fillFloats(std::span<std::byte> out, float mean, float deviation, RandomBits& bits, Convert convert) {
    for (std::size_t at = 0; at < out.size(); at += sizeof(Value)) {
        const Value value = convert(mean + deviation * bell(bits));
        std::memcpy(out.data() + at, &value, sizeof value);
    }
}

template <class Block>
void fillFormat(std::span<std::byte> out, float mean, float deviation, RandomBits& bits) {
    if constexpr (std::same_as<Block, BlockF32>) {
        fillFloats<float>(out, mean, deviation, bits, [](float value) { return value; });
    } else if constexpr (std::same_as<Block, BlockF16>) {
        fillFloats<std::uint16_t>(out, mean, deviation, bits, [](float value) { return floatToHalf(value); });
    } else if constexpr (std::same_as<Block, BlockBF16>) {
        fillFloats<std::uint16_t>(out, mean, deviation, bits, [](float value) { return floatToBf16(value); });
    } else {
        assert(mean == 0.0f);
        fillBlocks<Block>(out, deviation, bits);
    }
}

} // namespace

void RandomBits::fill(void* out, std::size_t bytes) {
    auto* at = static_cast<unsigned char*>(out);
    for (; bytes >= sizeof(std::uint64_t); bytes -= sizeof(std::uint64_t), at += sizeof(std::uint64_t)) {
        const std::uint64_t word = next();
        std::memcpy(at, &word, sizeof word);
    }
    const std::uint64_t word = next();
    std::memcpy(at, &word, bytes);
}

void fillRandomWeights(std::span<std::byte> out, DType dtype, float mean, float deviation, std::uint64_t seed) {
    assert(out.size() % info(dtype).bytesPerBlock == 0);
    RandomBits bits(seed);
    switch (dtype) {
#define HEARTH_ROW(NAME)                                                                                               \
    case DType::NAME: fillFormat<Block##NAME>(out, mean, deviation, bits); return;
        HEARTH_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
    case DType::I32: return;
    }
}

} // namespace hearth::app::cli
