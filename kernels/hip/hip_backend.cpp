// SPDX-License-Identifier: Apache-2.0
#include "kernels/hip/hip_backend_impl.h"

#include "kernels/gpu_reason.h"
#include "kernels/ops/embed_hip.h"
#include "kernels/ops/sample.h"
#include "kernels/ops/shapes.h"
#include "kernels/quant/decode.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <thread>

namespace hearth::kernels {

namespace {

constexpr std::uint64_t kStagingBytes = std::uint64_t{8} << 20;
/// Recordings kept: one per bucket of positions and cache; more come from caches that are gone.
constexpr std::size_t kMostRecordings = 24;
constexpr std::int32_t kSmallestBucket = 256;

StatusCode codeOf(GpuError error) {
    switch (error) {
    case GpuError::None: return StatusCode::Ok;
    case GpuError::OutOfMemory: return StatusCode::OutOfMemory;
    case GpuError::DeviceLost: return StatusCode::DeviceLost;
    default: return StatusCode::LaunchFailed;
    }
}

class HipBuffer final : public Buffer {
public:
    HipBuffer(GpuMemory memory, std::uint64_t bytes)
        : m_memory(std::move(memory))
        , m_bytes(bytes) {}
    void* data() override { return m_memory.get(); }
    std::uint64_t bytes() const override { return m_bytes; }

private:
    GpuMemory m_memory;
    std::uint64_t m_bytes;
};

} // namespace

std::unique_ptr<Backend> createHipBackend(GpuRuntime& runtime, const CodeObject& code, const HipOptions& options, Status& status) {
    auto backend = std::make_unique<HipBackend>(runtime, options);
    status = backend->open(code);
    if (!status.ok()) return nullptr;
    return backend;
}

HipBackend::HipBackend(GpuRuntime& runtime, const HipOptions& options)
    : m_runtime(runtime)
    , m_options(options)
    , m_weights(runtime, options.weightSlabBytes) {}

HipBackend::~HipBackend() {
    // Memory must not go while kernels run. A lost or hung device is not waited for.
    if (m_stream && !m_lost) {
        m_status = {};
        finish("close");
    }
}

Status HipBackend::open(const CodeObject& code) {
    check(m_runtime.useDevice(m_options.device), "useDevice");
    check(m_runtime.deviceProperties(m_options.device, m_properties), "deviceProperties");
    void* made = nullptr;
    if (m_status.ok()) check(m_runtime.createStream(made), "createStream");
    if (m_status.ok()) m_stream = GpuStream(m_runtime, made);
    if (m_status.ok()) check(m_runtime.loadModule(made, code.image.data(), code.image.size()), "loadModule");
    if (m_status.ok()) m_module = GpuModule(m_runtime, made);
    if (m_status.ok()) growState(stateBytes({}), "allocate");
    for (std::size_t i = 0; i < m_staging.size() && m_status.ok(); ++i) {
        check(m_runtime.allocatePinned(made, kStagingBytes), "allocatePinned");
        if (m_status.ok()) m_staging[i] = PinnedMemory(m_runtime, made);
        if (m_status.ok()) check(m_runtime.createEvent(made), "createEvent");
        if (m_status.ok()) m_stagingFree[i] = GpuEvent(m_runtime, made);
        if (m_status.ok()) check(m_runtime.recordEvent(m_stagingFree[i].get(), m_stream.get()), "recordEvent");
    }
    if (m_status.ok() && kernel("hearth_repack") == nullptr) fail(StatusCode::LaunchFailed, "findFunction");
    return m_status;
}

DeviceInfo HipBackend::deviceInfo() const {
    return {.name = m_properties.name, .isa = m_properties.arch, .threads = 0, .totalBytes = m_properties.totalBytes};
}

// --- errors and waiting -------------------------------------------------------------------------------------------------

bool HipBackend::begin(const char* operation, bool valid) {
    if (!m_status.ok()) return false;
    if (m_stop.stop_requested()) {
        fail(StatusCode::Cancelled, operation);
    } else if (!valid) {
        fail(StatusCode::InvalidShape, operation);
    }
    return m_status.ok();
}

void HipBackend::fail(StatusCode code, const char* place) {
    if (code == StatusCode::DeviceLost) m_lost = true;
    if (m_status.ok()) m_status = {code, place};
}

void HipBackend::check(GpuResult result, const char* place) {
    if (!result.ok()) fail(codeOf(result.error), place);
}

void HipBackend::finish(const char* place) {
    if (!m_lost) await([this] { return m_runtime.query(m_stream.get()); }, place);
}

bool HipBackend::awaitStaging(std::size_t slot, const char* place) {
    await([&] { return m_runtime.queryEvent(m_stagingFree[slot].get()); }, place);
    return m_status.ok();
}

template <typename Query>
void HipBackend::await(const Query& query, const char* place) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    for (;;) {
        const GpuResult result = query();
        if (result.error != GpuError::NotReady) {
            check(result, place);
            return;
        }
        const auto waited = Clock::now() - start;
        if (m_options.watchdogMs > 0 && waited > std::chrono::milliseconds(m_options.watchdogMs)) {
            fail(StatusCode::DeviceLost, kWatchdogPlace);
            m_runtime.abandon();
            return;
        }
        // A token is done within a few milliseconds: asked for at once. Longer work can wait for a timer.
        if (waited > std::chrono::milliseconds(20)) {
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        } else {
            std::this_thread::yield();
        }
    }
}

GpuRuntime::Function HipBackend::kernel(const char* name) {
    const auto [entry, added] = m_functions.try_emplace(name, nullptr);
    if (added) check(m_runtime.findFunction(entry->second, m_module.get(), name), "findFunction");
    return entry->second;
}

GpuRuntime::Function HipBackend::kernel(const char* prefix, DType dtype) {
    return kernel((std::string(prefix) + std::string(info(dtype).name)).c_str());
}

// --- memory ---------------------------------------------------------------------------------------------------------------

std::unique_ptr<Buffer> HipBackend::allocate(std::uint64_t bytes) {
    if (m_lost) return nullptr;
    void* memory = nullptr;
    if (!m_runtime.allocate(memory, std::max<std::uint64_t>(bytes, 16)).ok()) return nullptr;
    GpuMemory owned(m_runtime, memory);
    if (!m_runtime.fill(memory, 0, bytes, m_stream.get()).ok()) return nullptr;
    return std::make_unique<HipBuffer>(std::move(owned), bytes);
}

std::byte* HipBackend::scratch(Use use, std::uint64_t bytes, const char* place) {
    Scratch& memory = m_scratch[static_cast<std::size_t>(use)];
    if (!m_status.ok()) return nullptr; // what is allocated now would be nobody's
    if (bytes > memory.bytes) {
        void* made = nullptr;
        check(m_runtime.allocate(made, bytes), place);
        if (!m_status.ok()) return nullptr;
        // Launched or recorded work may still read the old one.
        if (memory.memory) m_retired.push_back(std::move(memory.memory));
        memory = {GpuMemory(m_runtime, made), bytes};
    }
    return static_cast<std::byte*>(memory.memory.get());
}

bool HipBackend::uploadNow(void* to, std::span<const std::byte> from) {
    for (std::size_t at = 0, slot = 0; at < from.size() && m_status.ok(); at += kStagingBytes, slot ^= 1) {
        const std::size_t count = std::min<std::size_t>(kStagingBytes, from.size() - at);
        if (!awaitStaging(slot, "upload")) break;
        std::memcpy(m_staging[slot].get(), from.data() + at, count);
        check(m_runtime.copyToDevice(static_cast<std::byte*>(to) + at, m_staging[slot].get(), count, m_stream.get()), "upload");
        check(m_runtime.recordEvent(m_stagingFree[slot].get(), m_stream.get()), "upload");
    }
    return m_status.ok();
}

void HipBackend::upload(const TensorView& to, std::span<const std::byte> from) {
    if (m_lost || !m_status.ok() || from.empty()) return;
    if (to.data == nullptr || from.size() != to.bytes()) return fail(StatusCode::InvalidShape, "upload");
    uploadNow(to.data, from);
    written(to);
}

void HipBackend::download(std::span<std::byte> to, const TensorView& from) {
    if (m_lost || !m_status.ok() || to.empty()) return;
    if (from.data == nullptr || to.size() != from.bytes()) return fail(StatusCode::InvalidShape, "download");
    if (to.size() > m_pinnedResultBytes) {
        void* made = nullptr;
        check(m_runtime.allocatePinned(made, to.size()), "download");
        if (!m_status.ok()) return;
        if (m_pinnedResults) m_retiredPinned.push_back(std::move(m_pinnedResults));
        m_pinnedResults = PinnedMemory(m_runtime, made);
        m_pinnedResultBytes = to.size();
    }
    if (recording() && to.data() == m_step.results.data() && m_recording->resultBytes == 0) {
        m_recording->commands.copyToHost(m_pinnedResults.get(), from.data, to.size());
        m_recording->results = m_pinnedResults.get();
        m_recording->resultBytes = to.size();
        return;
    }
    if (recording()) { // not the download that was announced
        fail(StatusCode::InvalidShape, "download");
        return;
    }
    check(m_runtime.copyToHost(m_pinnedResults.get(), from.data, to.size(), m_stream.get()), "download");
    finish("download");
    if (m_status.ok()) std::memcpy(to.data(), m_pinnedResults.get(), to.size());
}

void HipBackend::zero(const TensorView& view) {
    if (m_lost) return;
    check(m_runtime.fill(view.data, 0, view.bytes(), m_stream.get()), "zero");
    written(view);
}

TensorView HipBackend::adoptWeight(DType dtype, std::array<std::int64_t, 3> shape, std::span<const std::byte> fileBytes) {
    TensorView view{nullptr, dtype, shape};
    if (m_lost || !canDecode(dtype) || !hasWholeBlocks(view) || view.bytes() > fileBytes.size()) return view;
    fileBytes = fileBytes.first(view.bytes());
    const auto elements = static_cast<std::uint64_t>(view.elements());
    GpuResult result;
    std::byte* memory = m_weights.allocate(planeBytes(dtype, elements), result);
    if (memory == nullptr) {
        if (result.error == GpuError::DeviceLost) m_lost = true;
        return view;
    }
    const bool done = planeFields(dtype).empty() ? uploadNow(memory, fileBytes) : repack(memory, dtype, elements, fileBytes);
    if (done) {
        view.data = memory;
    } else if (!m_lost) {
        m_status = {}; // the view says it; the next weight may fit
    }
    return view;
}

bool HipBackend::repack(std::byte* planes, DType dtype, std::uint64_t elements, std::span<const std::byte> fileBytes) {
    const DTypeInfo& type = info(dtype);
    const std::span<const PlaneField> fields = planeFields(dtype);
    const Planes where = planesAt(planes, dtype, elements);
    const std::uint64_t blocks = elements / type.elementsPerBlock;
    const std::uint64_t blocksPerPiece = kStagingBytes / type.bytesPerBlock;
    for (std::uint64_t at = 0, slot = 0; at < blocks && m_status.ok(); at += blocksPerPiece, slot ^= 1) {
        const std::uint64_t count = std::min(blocksPerPiece, blocks - at);
        std::byte* raw = scratch(slot == 0 ? Use::RawWeights0 : Use::RawWeights1, kStagingBytes, "adoptWeight");
        if (raw == nullptr) break;
        if (!awaitStaging(slot, "adoptWeight")) break;
        std::memcpy(m_staging[slot].get(), fileBytes.data() + at * type.bytesPerBlock, count * type.bytesPerBlock);
        check(m_runtime.copyToDevice(raw, m_staging[slot].get(), count * type.bytesPerBlock, m_stream.get()), "adoptWeight");
        RepackArgs args{};
        args.blocks = reinterpret_cast<const std::uint8_t*>(raw);
        args.blockBytes = static_cast<std::int32_t>(type.bytesPerBlock);
        args.count = static_cast<std::int64_t>(count);
        for (std::size_t f = 0; f < fields.size(); ++f) {
            args.plane[f] = const_cast<std::uint8_t*>(where.plane[f]) + at * fields[f].bytes;
            args.fieldOffset[f] = fields[f].offset;
            args.fieldBytes[f] = fields[f].bytes;
        }
        constexpr std::uint32_t kBlocks = 1024;
        launch("hearth_repack", {kBlocks, static_cast<std::uint32_t>(fields.size()), 1}, kRepackThreads, args);
        check(m_runtime.recordEvent(m_stagingFree[slot].get(), m_stream.get()), "adoptWeight");
    }
    return m_status.ok();
}

// --- steps ------------------------------------------------------------------------------------------------------------------

void HipBackend::beginStep(std::stop_token stop) {
    m_stop = std::move(stop);
    m_recording = nullptr;
    m_replayed = nullptr;
    m_step = {};
    m_q8 = {};
    m_halves = {};
    m_deferredNorm = {};
    m_status = m_lost ? Status{StatusCode::DeviceLost, "beginStep"} : Status{};
    if (m_status.ok()) check(m_runtime.useDevice(m_options.device), "beginStep");
}

bool HipBackend::replayStep(const StepInfo& step) {
    if (!m_options.recordSteps || step.signature == 0 || step.tokens.size() != 1 || !m_status.ok()) return false;
    m_step = step;
    if (step.sampling != nullptr && !begin("sample", sampleRequestFits(*step.sampling))) return false;
    m_positions = std::max(kSmallestBucket, static_cast<std::int32_t>(std::bit_ceil(static_cast<std::uint32_t>(step.firstPosition) + 1)));
    const RecordingKey key{step.signature, m_positions, samplingShape(step.sampling)};
    if (!growState(stateBytes(key.sampling), "replayStep")) return false;
    if (const auto found = m_recordings.find(key); found != m_recordings.end()) {
        m_replayed = &found->second;
        return true;
    }
    if (m_recordings.size() >= kMostRecordings) m_recordings.clear();
    m_recording = &m_recordings[key];
    m_recording->commands.copyToDevice(m_state.get(), m_pinnedState.get(), stateBytes(key.sampling));
    return false;
}

Status HipBackend::endStep() {
    Recording* const step = m_recording != nullptr ? m_recording : m_replayed;
    if (m_stop.stop_requested()) fail(StatusCode::Cancelled, "endStep");
    // What went wrong is told once; only a lost device stays lost.
    const auto told = [&] { return m_lost ? m_status : std::exchange(m_status, Status{}); };
    if (step == nullptr) {
        finish("endStep");
        return told();
    }
    const auto forget = [&] {
        std::erase_if(m_recordings, [&](const auto& entry) { return &entry.second == step; });
        m_recording = nullptr;
        m_replayed = nullptr;
    };
    if (!m_status.ok()) {
        if (m_recording != nullptr) forget(); // half a step
        return told();
    }
    if (m_recording != nullptr && m_graphsWork) {
        void* graph = nullptr;
        void* exec = nullptr;
        m_graphsWork = m_runtime.beginCapture(m_stream.get()).ok();
        if (m_graphsWork) {
            const bool issued = step->commands.issue(m_runtime, m_stream.get()).ok();
            m_graphsWork = m_runtime.endCapture(m_stream.get(), graph).ok() && issued && graph != nullptr;
            if (graph != nullptr) step->graph = GpuGraph(m_runtime, graph);
        }
        if (m_graphsWork) m_graphsWork = m_runtime.instantiate(exec, graph).ok();
        if (m_graphsWork) step->exec = GpuGraphExec(m_runtime, exec);
    }
    m_recording = nullptr;
    writeState();
    // Without graphs the recorded commands are issued one by one: slower, and as right.
    check(step->exec ? m_runtime.launchGraph(step->exec.get(), m_stream.get()) : step->commands.issue(m_runtime, m_stream.get()), "endStep");
    finish("endStep");
    if (m_status.ok() && step->resultBytes > 0) {
        std::memcpy(m_step.results.data(), step->results, std::min<std::uint64_t>(step->resultBytes, m_step.results.size()));
    }
    if (!m_status.ok()) forget();
    m_replayed = nullptr;
    return told();
}

} // namespace hearth::kernels
