// SPDX-License-Identifier: Apache-2.0
#include "core/telemetry/gpu_monitor.h"

#include "core/base/utf8.h"
#include "core/telemetry/kernel_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace hearth::core {

namespace fs = std::filesystem;

namespace {

// Sources: the kernel's Documentation/gpu/amdgpu/thermal.rst, Documentation/hwmon/sysfs-interface.rst and
// Documentation/gpu/drm-usage-stats.rst; PCI vendors from pci-ids.ucw.cz.
constexpr std::uint32_t kVendorAmd = 0x1002;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 50; ///< more than that is no memory size

struct Vendor {
    std::uint32_t id;
    std::string_view name;
};

constexpr std::array kVendors{
    Vendor{0x102b, "Matrox"},  Vendor{0x106b, "Apple"},    Vendor{0x10de, "NVIDIA"},     Vendor{0x1234, "QEMU"},
    Vendor{0x1414, "Hyper-V"}, Vendor{0x15ad, "VMware"},   Vendor{0x1a03, "ASPEED"},     Vendor{0x1af4, "virtio"},
    Vendor{0x1b36, "QXL"},     Vendor{0x1d17, "Zhaoxin"},  Vendor{0x1ed5, "Moore Threads"}, Vendor{0x8086, "Intel"},
    Vendor{0x80ee, "VirtualBox"},
};

std::string vendorName(std::uint32_t id) {
    const auto found = std::ranges::find(kVendors, id, &Vendor::id);
    return found == kVendors.end() ? fmt::format("PCI vendor 0x{:04x}", id) : std::string(found->name);
}

/// "card0" and "renderD128", but not the connector "card0-DP-1" nor "version".
bool isDeviceNode(std::string_view name) {
    for (const std::string_view prefix : {"card", "renderD"}) {
        if (name.starts_with(prefix) && parseWhole<unsigned>(name.substr(prefix.size()))) return true;
    }
    return false;
}

/// The value of "KEY=value" in a uevent file; empty when absent.
std::string ueventValue(const fs::path& device, std::string_view key) {
    const auto text = readKernelFile(device / "uevent");
    for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
        const std::string_view line = takeLine(rest);
        if (line.starts_with(key) && line.substr(key.size()).starts_with('=')) return std::string(trimmed(line.substr(key.size() + 1)));
    }
    return {};
}

/// Names may come from a card's own memory: one clean line of a sane length.
std::string printableName(std::string_view text) {
    std::string name = utf8::sanitized(trimmed(text).substr(0, 100));
    std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    return name;
}

template <class Number>
std::optional<Number> within(std::optional<std::int64_t> value, std::int64_t least, std::int64_t most, Number unit) {
    if (!value || *value < least || *value > most) return std::nullopt;
    return static_cast<Number>(*value) / unit;
}

/// The hwmon folder of the card's own driver (others may hang sensors on the same device).
fs::path hwmonFolder(const fs::path& device) {
    std::vector<fs::path> folders;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(device / "hwmon", error)) folders.push_back(entry.path());
    std::ranges::sort(folders);
    for (const fs::path& folder : folders) {
        const auto name = readKernelFile(folder / "name");
        if (name && trimmed(*name) == "amdgpu") return folder;
    }
    return folders.empty() ? fs::path() : folders.front();
}

/// Of lines like "1: 2500Mhz *" the one with the star is the clock in use.
std::optional<std::uint32_t> clockInUse(const fs::path& device) {
    const auto text = readKernelFile(device / "pp_dpm_sclk");
    for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
        std::string_view line = trimmed(takeLine(rest));
        if (!line.ends_with('*')) continue;
        line.remove_prefix(std::min(line.find(':') + 1, line.size()));
        const std::string_view clock = takeWord(line);
        const std::size_t unit = std::min(clock.find_first_of("Mm"), clock.size());
        const auto mhz = parseWhole<std::int64_t>(clock.substr(0, unit));
        return within<std::uint32_t>(mhz, 1, 10'000, 1);
    }
    return std::nullopt;
}

/// "1024" or "1 KiB" or "1 MiB" in bytes; none when it is anything else or beyond all memory.
std::optional<std::uint64_t> memoryFigure(std::string_view number, std::string_view unit) {
    const int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : -1;
    const auto value = parseWhole<std::uint64_t>(number);
    if (shift < 0 || !value || *value > (static_cast<std::uint64_t>(kMostBytes) >> shift)) return std::nullopt;
    return *value << shift;
}

/// VRAM of this process per PCI address. Several descriptors may belong to one client of the driver, which then tells
/// the same figure in each.
std::map<std::string, std::uint64_t> ownVram(const fs::path& procRoot) {
    std::map<std::string, std::uint64_t> bytes;
    std::set<std::pair<std::string, std::string>> counted;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(procRoot / "self/fdinfo", error)) {
        const auto text = readKernelFile(entry.path());
        if (!text || text->find("drm-pdev:") == std::string::npos) continue;
        std::string address, client;
        std::optional<std::uint64_t> vram;
        for (std::string_view rest = *text; !rest.empty();) {
            std::string_view line = takeLine(rest);
            const std::string_view key = takeWord(line);
            const std::string_view value = takeWord(line);
            if (key == "drm-pdev:") address = value;
            if (key == "drm-client-id:") client = value;
            if (key == "drm-memory-vram:") vram = memoryFigure(value, takeWord(line));
        }
        if (address.empty() || !vram) continue;
        if (!client.empty() && !counted.emplace(address, client).second) continue;
        bytes[address] += *vram;
    }
    return bytes;
}

/// AMD display devices on the PCI bus, whether or not a driver took them.
std::vector<std::string> amdDisplayDevicesOnPci(const fs::path& sysRoot) {
    constexpr std::uint32_t kDisplayClass = 0x03; // PCI base class: display controller
    constexpr std::uint32_t kAcceleratorClass = 0x12;
    std::vector<std::string> addresses;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(sysRoot / "bus/pci/devices", error)) {
        if (readHex(entry.path() / "vendor") != kVendorAmd) continue;
        const std::uint32_t baseClass = readHex(entry.path() / "class").value_or(0) >> 16;
        if (baseClass == kDisplayClass || baseClass == kAcceleratorClass) addresses.push_back(entry.path().filename().string());
    }
    std::ranges::sort(addresses);
    return addresses;
}

std::string reasonForNone(const fs::path& sysRoot, bool drmThere, const std::set<std::string>& others) {
    const auto undriven = amdDisplayDevicesOnPci(sysRoot);
    if (!undriven.empty()) {
        return fmt::format("No AMD GPU found: one is there (PCI {}), but the kernel's amdgpu driver does not drive it.",
                           fmt::join(undriven, ", "));
    }
    if (!others.empty()) return fmt::format("No AMD GPU found: the graphics of this machine is by {}.", fmt::join(others, " and "));
    if (!drmThere) {
        return fmt::format("No AMD GPU found: there is no {}, so no graphics driver is loaded (a virtual machine, a container "
                           "or a server).",
                           (sysRoot / "class/drm").string());
    }
    return "No AMD GPU found: there is no graphics card (a virtual machine, a container or a server).";
}

std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> readNames(const fs::path& idsFile) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> names;
    const auto text = readKernelFile(idsFile);
    for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
        // device_id,<tab>revision_id,<tab>product_name; both ids in hexadecimal
        const std::string_view line = takeLine(rest);
        const std::size_t first = line.find(',');
        const std::size_t second = line.find(',', first == std::string_view::npos ? first : first + 1);
        if (line.starts_with('#') || second == std::string_view::npos) continue;
        const auto device = parseWhole<std::uint32_t>(trimmed(line.substr(0, first)), 16);
        const auto revision = parseWhole<std::uint32_t>(trimmed(line.substr(first + 1, second - first - 1)), 16);
        std::string name = printableName(line.substr(second + 1));
        if (device && revision && !name.empty()) names[{*device, *revision}] = std::move(name);
    }
    return names;
}

} // namespace

GpuMonitor::GpuMonitor(fs::path sysRoot, fs::path procRoot, fs::path idsFile)
    : m_sysRoot(std::move(sysRoot))
    , m_procRoot(std::move(procRoot))
    , m_idsFile(std::move(idsFile)) {}

std::string GpuMonitor::cardName(const fs::path& device) {
    if (const auto product = readKernelFile(device / "product_name")) {
        if (std::string name = printableName(*product); !name.empty()) return name;
    }
    const auto id = readHex(device / "device");
    if (!id) return "AMD GPU";
    if (!m_names) m_names = readNames(m_idsFile);
    const auto revision = readHex(device / "revision");
    if (const auto found = m_names->find({*id, revision.value_or(UINT32_MAX)}); found != m_names->end()) return found->second;
    return fmt::format("AMD GPU 0x{:04x}", *id);
}

GpuSample GpuMonitor::sampleCard(const fs::path& device, std::string pciAddress) {
    GpuSample card;
    card.name = cardName(device);
    card.pciAddress = std::move(pciAddress);
    // The driver knows these without asking the chip.
    card.vramTotal = within<std::uint64_t>(readNumber(device / "mem_info_vram_total"), 1, kMostBytes, 1);
    card.vramUsed = within<std::uint64_t>(readNumber(device / "mem_info_vram_used"), 0, kMostBytes, 1);
    if (card.vramTotal && card.vramUsed && *card.vramUsed > *card.vramTotal) card.vramUsed.reset();

    const auto status = readKernelFile(device / "power/runtime_status");
    card.asleep = status && trimmed(*status) == "suspended";
    if (card.asleep) return card;

    card.load = within<float>(readNumber(device / "gpu_busy_percent"), 0, 100, 100.0f);
    card.clockMhz = clockInUse(device);
    if (const fs::path hwmon = hwmonFolder(device); !hwmon.empty()) {
        card.temperature = within<float>(readNumber(hwmon / "temp1_input"), -50'000, 200'000, 1000.0f);
        constexpr std::int64_t kMostMicrowatts = 5'000'000'000;
        card.power = within<float>(readNumber(hwmon / "power1_average"), 0, kMostMicrowatts, 1e6f);
        if (!card.power) card.power = within<float>(readNumber(hwmon / "power1_input"), 0, kMostMicrowatts, 1e6f);
        if (!card.clockMhz) {
            const auto hertz = within<std::int64_t>(readNumber(hwmon / "freq1_input"), 1'000'000, 10'000'000'000, 1'000'000);
            if (hertz) card.clockMhz = static_cast<std::uint32_t>(*hertz);
        }
    }
    return card;
}

GpuReport GpuMonitor::sample() {
    std::map<fs::path, std::string> amdDevices; // address by real folder; card0 and renderD128 lead to the same one
    std::set<std::string> others;
    std::error_code error;
    const fs::directory_iterator nodes(m_sysRoot / "class/drm", error);
    const bool drmThere = !error;
    for (const auto& node : nodes) {
        if (!isDeviceNode(node.path().filename().string())) continue;
        const fs::path device = node.path() / "device";
        const auto vendor = readHex(device / "vendor");
        if (!vendor) { // not on PCI: a system on chip, a dummy
            if (std::string driver = printableName(ueventValue(device, "DRIVER")); !driver.empty()) others.insert(std::move(driver));
        } else if (*vendor != kVendorAmd) {
            others.insert(vendorName(*vendor));
        } else {
            // The real folder is called after the PCI address and sorts by it.
            std::error_code vanished;
            const fs::path folder = fs::canonical(device, vanished);
            if (!vanished) amdDevices.emplace(folder, ueventValue(folder, "PCI_SLOT_NAME"));
        }
    }
    GpuReport report;
    if (amdDevices.empty()) {
        report.reason = reasonForNone(m_sysRoot, drmThere, others);
        return report;
    }
    const auto ours = ownVram(m_procRoot);
    for (const auto& [device, address] : amdDevices) {
        GpuSample card = sampleCard(device, address);
        if (const auto found = ours.find(address); !address.empty() && found != ours.end()) card.vramOurs = found->second;
        report.cards.push_back(std::move(card));
    }
    return report;
}

} // namespace hearth::core
