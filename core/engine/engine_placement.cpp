// SPDX-License-Identifier: Apache-2.0
//
// Where Engine computes: the GPU that devices.h chooses, or the CPU, and the way from one to the other. Whatever goes wrong
// with a GPU ends here in a reason, and the CPU does the work.
#include "core/engine/engine.h"

#include "core/base/log.h"
#include "core/base/system_memory.h"
#include "core/base/units.h"
#include "kernels/cpu/cpu_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::core {

namespace {

GpuReason reasonOf(const Error& error) {
    if (error.code == ErrorCode::OutOfMemory) return GpuReason::OutOfMemory;
    if (error.code != ErrorCode::DeviceLost) return GpuReason::DriverError;
    return error.message.find(kernels::kWatchdogPlace) == std::string::npos ? GpuReason::DeviceLost : GpuReason::Hang;
}

GpuReason reasonOf(const kernels::Status& status) {
    return status.code == kernels::StatusCode::OutOfMemory  ? GpuReason::OutOfMemory
           : status.code == kernels::StatusCode::DeviceLost ? GpuReason::DeviceLost
                                                            : GpuReason::DriverError;
}

/// A reason that nobody wished for and that a user can do something about. What is not installed only counts where there is
/// a card for it.
bool isFailure(const DeviceList& list) {
    switch (list.gpuReason) {
    case GpuReason::Ok:
    case GpuReason::NoDevice:
    case GpuReason::UsersChoice:
    case GpuReason::HiddenByEnvironment: return false;
    case GpuReason::ModuleMissing:
    case GpuReason::RuntimeMissing:
    case GpuReason::RuntimeTooOld: return list.devices.size() > 1;
    default: return true;
    }
}

} // namespace

GpuAccess* Engine::gpus() {
    if (!m_gpus && m_options.gpus) m_gpus = m_options.gpus();
    return m_gpus.get();
}

Result<DeviceList> Engine::devices(std::string_view wanted, std::stop_token stop) {
    if (GpuAccess* access = gpus()) {
        auto list = access->list(wanted, std::move(stop));
        if (!list || !m_gpuBackend) return list;
        // What a load would find: ours goes before it.
        const auto ours = std::ranges::find(list->devices, m_placement.device.id, &Device::id);
        if (ours != list->devices.end()) {
            const std::uint64_t free = access->freeMemory(*ours);
            if (free > 0) ours->freeBytes = free + m_placement.plan.gpu.total();
        }
        return list;
    }
    SystemFacts facts = gatherSystemFacts();
    facts.gpusOff = true;
    return makeDeviceList(facts, {}, wanted);
}

void Engine::retryGpus() {
    if (GpuAccess* access = gpus()) access->tryAgain();
}

void Engine::releaseModel() {
    m_cache.reset();
    m_model.reset();
    m_cpuBackend.reset();
    closeGpu();
}

void Engine::closeGpu() {
    if (!m_gpuBackend) return;
    m_gpuBackend.reset();
    m_gpus->close();
}

Result<void> Engine::choosePlacement(std::stop_token stop) {
    m_placement = {};
    GpuAccess* access = gpus();
    if (access == nullptr) {
        m_placement.reason = GpuReason::NoDevice;
        m_placement.explanation = "No GPU was looked for.";
        return {};
    }
    if (m_request.retryGpu) retryGpus();
    const std::string_view wanted = m_request.gpuLayers == 0 ? kCpuDevice : std::string_view(m_request.device);
    if (wanted == kCpuDevice) { // nobody needs to be probed for that
        m_placement.reason = GpuReason::UsersChoice;
        m_placement.explanation = explain(GpuReason::UsersChoice, {});
        return {};
    }
    auto list = access->list(wanted, std::move(stop));
    if (!list) return std::unexpected(list.error());
    const Device* used = list->used();
    if (used != nullptr && used->id != kCpuDevice) {
        m_placement.device = *used;
        m_placement.gpuName = used->name;
        return {};
    }
    m_placement.reason = list->gpuReason;
    m_placement.explanation = list->gpuExplanation;
    const auto told = std::ranges::find(list->devices, list->gpuExplanation, &Device::explanation);
    if (told != list->devices.end()) m_placement.gpuName = told->name;
    m_placement.fallback = isFailure(*list) || !wanted.empty();
    return {};
}

void Engine::openGpu() {
    kernels::Status status;
    m_gpuBackend = m_gpus->open(m_placement.device, status);
    if (m_gpuBackend) return;
    const Device device = std::exchange(m_placement.device, {});
    m_placement.reason = reasonOf(status);
    m_placement.explanation = explain(m_placement.reason, {.device = device.name, .family = device.family, .api = device.api, .file = {}, .group = {}, .detail = status.place});
    m_placement.fallback = true;
    if (m_placement.reason != GpuReason::OutOfMemory) m_gpus->avoid(device.id, m_placement.reason);
    spdlog::warn("{}", m_placement.explanation);
}

bool Engine::isGpuFailure(const Error& error) const {
    return m_gpuBackend && error.code != ErrorCode::Cancelled && error.message.ends_with(kOnTheGpu);
}

/// The GPU is given up: the model and the back end go, the placement becomes the CPU with the reason.
void Engine::leaveGpu(const Error& error) {
    const Device device = std::exchange(m_placement.device, {});
    m_placement.reason = reasonOf(error);
    m_placement.explanation = explain(m_placement.reason, {.device = device.name, .family = device.family, .api = device.api, .file = {}, .group = {}, .detail = error.message});
    m_placement.fallback = true;
    spdlog::warn("{}", m_placement.explanation);
    releaseModel();
    if (m_placement.reason != GpuReason::OutOfMemory) m_gpus->avoid(device.id, m_placement.reason);
}

Result<void> Engine::placeModel(GgufFile file, const std::function<void(const LoadProgress&)>& progress, std::stop_token stop) {
    if (auto chosen = choosePlacement(stop); !chosen) return chosen;
    if (!m_placement.device.id.empty()) openGpu();
    auto loaded = loadHere(std::move(file), progress, stop);
    if (loaded || !isGpuFailure(loaded.error())) return loaded;
    leaveGpu(loaded.error());
    auto again = GgufFile::open(m_request.path);
    if (!again) return std::unexpected(again.error());
    return loadHere(std::move(*again), progress, std::move(stop));
}

/// The model needs what the GPU's kernels lack: the CPU does it all, and says why.
void Engine::leaveGpuTo(kernels::SpecialOperation lacked) {
    const Device device = std::exchange(m_placement.device, {});
    m_placement.reason = GpuReason::ModelNeedsMore;
    m_placement.explanation = explain(m_placement.reason, {.device = device.name, .family = device.family, .api = device.api, .file = {}, .group = {}, .detail = std::string(kernels::name(lacked))});
    m_placement.fallback = true;
    spdlog::warn("{}", m_placement.explanation);
    closeGpu();
}

Result<MemoryPlan> Engine::makePlan(const GgufFile& file) {
    const auto wishes = wishesOf(m_request);
    if (!wishes) return std::unexpected(wishes.error());
    auto config = Model::check(file);
    if (!config) return std::unexpected(config.error());
    if (m_gpuBackend) {
        if (const auto lacked = lackedBy(*m_gpuBackend, *config)) leaveGpuTo(*lacked);
    }
    MemoryRoom room;
    if (m_gpuBackend) room = roomOn(&m_placement.device, m_gpus->freeMemory(m_placement.device));
    if (const auto available = availableMemory()) room.ramFree = *available;
    room.gpuOffersSpecials = true; // asked above, where what is lacking has a name
    m_placement.gaps = room.gaps;
    return planMemory(memoryNeeds(file, *config), room, *wishes);
}

Result<void> Engine::loadHere(GgufFile file, const std::function<void(const LoadProgress&)>& progress, std::stop_token stop) {
    auto plan = makePlan(file);
    if (!plan) return std::unexpected(plan.error());
    m_placement.plan = *plan;
    if (m_gpuBackend && !plan->onGpu()) {
        const Device device = std::exchange(m_placement.device, {});
        const bool wrong = plan->reason == PlanReason::CpuGpuWrong;
        m_placement.reason = wrong ? GpuReason::SelfTestFailed : GpuReason::OutOfMemory;
        m_placement.explanation = wrong ? explain(GpuReason::SelfTestFailed, {.device = device.name, .family = {}, .api = device.api, .file = {}, .group = {}, .detail = core::describe(device.faults)})
                                        : core::describe(*plan);
        m_placement.fallback = true;
        m_placement.gaps = {};
        closeGpu();
    }
    if (!m_cpuBackend) {
        m_cpuBackend = kernels::CpuBackend::create({.threads = m_request.threads, .forcedPath = m_options.cpuPath});
        if (!m_cpuBackend) return fail(ErrorCode::Internal, "the CPU back end could not be created");
    }
    const auto weightProgress = [&progress](const WeightProgress& done) {
        if (!progress) return;
        const double total = static_cast<double>(std::max<std::uint64_t>(done.bytesTotal, 1));
        progress({static_cast<float>(static_cast<double>(done.bytesDone) / total), done.bytesDone, done.bytesTotal});
    };
    const PromptChunks chunks;
    const ModelOptions options{.prefillChunk = m_gpuBackend ? chunks.withGpu : chunks.cpuOnly, .kvType = plan->kvType};
    auto model = Model::load(std::move(file), BackendSet{*m_cpuBackend, m_gpuBackend.get(), plan->placement}, options, weightProgress, std::move(stop));
    if (!model) return std::unexpected(model.error());
    m_model = std::move(*model);

    m_contextLength = plan->contextLength;
    const std::int32_t cpuLayers = plan->layers - plan->layersOnGpu();
    const std::uint64_t needed = KvCache::bytesOfLayers(m_model->config(), cpuLayers, m_contextLength, plan->kvType) + m_model->scratchBytes(BackendSide::Cpu);
    if (const auto available = availableMemory(); available && needed > *available) {
        return fail(ErrorCode::OutOfMemory, fmt::format("a context of {} tokens needs {}, and {} of memory are available",
                                                        formatCount(static_cast<std::uint64_t>(m_contextLength)), formatBytes(needed), formatBytes(*available)));
    }
    auto cache = m_model->makeCache(m_contextLength);
    if (!cache) return std::unexpected(cache.error());
    m_cache = std::move(*cache);
    return {};
}

/// Not cancelled on the way: the weights are a mapping, and the next request needs them.
Result<void> Engine::loadOnCpu() {
    m_session.clear();
    auto file = GgufFile::open(m_request.path);
    if (!file) return std::unexpected(file.error());
    auto loaded = loadHere(std::move(*file), {}, {});
    if (!loaded) releaseModel();
    return loaded;
}

Result<void> Engine::takeOver(const Error& error, std::stop_token stop) {
    const std::vector<TokenId> computed = std::exchange(m_session, {});
    leaveGpu(error);
    if (auto loaded = loadOnCpu(); !loaded) return loaded;
    m_takeover->notices.push_back(m_placement.explanation + " The processor carries the reply on.");
    if (m_takeover->events.backendChanged) m_takeover->events.backendChanged(describe());

    const std::span<const TokenId> ids(computed);
    for (std::size_t at = 0; at < ids.size();) {
        if (m_takeover->events.promptProgress) m_takeover->events.promptProgress({static_cast<std::int32_t>(at), static_cast<std::int32_t>(ids.size())});
        const std::size_t count = std::min(static_cast<std::size_t>(m_model->prefillChunk()), ids.size() - at);
        if (auto fed = feedHere(ids.subspan(at, count), {}, stop); !fed) return fed;
        at += count;
    }
    return {};
}

} // namespace hearth::core
