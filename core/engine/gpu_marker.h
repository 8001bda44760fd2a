// SPDX-License-Identifier: Apache-2.0
//
// GpuMarker: a small file that lies in the data folder while this process works with a GPU. One that belongs to a dead
// process means that Hearth ended without order at that work: most likely the driver took it down, or the machine.
// Thread: the engine's; removeNow() from signal handlers too.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hearth::core {

struct CrashMark {
    std::string device; ///< id; empty = while the runtimes were being opened
    int driverVersion = 0;
};

class GpuMarker {
public:
    /// An empty folder: nothing is written or found.
    explicit GpuMarker(std::filesystem::path folder);
    ~GpuMarker();
    GpuMarker(const GpuMarker&) = delete;
    GpuMarker& operator=(const GpuMarker&) = delete;

    /// Of processes that are dead.
    [[nodiscard]] std::vector<CrashMark> crashes() const;
    void forgetCrashes() const;

    /// "This process is about to use this device." On the disk when it returns.
    void set(const std::string& device, int driverVersion);
    void remove();

    /// For a signal handler that ends the process at once: the user's wish is no crash. Async-signal-safe.
    static void removeNow() noexcept;

private:
    [[nodiscard]] std::vector<std::filesystem::path> deadFiles() const;

    std::filesystem::path m_folder;
    std::filesystem::path m_file; ///< empty while none of ours is there
};

} // namespace hearth::core
