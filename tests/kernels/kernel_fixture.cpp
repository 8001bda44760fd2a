// SPDX-License-Identifier: Apache-2.0
#include "kernel_fixture.h"

#include "kernels/quant/format_list.h"

#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

namespace hearth::kernels {

namespace {

/// A scale that makes values of a format's largest whole number about one; now and then zero or subnormal.
std::uint16_t randomScale(Numbers& numbers, float size) {
    const std::uint32_t dice = numbers.bits() % 64;
    if (dice == 0) return 0;
    if (dice == 1) return static_cast<std::uint16_t>(1 + numbers.bits() % 1023);
    return floatToHalf(size * (0.5f + static_cast<float>(numbers.bits() % 1000) / 1000.0f) *
                       (dice % 2 == 0 ? 1.0f : -1.0f));
}

template <typename Block>
void fillBlock(Block& block, Numbers& numbers) {
    auto* bytes = reinterpret_cast<unsigned char*>(&block);
    for (std::size_t i = 0; i < sizeof block; ++i) bytes[i] = static_cast<unsigned char>(numbers.bits());
    if constexpr (requires { block.value; }) {
        block.value = numbers.next();
    } else if constexpr (requires { block.bits; }) {
        block.bits = Block::kGgufId == BlockF16::kGgufId ? floatToHalf(numbers.next()) : floatToBf16(numbers.next());
    } else if constexpr (requires { block.exponent; }) {
        block.exponent = static_cast<std::uint8_t>(120 + numbers.bits() % 10);
    } else if constexpr (requires { block.d; }) {
        // Size the scale by what the block decodes to with a scale of one.
        block.d = floatToHalf(1.0f);
        if constexpr (requires { block.dmin; }) block.dmin = 0;
        if constexpr (requires { block.m; }) block.m = 0;
        float values[Block::kElements];
        decode(block, values);
        float largest = 1e-3f;
        for (const float value : values) largest = std::max(largest, std::fabs(value));
        block.d = randomScale(numbers, 2.0f / largest);
        if constexpr (requires { block.dmin; }) block.dmin = randomScale(numbers, 1.0f / 32.0f);
        if constexpr (requires { block.m; }) block.m = randomScale(numbers, 1.0f);
    } else {
        // IQ1_M: the scale's four nibbles lie on top of the four words.
        const std::uint16_t d = randomScale(numbers, 0.1f);
        for (int i = 0; i < 4; ++i) {
            block.scales[i] = static_cast<std::uint16_t>((block.scales[i] & 0x0fff) | (d >> (4 * i) & 15) << 12);
        }
    }
}

} // namespace

CpuBackend* backendFor(CpuPath path) {
    static std::map<CpuPath, std::unique_ptr<CpuBackend>> kBackends;
    if (!kBackends.contains(path)) kBackends[path] = CpuBackend::create({.threads = 3, .forcedPath = path});
    return kBackends[path].get();
}

GuardedBytes::GuardedBytes(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t used = (bytes + page - 1) / page * page;
    m_pageBytes = used + page;
    void* pages = mmap(nullptr, m_pageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::runtime_error("no memory for a test");
    m_pages = static_cast<std::byte*>(pages);
    mprotect(m_pages + used, page, PROT_NONE);
    m_data = m_pages + used - bytes;
}

GuardedBytes::~GuardedBytes() {
    munmap(m_pages, m_pageBytes);
}

std::vector<float> Numbers::many(std::int64_t count, float deviation) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = next(deviation);
    return values;
}

void fillWeight(std::byte* out, DType dtype, std::int64_t elements, Numbers& numbers) {
    const auto fill = [&]<typename Block>(Block block) {
        for (std::int64_t i = 0; i < elements / Block::kElements; ++i) {
            fillBlock(block, numbers);
            std::memcpy(out + static_cast<std::size_t>(i) * sizeof block, &block, sizeof block);
        }
    };
    switch (dtype) {
#define HEARTH_ROW(NAME)                                                                                               \
    case DType::NAME: fill(Block##NAME{}); break;
        HEARTH_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
    case DType::I32: break;
    }
}

} // namespace hearth::kernels
