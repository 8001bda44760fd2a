// SPDX-License-Identifier: Apache-2.0
//
// The GPU module with the CPU for a GPU: the real module's code, code objects that are none, and a back end that fails as
// FAKE_BACKEND says (FAKE_BACKEND_PROBE in the probing child): "wrong=OPERATION", "wrong=OPERATION:FORMAT", "lost=N", "memory=N", "crash=N",
// "hang=N" for operation number N, "refuse". FAKE_CODE: a character that the code objects hold.
#include "kernels/hip/hip_module.h"
#include "tests/support/failing_backend.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace hearth::kernels {

std::span<const CodeObject> codeObjects() {
    static const char* const word = std::getenv("FAKE_CODE");
    static const std::byte kImage[4]{word == nullptr ? std::byte{} : static_cast<std::byte>(word[0])};
    static const CodeObject kObjects[]{{"gfx1036", kImage}, {"gfx1100", kImage}};
    return kObjects;
}

std::unique_ptr<Backend> createHipBackend(GpuRuntime& runtime, const CodeObject& code, const HipOptions& options, Status& status) {
    std::ifstream in("/proc/self/cmdline");
    const std::string line{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const char* set = std::getenv(line.find("probe-gpu") == std::string::npos ? "FAKE_BACKEND" : "FAKE_BACKEND_PROBE");
    const std::string wish = set == nullptr ? "" : set;
    const std::size_t equals = wish.find('=');
    const std::string word = wish.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : wish.substr(equals + 1);

    if (const GpuResult used = runtime.useDevice(options.device); !used.ok() || word == "refuse") {
        status = {StatusCode::DeviceLost, "useDevice"};
        return nullptr;
    }
    test::FailurePlan plan;
    if (word == "wrong") {
        const std::size_t colon = value.find(':');
        plan.wrong = value.substr(0, colon);
        if (colon != std::string::npos) plan.wrongFormat = value.substr(colon + 1);
    }
    if (word == "lost" || word == "memory" || word == "crash" || word == "hang") plan.operation = std::atoi(value.c_str());
    if (word == "memory") plan.code = StatusCode::OutOfMemory;
    if (word == "crash") plan.instead = [] { std::raise(SIGSEGV); };
    if (word == "hang") {
        plan.instead = [] {
            for (;;) ::pause();
        };
    }
    static test::BackendLog log;
    return test::makeFailingBackend(std::move(plan), log, code.arch);
}

} // namespace hearth::kernels
