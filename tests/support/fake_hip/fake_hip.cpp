// SPDX-License-Identifier: Apache-2.0
//
// A libamdhip64 for tests: plain memory for a device, launches that run a function, and whatever misbehaviour FAKE_HIP asks
// for. Built as .so.7, as .so.5 (FAKE_HIP_5: the old properties, no graphs) and incomplete (FAKE_HIP_INCOMPLETE).
//
// FAKE_HIP, words separated by commas:
//   devices=N            default 1; device 0 is a gfx1100, device 1 an integrated gfx1036, others gfx803
//   version=N            what hipDriverGetVersion says; default 60342131
//   crash-init, hang-init, exit-init, chatter
//   crash-device=N, hang-device=N    in hipSetDevice
//   hang-device-work                 no stream ends any more, and whatever waits for one waits for ever
//   fail:NAME=CODE       the call answers with the code
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <unistd.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

std::string wordValue(const std::string& word) {
    const char* set = std::getenv("FAKE_HIP");
    std::string_view rest = set == nullptr ? "" : set;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        const std::string_view one = rest.substr(0, comma);
        if (one == word) return "1";
        if (one.starts_with(word) && one.size() > word.size() && one[word.size()] == '=') return std::string(one.substr(word.size() + 1));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return {};
}

int numberOr(const std::string& word, int fallback) {
    const std::string value = wordValue(word);
    return value.empty() ? fallback : std::atoi(value.c_str());
}

int answer(const char* call) {
    return numberOr(std::string("fail:") + call, 0);
}

[[noreturn]] void hang() {
    for (;;) ::pause();
}

int count() {
    return numberOr("devices", 1);
}

// What a "kernel" of the tests is: a function over the argument struct.
using Kernel = void (*)(const void* arguments, unsigned blocks, unsigned threads);

void increment(const void* arguments, unsigned blocks, unsigned threads) {
    struct Arguments {
        int* values;
        int by;
    };
    const auto& given = *static_cast<const Arguments*>(arguments);
    for (unsigned i = 0; i < blocks * threads; ++i) given.values[i] += given.by;
}

void nothing(const void*, unsigned, unsigned) {}

int g_stream = 0;
int g_event = 0;
int g_module = 0;

} // namespace

EXPORT int hipInit(unsigned) {
    if (!wordValue("chatter").empty()) std::puts("driver says hello\nhearth-probe result {broken");
    std::fflush(stdout);
    if (!wordValue("crash-init").empty()) std::raise(11);
    if (!wordValue("hang-init").empty()) hang();
    if (!wordValue("exit-init").empty()) std::_Exit(3);
    return answer("hipInit");
}
EXPORT int hipDriverGetVersion(int* version) {
    *version = numberOr("version", 60342131);
    return answer("hipDriverGetVersion");
}
EXPORT int hipGetDeviceCount(int* number) {
    *number = count();
    if (const int code = answer("hipGetDeviceCount"); code != 0) return code;
    return count() == 0 ? 100 : 0;
}
EXPORT int hipSetDevice(int device) {
    if (numberOr("crash-device", -1) == device) std::raise(11);
    if (numberOr("hang-device", -1) == device) hang();
    return answer("hipSetDevice");
}
EXPORT int hipDeviceGetName(char* name, int size, int device) {
    std::snprintf(name, static_cast<std::size_t>(size), "%s", device == 0 ? "Fake RX 7900" : device == 1 ? "Fake iGPU" : "Fake RX 480");
    return answer("hipDeviceGetName");
}
EXPORT int hipDeviceTotalMem(std::size_t* bytes, int device) {
    *bytes = std::size_t{device == 0 ? 24u : 8u} << 30;
    return answer("hipDeviceTotalMem");
}
EXPORT int hipDeviceGetAttribute(int* value, int attribute, int device) {
    switch (attribute) {
    case 16: *value = device == 1; break; // integrated
    case 63: *value = 48; break;          // multiprocessors
    case 74: *value = 65536; break;       // shared memory
    case 87: *value = 32; break;          // wave
    default: return 1;
    }
    return answer("hipDeviceGetAttribute");
}
EXPORT int hipDeviceGetPCIBusId(char* id, int size, int device) {
    std::snprintf(id, static_cast<std::size_t>(size), "0000:%02X:00.0", 0xa0 + device);
    return answer("hipDeviceGetPCIBusId");
}

namespace {
int properties(void* structure, int device, std::size_t offset, std::size_t size) {
    std::memset(structure, 0x7f, size); // other fields are anything
    const char* arch = device == 0 ? "gfx1100" : device == 1 ? "gfx1036:xnack-" : "gfx803";
    std::strcpy(static_cast<char*>(structure) + offset, arch);
    return answer("properties");
}
} // namespace

#ifdef FAKE_HIP_5
EXPORT int hipGetDeviceProperties(void* structure, int device) { return properties(structure, device, 396, 792); }
#else
namespace {
int g_graph = 0;
}
EXPORT int hipGetDevicePropertiesR0600(void* structure, int device) { return properties(structure, device, 1160, 1472); }
EXPORT int hipStreamBeginCapture(void*, int) { return answer("hipStreamBeginCapture"); }
EXPORT int hipStreamEndCapture(void*, void** graph) {
    *graph = &g_graph;
    return answer("hipStreamEndCapture");
}
EXPORT int hipGraphInstantiate(void** exec, void* graph, void**, char*, std::size_t) {
    *exec = graph;
    return answer("hipGraphInstantiate");
}
EXPORT int hipGraphLaunch(void*, void*) { return answer("hipGraphLaunch"); }
EXPORT int hipGraphDestroy(void*) { return answer("hipGraphDestroy"); }
EXPORT int hipGraphExecDestroy(void*) { return answer("hipGraphExecDestroy"); }
#endif

EXPORT int hipMemGetInfo(std::size_t* unused, std::size_t* total) {
    *unused = std::size_t{20} << 30;
    *total = std::size_t{24} << 30;
    return answer("hipMemGetInfo");
}
EXPORT int hipMalloc(void** memory, std::size_t bytes) {
    if (const int code = answer("hipMalloc"); code != 0) return code;
    *memory = std::malloc(bytes);
    return 0;
}
// A driver that is to free something waits for the device.
namespace {
void waitForTheDevice() {
    if (!wordValue("hang-device-work").empty()) hang();
}
}
EXPORT int hipFree(void* memory) {
    waitForTheDevice();
    std::free(memory);
    return answer("hipFree");
}
EXPORT int hipHostMalloc(void** memory, std::size_t bytes, unsigned) {
    if (const int code = answer("hipHostMalloc"); code != 0) return code;
    *memory = std::malloc(bytes);
    return 0;
}
EXPORT int hipHostFree(void* memory) {
    waitForTheDevice();
    std::free(memory);
    return answer("hipHostFree");
}
EXPORT int hipStreamCreateWithFlags(void** stream, unsigned) {
    *stream = &g_stream;
    return answer("hipStreamCreateWithFlags");
}
EXPORT int hipStreamDestroy(void*) {
    waitForTheDevice();
    return answer("hipStreamDestroy");
}
EXPORT int hipStreamSynchronize(void*) {
    waitForTheDevice();
    return answer("hipStreamSynchronize");
}
EXPORT int hipStreamQuery(void*) { return wordValue("hang-device-work").empty() ? answer("hipStreamQuery") : 600; }
EXPORT int hipStreamWaitEvent(void*, void*, unsigned) { return answer("hipStreamWaitEvent"); }
EXPORT int hipEventCreateWithFlags(void** event, unsigned) {
    *event = &g_event;
    return answer("hipEventCreateWithFlags");
}
EXPORT int hipEventDestroy(void*) { return answer("hipEventDestroy"); }
EXPORT int hipEventRecord(void*, void*) { return answer("hipEventRecord"); }
EXPORT int hipEventQuery(void*) { return wordValue("hang-device-work").empty() ? answer("hipEventQuery") : 600; }
EXPORT int hipEventElapsedTime(float* ms, void*, void*) {
    *ms = 1.5f;
    return answer("hipEventElapsedTime");
}
EXPORT int hipMemcpyAsync(void* to, const void* from, std::size_t bytes, int kind, void*) {
    if (kind < 1 || kind > 3) return 1;
    if (const int code = answer("hipMemcpyAsync"); code != 0) return code;
    std::memcpy(to, from, bytes);
    return 0;
}
EXPORT int hipMemsetAsync(void* memory, int value, std::size_t bytes, void*) {
    if (const int code = answer("hipMemsetAsync"); code != 0) return code;
    std::memset(memory, value, bytes);
    return 0;
}
EXPORT int hipModuleLoadData(void** module, const void*) {
    *module = &g_module;
    return answer("hipModuleLoadData");
}
EXPORT int hipModuleUnload(void*) {
    waitForTheDevice();
    return answer("hipModuleUnload");
}
EXPORT int hipModuleGetFunction(void** function, void*, const char* name) {
    if (const int code = answer("hipModuleGetFunction"); code != 0) return code;
    const bool isHearths = std::string_view(name).starts_with("hearth_"); // there, and does nothing
    if (!isHearths && std::strcmp(name, "increment") != 0) return 500;
    *function = reinterpret_cast<void*>(isHearths ? &nothing : &increment);
    return 0;
}
#ifndef FAKE_HIP_INCOMPLETE
EXPORT int hipModuleLaunchKernel(void* function, unsigned x, unsigned, unsigned, unsigned threads, unsigned, unsigned, unsigned, void*, void** parameters,
                                 void**) {
    if (const int code = answer("hipModuleLaunchKernel"); code != 0) return code;
    reinterpret_cast<Kernel>(function)(parameters[0], x, threads);
    return 0;
}
#endif
