// SPDX-License-Identifier: Apache-2.0
//
// CommandList: the launches and copies of a step, kept so that they can be issued again for the next token. Turned into a graph where the
// runtime has graphs (one call for hundreds of launches), issued one by one where it has not. Thread: the back end's.
#pragma once

#include "kernels/hip/gpu_runtime.h"
#include "kernels/hip/hip_handles.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace hearth::kernels {

class CommandList {
public:
    template <typename Args>
    void launch(GpuRuntime::Function function, GpuGrid grid, std::uint32_t threads, const Args& args) {
        Command command{.kind = Kind::Launch, .function = function, .grid = grid, .threads = threads};
        command.bytes.resize(sizeof args);
        std::memcpy(command.bytes.data(), &args, sizeof args);
        m_commands.push_back(std::move(command));
    }
    void copyToDevice(void* to, const void* from, std::uint64_t count) { copy(Kind::ToDevice, to, from, count); }
    void copyToHost(void* to, const void* from, std::uint64_t count) { copy(Kind::ToHost, to, from, count); }

    /// Issues everything in order on the stream, which may be capturing.
    [[nodiscard]] GpuResult issue(GpuRuntime& runtime, GpuRuntime::Stream stream) const {
        for (const Command& command : m_commands) {
            GpuResult result;
            switch (command.kind) {
            case Kind::Launch: result = runtime.launch(command.function, command.grid, command.threads, stream, command.bytes.data()); break;
            case Kind::ToDevice: result = runtime.copyToDevice(command.to, command.from, command.count, stream); break;
            case Kind::ToHost: result = runtime.copyToHost(command.to, command.from, command.count, stream); break;
            }
            if (!result.ok()) return result;
        }
        return {};
    }

    [[nodiscard]] std::size_t size() const { return m_commands.size(); }
    void clear() { m_commands.clear(); }

private:
    enum class Kind : std::uint8_t { Launch, ToDevice, ToHost };
    struct Command {
        Kind kind = Kind::Launch;
        GpuRuntime::Function function = nullptr;
        GpuGrid grid{};
        std::uint32_t threads = 0;
        std::vector<std::byte> bytes{}; ///< the kernel's arguments
        void* to = nullptr;
        const void* from = nullptr;
        std::uint64_t count = 0;
    };

    void copy(Kind kind, void* to, const void* from, std::uint64_t count) {
        m_commands.push_back({.kind = kind, .to = to, .from = from, .count = count});
    }

    std::vector<Command> m_commands;
};

} // namespace hearth::kernels
