// SPDX-License-Identifier: Apache-2.0
//
// What was found out about devices, kept from start to start, so that only the first use of a device and driver pays for the
// probe. Kept as one JSON text: the window puts it into its settings (gpu.verdicts), hearth-cli into a file.
// Thread: the engine's.
#pragma once

#include "core/engine/kernel_fault.h"
#include "kernels/gpu_reason.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::core {

struct GpuVerdict {
    kernels::GpuReason reason = kernels::GpuReason::Ok;
    std::string detail;
    std::vector<KernelFault> faults; ///< with Ok: what the device is kept from; else why it is not used
    int testMs = 0;                  ///< how long its self-test took
};

class VerdictStore {
public:
    virtual ~VerdictStore() = default;
    [[nodiscard]] virtual std::optional<GpuVerdict> load(const std::string& key) const = 0;
    virtual void save(const std::string& key, const GpuVerdict& verdict) = 0;
    virtual void clear() = 0;
};

/// Verdicts in a JSON text. A text that is none counts as empty.
class TextVerdictStore final : public VerdictStore {
public:
    /// `changed` (may be empty) gets the whole new text.
    explicit TextVerdictStore(const std::string& text = {}, std::function<void(const std::string&)> changed = {});

    [[nodiscard]] std::optional<GpuVerdict> load(const std::string& key) const override;
    void save(const std::string& key, const GpuVerdict& verdict) override;
    void clear() override;

private:
    void publish() const;

    std::map<std::string, GpuVerdict> m_verdicts;
    std::function<void(const std::string&)> m_changed;
};

/// A store that reads `file` now and writes it with every change. A file that cannot be written is no reason not to start.
[[nodiscard]] std::unique_ptr<VerdictStore> openVerdictFile(const std::filesystem::path& file);

} // namespace hearth::core
