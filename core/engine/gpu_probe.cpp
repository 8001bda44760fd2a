// SPDX-License-Identifier: Apache-2.0
#include "core/engine/gpu_probe.h"

#include "core/engine/gpu_self_test.h"
#include "core/engine/kernel_fault_json.h"
#include "kernels/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::core {

namespace {

using Json = nlohmann::json;
using kernels::GpuReason;
using Clock = std::chrono::steady_clock;

// Lines of the child; anything else is a driver's chatter.
constexpr std::string_view kStage = "hearth-probe stage ";
constexpr std::string_view kResult = "hearth-probe result ";
constexpr int kTries = 4; ///< a machine has fewer devices that crash

GpuReason reasonFrom(const std::string& text) {
    const auto all = kernels::allGpuReasons();
    const auto found = std::ranges::find_if(all, [&](GpuReason reason) { return kernels::name(reason) == text; });
    return found == all.end() ? GpuReason::DriverError : *found;
}

Json toJson(const GpuProbe& probe) {
    Json out{{"reason", kernels::name(probe.reason)}, {"detail", probe.detail}, {"runtimes", Json::array()}, {"devices", Json::array()}};
    for (const kernels::GpuRuntimeState& runtime : probe.runtimes) {
        out["runtimes"].push_back({{"api", static_cast<int>(runtime.api)}, {"reason", kernels::name(runtime.reason)}, {"library", runtime.library},
                                   {"detail", runtime.detail}, {"raw", runtime.raw}, {"driver", runtime.driverVersion}});
    }
    for (const ProbedDevice& device : probe.devices) {
        const kernels::GpuDeviceState& state = device.state;
        const kernels::GpuDeviceProperties& properties = state.properties;
        out["devices"].push_back({{"api", static_cast<int>(state.api)}, {"index", state.index}, {"name", properties.name}, {"arch", properties.arch},
                                  {"pci", properties.pciAddress}, {"total", properties.totalBytes}, {"free", device.freeBytes},
                                  {"wave", properties.waveSize}, {"multiprocessors", properties.multiprocessors}, {"lds", properties.ldsBytes},
                                  {"integrated", properties.integrated}, {"codeObject", state.codeObject}, {"codeHash", state.codeHash}, {"reason", kernels::name(state.reason)},
                                  {"raw", state.raw}, {"driver", device.driverVersion}, {"detail", device.detail},
                                  {"faults", faultsToJson(device.faults)}, {"testMs", device.testMs}});
    }
    return out;
}

kernels::GpuApi apiFrom(const Json& value) {
    return value.get<int>() == static_cast<int>(kernels::GpuApi::Cuda) ? kernels::GpuApi::Cuda : kernels::GpuApi::Hip;
}

/// Throws nlohmann's exceptions for anything but toJson()'s own output.
GpuProbe fromJson(const Json& in) {
    GpuProbe probe{.reason = reasonFrom(in.at("reason")), .detail = in.at("detail"), .runtimes = {}, .devices = {}};
    for (const Json& value : in.at("runtimes")) {
        probe.runtimes.push_back({.api = apiFrom(value.at("api")), .reason = reasonFrom(value.at("reason")), .library = value.at("library"),
                                  .detail = value.at("detail"), .raw = value.at("raw"), .driverVersion = value.at("driver")});
    }
    for (const Json& value : in.at("devices")) {
        ProbedDevice device;
        device.state.api = apiFrom(value.at("api"));
        device.state.index = value.at("index");
        device.state.properties = {.name = value.at("name"), .arch = value.at("arch"), .pciAddress = value.at("pci"), .totalBytes = value.at("total"),
                                   .waveSize = value.at("wave"), .multiprocessors = value.at("multiprocessors"), .ldsBytes = value.at("lds"),
                                   .integrated = value.at("integrated")};
        device.freeBytes = value.at("free");
        device.state.codeObject = value.at("codeObject");
        device.state.reason = reasonFrom(value.at("reason"));
        device.state.raw = value.at("raw");
        device.driverVersion = value.at("driver");
        device.detail = value.at("detail");
        device.state.codeHash = value.at("codeHash");
        device.faults = faultsFromJson(value.at("faults"));
        device.testMs = value.at("testMs");
        probe.devices.push_back(std::move(device));
    }
    return probe;
}

/// A file descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int number = -1)
        : m_number(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }
    [[nodiscard]] int get() const { return m_number; }
    void set(int number) {
        close();
        m_number = number;
    }
    void close() {
        if (m_number >= 0) ::close(m_number);
        m_number = -1;
    }

private:
    int m_number;
};

/// One child from start to end.
class Child {
public:
    ~Child() { end(); }

    [[nodiscard]] bool start(const std::vector<std::string>& arguments) {
        int ends[2];
        if (arguments.empty() || ::pipe2(ends, O_CLOEXEC) != 0) return false;
        m_output.set(ends[0]);
        Descriptor input(ends[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
        ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        std::vector<char*> argv;
        for (const std::string& argument : arguments)
            argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        const int error = ::posix_spawn(&m_pid, argv[0], &actions, nullptr, argv.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        if (error != 0) m_pid = -1;
        return error == 0;
    }

    enum class Read { Line, Nothing, End };
    /// Waits up to `ms` for a line.
    Read read(std::string& line, int ms) {
        for (;;) {
            if (const std::size_t at = m_pending.find('\n'); at != std::string::npos) {
                line = m_pending.substr(0, at);
                m_pending.erase(0, at + 1);
                return Read::Line;
            }
            pollfd wait{m_output.get(), POLLIN, 0};
            const int ready = ::poll(&wait, 1, ms);
            if (ready == 0 || (ready < 0 && errno == EINTR)) return Read::Nothing;
            char bytes[4096];
            const ssize_t count = ready < 0 ? 0 : ::read(m_output.get(), bytes, sizeof bytes);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return Read::End;
            m_pending.append(bytes, static_cast<std::size_t>(count));
        }
    }

    /// Kills it if it still runs. A process that hangs inside the kernel does not die: it is left to itself after a moment.
    /// Returns its wait status, or -1.
    int end(int patienceMs = 0) {
        if (m_pid < 0) return m_status;
        for (int waited = 0; waited < patienceMs + kBurialMs; ++waited) {
            if (waited == patienceMs) ::kill(m_pid, SIGKILL);
            const pid_t ended = ::waitpid(m_pid, &m_status, WNOHANG);
            if (ended == m_pid || (ended < 0 && errno != EINTR)) {
                if (ended < 0) m_status = -1;
                m_pid = -1;
                return m_status;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        m_pid = -1;
        return m_status = -1;
    }

private:
    static constexpr int kBurialMs = 200;

    pid_t m_pid = -1;
    int m_status = -1;
    Descriptor m_output;
    std::string m_pending;
};

struct Attempt {
    GpuProbe probe;
    Json stage; ///< the last one: {"id", "driver", ...} of a device, or {} while the runtimes are opened
};

std::string endText(int status) {
    if (status >= 0 && WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
    if (status >= 0 && WIFEXITED(status)) return fmt::format("status {}", WEXITSTATUS(status));
    return "no answer";
}

Result<Attempt> attempt(const ProbeCommand& command, const std::vector<std::string>& arguments, const std::stop_token& stop) {
    constexpr int kSliceMs = 50;
    Attempt result;
    Child child;
    if (!child.start(arguments)) {
        result.probe.reason = GpuReason::ProbeCrashed;
        result.probe.detail = arguments.empty() ? "no program" : arguments.front();
        return result;
    }
    auto lastWord = Clock::now();
    for (std::string line;;) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "looking for GPUs was cancelled");
        const Child::Read read = child.read(line, kSliceMs);
        if (read == Child::Read::Line) {
            try {
                if (line.starts_with(kStage)) {
                    result.stage = Json::parse(line.substr(kStage.size()));
                    lastWord = Clock::now();
                }
                if (line.starts_with(kResult)) {
                    result.probe = fromJson(Json::parse(line.substr(kResult.size())));
                    return result; // a driver may crash on its way out: nobody cares
                }
            } catch (const Json::exception&) {
                continue; // a line that chatter ran into; without a result it counts as a crash
            }
        } else if (read == Child::Read::End) {
            result.probe.reason = GpuReason::ProbeCrashed;
            result.probe.detail = endText(child.end(kSliceMs));
            return result;
        }
        if (Clock::now() - lastWord > std::chrono::milliseconds(command.limitMs)) {
            result.probe.reason = GpuReason::ProbeTimedOut;
            result.probe.detail = fmt::format("{} ms", command.limitMs);
            return result;
        }
    }
}

/// The child's standard output, taken away from the drivers, which like to print.
void say(int output, std::string_view head, const Json& body) {
    const std::string line = std::string(head) + body.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    for (std::size_t done = 0; done < line.size();) {
        const ssize_t count = ::write(output, line.data() + done, line.size() - done);
        if (count <= 0) return;
        done += static_cast<std::size_t>(count);
    }
}

void testDevice(kernels::BackendLoader& loader, ProbedDevice& device, const std::function<void()>& alive) {
    kernels::Status status;
    const auto backend = loader.create(device.state.api, device.state.index, status);
    if (!backend) {
        device.state.reason = status.code == kernels::StatusCode::OutOfMemory  ? GpuReason::OutOfMemory
                              : status.code == kernels::StatusCode::DeviceLost ? GpuReason::DeviceLost
                                                                               : GpuReason::DriverError;
        device.detail = status.place;
        return;
    }
    const auto reference = kernels::CpuBackend::create({.threads = 1, .forcedPath = kernels::CpuPath::Portable});
    const auto start = Clock::now();
    SelfTestResult tested = selfTest(*backend, *reference, alive);
    device.testMs = std::max(1, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count()));
    if (tested.passed()) return;
    if (!tested.stopped.empty() && tested.outOfMemory) {
        device.state.reason = GpuReason::OutOfMemory;
    } else if (!tested.stopped.empty() || !gapsOf(tested.faults)) {
        device.state.reason = GpuReason::SelfTestFailed;
    }
    device.detail = tested.summary();
    device.faults = std::move(tested.faults);
}

} // namespace

ProbeCommand probeCommand(const std::string& mode) {
    std::error_code error;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
    return {.arguments = {error ? std::string("/proc/self/exe") : program.string(), mode}};
}

Result<GpuProbe> probeInChild(const ProbeCommand& command, std::stop_token stop) {
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::pair<std::string, GpuProbe>> ended; // by id: how the child ended
    for (int i = 0; i < kTries; ++i) {
        auto tried = attempt(command, arguments, stop);
        if (!tried) return std::unexpected(tried.error());
        GpuProbe& probe = tried->probe;
        const bool crashed = probe.reason == GpuReason::ProbeCrashed || probe.reason == GpuReason::ProbeTimedOut;
        const std::string id = crashed && tried->stage.is_object() ? tried->stage.value("id", "") : "";
        if (crashed && !id.empty() && i + 1 < kTries) {
            arguments.insert(arguments.end(), {"--skip", id});
            ended.emplace_back(id, std::move(probe));
            continue;
        }
        for (ProbedDevice& device : probe.devices) {
            const auto found = std::ranges::find(ended, deviceId(device.state), &std::pair<std::string, GpuProbe>::first);
            if (found == ended.end()) continue;
            device.state.reason = found->second.reason;
            device.detail = found->second.detail;
        }
        return std::move(probe);
    }
    return GpuProbe{.reason = GpuReason::ProbeCrashed, .detail = {}, .runtimes = {}, .devices = {}};
}

int answerProbe(kernels::BackendLoader& loader, std::span<const std::string> skippedIds) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a hanging child must not outlive who asked
    const rlimit noCore{0, 0};
    ::setrlimit(RLIMIT_CORE, &noCore);
    const Descriptor output(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    const Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (output.get() < 0 || nowhere.get() < 0 || ::dup2(nowhere.get(), STDOUT_FILENO) < 0) return 1;

    GpuProbe probe;
    say(output.get(), kStage, Json::object());
    const kernels::ModuleState& module = loader.module();
    probe.reason = module.reason;
    probe.detail = module.detail;
    if (module.reason == GpuReason::Ok) {
        kernels::GpuInventory inventory = loader.list(kernels::requestedGpuApis());
        probe.runtimes = std::move(inventory.runtimes);
        for (kernels::GpuDeviceState& state : inventory.devices)
            probe.devices.push_back({.state = std::move(state)});
    }
    for (ProbedDevice& device : probe.devices) {
        const auto runtime = std::ranges::find(probe.runtimes, device.state.api, &kernels::GpuRuntimeState::api);
        if (runtime != probe.runtimes.end()) device.driverVersion = runtime->driverVersion;
        const std::string id = deviceId(device.state);
        if (device.state.reason != GpuReason::Ok || std::ranges::find(skippedIds, id) != skippedIds.end()) continue;
        say(output.get(), kStage, {{"id", id}});
        device.freeBytes = loader.freeMemory(device.state.api, device.state.index);
        auto lastWord = Clock::now();
        testDevice(loader, device, [&] {
            // A machine with much else to do is slow, not stuck.
            if (Clock::now() - lastWord < std::chrono::milliseconds(200)) return;
            lastWord = Clock::now();
            say(output.get(), kStage, {{"id", id}});
        });
    }
    say(output.get(), kResult, toJson(probe));
    return 0;
}

} // namespace hearth::core
