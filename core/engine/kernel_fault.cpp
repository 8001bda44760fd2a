// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernel_fault.h"

#include "kernels/dtype.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

namespace hearth::core {

namespace {

constexpr std::string_view kQ8Cache = "q8_0";

bool isOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

/// The set that a fault in this operation adds its format to; null for other operations.
TypeSet* setFor(std::string_view operation, GpuGaps& gaps) {
    if (isOneOf(operation, {"matmul", "matmulShared", "matmulAdd", "gatedMatmul"})) return &gaps.products;
    if (operation == "matmulExperts") return &gaps.expertProducts;
    if (operation == "embed") return &gaps.lookups;
    return nullptr;
}

/// False when nothing works without it. What is not known here counts as that: a missing row costs speed, never a right answer.
bool addGap(const KernelFault& fault, GpuGaps& gaps) {
    if (TypeSet* const set = setFor(fault.operation, gaps)) {
        const auto all = kernels::allDTypes();
        const auto type = std::ranges::find(all, fault.format, &kernels::DTypeInfo::name);
        if (type == all.end()) return false;
        *set |= typeBit(type->dtype);
        return true;
    }
    if (isOneOf(fault.operation, {"appendKv", "attention", "ropeAndAppend", "ropeAppendAttention"}) && fault.format == kQ8Cache) return gaps.q8Cache = true;
    if (isOneOf(fault.operation, {"moeRoute", "moeCombine"})) return gaps.mixtures = true;
    if (isOneOf(fault.operation, {"clampedSwiGlu", "addExpertBias", "copyColumns"})) return gaps.specials = true;
    if (fault.operation == "sample") return gaps.sampling = true;
    return false;
}

/// "Q3_K", "Q3_K and Q6_K", "Q3_K, Q4_K and Q6_K"
std::string listed(TypeSet types) {
    std::string text;
    std::size_t left = static_cast<std::size_t>(std::popcount(types));
    for (const kernels::DTypeInfo& type : kernels::allDTypes()) {
        if ((types & typeBit(type.dtype)) == 0) continue;
        text += type.name;
        --left;
        if (left > 0) text += left == 1 ? " and " : ", ";
    }
    return text;
}

} // namespace

std::string describe(const KernelFault& fault) {
    const std::string what = fault.format.empty() ? fault.operation : fmt::format("{} of {}", fault.operation, fault.format);
    if (!std::isfinite(fault.error)) return fmt::format("{} (refused, or no numbers)", what);
    return fmt::format("{} (off by {:.2g} %, {:.2g} % allowed)", what, fault.error * 100.0, fault.allowed * 100.0);
}

std::string describe(std::span<const KernelFault> faults) {
    constexpr std::size_t kNamed = 3;
    std::string text;
    for (std::size_t i = 0; i < faults.size() && i < kNamed; ++i)
        text += (i > 0 ? ", " : "") + describe(faults[i]);
    if (faults.size() > kNamed) text += fmt::format(" and {} more", faults.size() - kNamed);
    return text;
}

std::optional<GpuGaps> gapsOf(std::span<const KernelFault> faults) {
    GpuGaps gaps;
    for (const KernelFault& fault : faults) {
        if (!addGap(fault, gaps)) return {};
    }
    return gaps;
}

std::string consequenceOf(std::span<const KernelFault> faults) {
    if (faults.empty()) return {};
    const auto gaps = gapsOf(faults);
    if (!gaps) return "the processor does all the work";
    std::vector<std::string> clauses;
    if (const TypeSet types = gaps->products | gaps->expertProducts; types != 0) clauses.push_back(fmt::format("layers with {} weights run on the processor", listed(types)));
    if (gaps->lookups != 0) clauses.push_back(fmt::format("token embeddings in {} stay on the processor", listed(gaps->lookups)));
    if (gaps->mixtures) clauses.emplace_back("mixtures of experts run on the processor");
    if (gaps->q8Cache) clauses.emplace_back("keys and values are f16 there, never q8_0");
    if (gaps->specials) clauses.emplace_back("models with gpt-oss's experts or latent attention run on the processor");
    if (gaps->sampling) clauses.emplace_back("the processor samples");
    std::string text;
    for (std::size_t i = 0; i < clauses.size(); ++i)
        text += (i == 0 ? "" : i + 1 == clauses.size() ? " and " : ", ") + clauses[i];
    return text;
}

} // namespace hearth::core
