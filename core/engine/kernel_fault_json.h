// SPDX-License-Identifier: Apache-2.0
//
// KernelFaults in JSON, as the probing child answers and verdicts are kept. Only for .cpp files of this folder. Thread: any.
#pragma once

#include "core/engine/kernel_fault.h"

#include <nlohmann/json.hpp>

namespace hearth::core {

[[nodiscard]] inline nlohmann::json faultsToJson(std::span<const KernelFault> faults) {
    nlohmann::json out = nlohmann::json::array();
    for (const KernelFault& fault : faults) {
        nlohmann::json one{{"operation", fault.operation}, {"format", fault.format}, {"allowed", fault.allowed}};
        if (fault.error < std::numeric_limits<double>::infinity()) one["error"] = fault.error; // JSON has no infinity
        out.push_back(std::move(one));
    }
    return out;
}

/// Throws nlohmann's exceptions for anything but faultsToJson()'s own output.
[[nodiscard]] inline std::vector<KernelFault> faultsFromJson(const nlohmann::json& in) {
    std::vector<KernelFault> faults;
    for (const nlohmann::json& one : in) {
        KernelFault fault{.operation = one.at("operation"), .format = one.at("format"), .allowed = one.at("allowed")};
        if (one.contains("error")) fault.error = one["error"].get<double>();
        faults.push_back(std::move(fault));
    }
    return faults;
}

} // namespace hearth::core
