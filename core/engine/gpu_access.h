// SPDX-License-Identifier: Apache-2.0
//
// GpuAccess: what the engine needs of the machine's GPUs: a list with one device chosen, and a back end on it. SystemGpus
// (system_gpus.h) is the machine's; tests bring their own.
// Thread: the engine's.
#pragma once

#include "core/engine/devices.h"
#include "kernels/backend.h"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace hearth::core {

class GpuAccess {
public:
    virtual ~GpuAccess() = default;

    /// Every device, with the one for `wanted` (makeDeviceList) marked. May probe in a child process. Only error: Cancelled.
    [[nodiscard]] virtual Result<DeviceList> list(std::string_view wanted, std::stop_token stop) = 0;
    /// A back end on a device of the list; from here on the device counts as in use. nullptr with `status`.
    [[nodiscard]] virtual std::unique_ptr<kernels::Backend> open(const Device& device, kernels::Status& status) = 0;
    /// The back end is gone in good order.
    virtual void close() = 0;
    /// The device failed: list() gives it with this reason until the program ends or tryAgain(). OutOfMemory is no such failure.
    virtual void avoid(const std::string& id, GpuReason reason) = 0;
    /// Forgets crashes and verdicts: the user wants it tried again.
    virtual void tryAgain() = 0;
};

} // namespace hearth::core
