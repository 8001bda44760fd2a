// SPDX-License-Identifier: Apache-2.0
#include "core/engine/gpu_marker.h"

#include "core/base/log.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace hearth::core {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "gpu-in-use-";

// What the signal handler may read: written before the flag is set.
char g_path[4096];
std::atomic<bool> g_present = false;

std::string readText(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string bootId() {
    return readText("/proc/sys/kernel/random/boot_id").substr(0, 36);
}

/// Ticks after boot at which a process began; tells it from a later one with the same number. Empty = no such process.
std::string startTime(long pid) {
    const std::string stat = readText(fmt::format("/proc/{}/stat", pid));
    // The second field, a name in parentheses, may hold anything; the start is the 20th after it.
    std::size_t at = stat.rfind(')');
    for (int field = 0; field < 20 && at != std::string::npos; ++field)
        at = stat.find(' ', at + 1);
    if (at == std::string::npos) return {};
    return stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

bool isAlive(const Json& mark) {
    return mark.value("boot", "") == bootId() && mark.value("start", "") == startTime(mark.value("pid", -1L)) && !mark.value("start", "").empty();
}

Json parsed(const std::filesystem::path& file) {
    Json mark = Json::parse(readText(file), nullptr, false);
    const bool sound = mark.is_object() && mark.contains("pid") && mark["pid"].is_number_integer() && mark.contains("boot") && mark["boot"].is_string() &&
                       mark.contains("start") && mark["start"].is_string() && mark.contains("device") && mark["device"].is_string() &&
                       mark.contains("driver") && mark["driver"].is_number_integer();
    return sound ? mark : Json();
}

} // namespace

GpuMarker::GpuMarker(std::filesystem::path folder)
    : m_folder(std::move(folder)) {}

GpuMarker::~GpuMarker() {
    remove();
}

std::vector<std::filesystem::path> GpuMarker::deadFiles() const {
    std::vector<std::filesystem::path> files;
    if (m_folder.empty()) return files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(m_folder, error)) {
        if (!entry.path().filename().string().starts_with(kPrefix)) continue;
        const Json mark = parsed(entry.path());
        // An unreadable mark is one that a crash cut off while it was written.
        if (!mark.is_object() || !isAlive(mark)) files.push_back(entry.path());
    }
    return files;
}

std::vector<CrashMark> GpuMarker::crashes() const {
    std::vector<CrashMark> marks;
    for (const std::filesystem::path& file : deadFiles()) {
        const Json mark = parsed(file);
        if (mark.is_object()) {
            marks.push_back({mark["device"], mark["driver"]});
        } else {
            marks.emplace_back();
        }
    }
    return marks;
}

void GpuMarker::forgetCrashes() const {
    std::error_code error;
    for (const std::filesystem::path& file : deadFiles())
        std::filesystem::remove(file, error);
}

void GpuMarker::set(const std::string& device, int driverVersion) {
    if (m_folder.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(m_folder, error);
    const std::filesystem::path file = m_folder / fmt::format("{}{}", kPrefix, ::getpid());
    const Json mark{{"device", device}, {"driver", driverVersion}, {"pid", ::getpid()}, {"boot", bootId()}, {"start", startTime(::getpid())}};
    const std::string text = mark.dump();
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool written = descriptor >= 0 && ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(descriptor) == 0;
    if (descriptor >= 0) ::close(descriptor);
    if (!written) spdlog::warn("{}: not written; a crash of the driver would not be noticed at the next start", file.string());
    m_file = file;
    if (file.native().size() < sizeof g_path) {
        std::memcpy(g_path, file.c_str(), file.native().size() + 1);
        g_present = true;
    }
}

void GpuMarker::remove() {
    if (m_file.empty()) return;
    g_present = false;
    std::error_code error;
    std::filesystem::remove(m_file, error);
    m_file.clear();
}

void GpuMarker::removeNow() noexcept {
    if (g_present) ::unlink(g_path);
}

} // namespace hearth::core
