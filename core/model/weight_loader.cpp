// SPDX-License-Identifier: Apache-2.0
#include "core/model/weight_loader.h"

#include "core/base/units.h"
#include "core/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <unordered_set>

namespace hearth::core {

namespace {

// Read in pieces small enough to notice a stop request in time even on a slow disk (at 50 MB/s, 80 ms).
constexpr std::size_t kReadPiece = std::size_t{4} << 20;
// How far ahead the kernel is asked to read.
constexpr std::size_t kReadAhead = std::size_t{32} << 20;

std::string shapeText(const GgufTensor& tensor) {
    std::string text = "[";
    for (int d = 0; d < tensor.rank; ++d)
        text += fmt::format("{}{}", d > 0 ? ", " : "", tensor.dims[static_cast<std::size_t>(d)]);
    return text + "]";
}

Result<void> checkTensor(const TensorSpec& spec, const GgufTensor& tensor) {
    const auto [outer, rows, cols] = spec.shape;
    const std::array<std::uint64_t, 4> wanted{static_cast<std::uint64_t>(cols), static_cast<std::uint64_t>(rows),
                                              static_cast<std::uint64_t>(outer), 1};
    if (tensor.dims != wanted) {
        return fail(ErrorCode::WrongShape, fmt::format("tensor '{}' is {}, expected [{}, {}, {}] (columns first)",
                                                       tensor.name, shapeText(tensor), cols, rows, outer));
    }
    const kernels::DTypeInfo& type = kernels::info(tensor.dtype);
    if (spec.role != TensorRole::Matrix && tensor.dtype != kernels::DType::F32) {
        return fail(ErrorCode::WrongShape,
                    fmt::format("tensor '{}' has type {}, expected F32", tensor.name, type.name));
    }
    if (!type.computes) {
        return fail(ErrorCode::UnsupportedTensorType,
                    fmt::format("tensor '{}' has type {} (id {}), which is not supported", tensor.name, type.name,
                                type.ggufId));
    }
    return {};
}

/// What old converters wrote although the metadata says the same.
bool isRedundant(std::string_view tensorName) {
    return tensorName.ends_with(".attn_rot_embd") || tensorName.ends_with(".rotary_emb.inv_freq");
}

/// Gives one tensor, or each of its parts, to the back end; false when it has no memory.
bool adopt(const TensorSpec& spec, kernels::DType dtype, std::span<const std::byte> bytes, kernels::Backend& backend) {
    if (spec.parts.empty()) {
        *spec.slot = backend.adoptWeight(dtype, spec.shape, bytes);
        return spec.slot->data != nullptr;
    }
    const auto [outer, rows, cols] = spec.shape;
    const bool byRows = spec.role == TensorRole::Matrix;
    const std::uint64_t unit = bytes.size() / static_cast<std::uint64_t>(byRows ? rows : cols);
    std::uint64_t offset = 0;
    for (const TensorPart& part : spec.parts) {
        const std::uint64_t size = unit * static_cast<std::uint64_t>(part.count);
        *part.slot = backend.adoptWeight(dtype, {outer, byRows ? part.count : rows, byRows ? cols : part.count},
                                         bytes.subspan(offset, size));
        if (part.slot->data == nullptr) return false;
        offset += size;
    }
    return true;
}

std::size_t pageSize() {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

/// Asks the kernel to read [data, data + size) soon. Only a hint: failure costs nothing.
void adviseWillNeed(const std::byte* data, std::size_t size) {
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t start = address / pageSize() * pageSize();
    ::madvise(reinterpret_cast<void*>(start), size + (address - start), MADV_WILLNEED);
}

/// Reads every page: in one call where the system offers it, which spares a fault for every few pages; else, and where a page cannot
/// be read, one by one, so that the mapping's guard sees it (core/base/mapping_guard.h).
void touchPages(std::span<const std::byte> bytes) {
#ifdef MADV_POPULATE_READ
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    const std::uintptr_t start = address / pageSize() * pageSize();
    if (::madvise(reinterpret_cast<void*>(start), bytes.size() + (address - start), MADV_POPULATE_READ) == 0) return;
#endif
    for (std::size_t i = 0; i < bytes.size(); i += pageSize()) {
        static_cast<void>(*static_cast<const volatile std::byte*>(bytes.data() + i));
    }
    if (!bytes.empty()) static_cast<void>(*static_cast<const volatile std::byte*>(&bytes.back()));
}

/// Brings one tensor into the page cache; false when stopped.
template <class Report>
bool readAhead(std::span<const std::byte> bytes, const std::stop_token& stop, const Report& report) {
    std::size_t advised = 0;
    for (std::size_t done = 0; done < bytes.size();) {
        if (stop.stop_requested()) return false;
        if (advised <= done + kReadAhead / 2 && advised < bytes.size()) {
            const std::size_t size = std::min(kReadAhead, bytes.size() - advised);
            adviseWillNeed(bytes.data() + advised, size);
            advised += size;
        }
        const std::size_t piece = std::min(kReadPiece, bytes.size() - done);
        touchPages(bytes.subspan(done, piece));
        done += piece;
        report(piece);
    }
    return true;
}

} // namespace

bool staysOnHost(std::string_view tensorName) {
    return isRedundant(tensorName) || tensorName == "rope_freqs.weight" || tensorName == "rope_factors_long.weight" ||
           tensorName == "rope_factors_short.weight";
}

Result<std::vector<MatchedTensor>> matchTensors(const GgufFile& file, std::span<const TensorSpec> specs) {
    std::vector<MatchedTensor> matched;
    matched.reserve(specs.size());
    std::unordered_set<const GgufTensor*> used;
    for (const TensorSpec& spec : specs) {
        if (!spec.insteadOf.empty() && file.findTensor(spec.insteadOf) != nullptr) continue;
        const GgufTensor* tensor = file.findTensor(spec.name);
        if (tensor == nullptr) {
            if (spec.need == TensorNeed::Optional) continue;
            return fail(ErrorCode::MissingTensor,
                        spec.insteadOf.empty()
                            ? fmt::format("tensor '{}' is missing", spec.name)
                            : fmt::format("tensor '{}' is missing, and so is '{}'", spec.name, spec.insteadOf));
        }
        if (auto checked = checkTensor(spec, *tensor); !checked) return std::unexpected(std::move(checked.error()));
        used.insert(tensor);
        matched.push_back({&spec, tensor});
    }
    for (const GgufTensor& tensor : file.tensors()) {
        if (used.contains(&tensor) || isRedundant(tensor.name)) continue;
        return fail(ErrorCode::UnsupportedArchitecture,
                    fmt::format("tensor '{}' is not part of the architecture as it is supported",
                                utf8::sanitized(tensor.name)));
    }
    return matched;
}

Result<void> loadTensors(const GgufFile& file, std::span<const MatchedTensor> matched, const BackendSet& backends,
                         const std::function<void(const WeightProgress&)>& progress, std::stop_token stop) {
    WeightProgress state;
    for (const MatchedTensor& match : matched)
        state.bytesTotal += match.tensor->byteSize;
    std::uint64_t reported = 0;
    const auto report = [&](std::size_t bytes) {
        state.bytesDone += bytes;
        if (!progress || (state.bytesDone - reported < kReadPiece && state.bytesDone < state.bytesTotal)) return;
        reported = state.bytesDone;
        progress(state);
    };

    // In the file's order: a disk reads forwards fastest.
    std::vector<MatchedTensor> inOrder(matched.begin(), matched.end());
    std::ranges::sort(inOrder, {},
                      [](const MatchedTensor& match) { return std::pair(match.tensor->split, match.tensor->offset); });
    // Uploads may fail after they were asked for: the GPU is in a step, whose end waits for them and tells.
    if (backends.gpu != nullptr) backends.gpu->beginStep({});
    auto loaded = [&]() -> Result<void> {
        for (const MatchedTensor& match : inOrder) {
            const std::span<const std::byte> bytes = file.data(*match.tensor);
            if (!readAhead(bytes, stop, report)) return fail(ErrorCode::Cancelled, "loading was cancelled");
            const TensorSpec& spec = *match.spec;
            if (spec.role == TensorRole::Host) {
                spec.hostSlot->resize(bytes.size() / sizeof(float));
                std::memcpy(spec.hostSlot->data(), bytes.data(), bytes.size());
                continue;
            }
            const BackendSide side = sideOf(placeOf(spec.name), backends.placement);
            if (!adopt(spec, match.tensor->dtype, bytes, backends.on(side))) {
                return fail(ErrorCode::OutOfMemory, fmt::format("tensor '{}': no memory for {}{}", spec.name,
                                                                formatBytes(bytes.size()), wordsFor(side)));
            }
        }
        return {};
    }();
    if (backends.gpu != nullptr) {
        const kernels::Status status = backends.gpu->endStep();
        // A lost device also answers that it has no memory.
        if (!status.ok() && (loaded || status.code == kernels::StatusCode::DeviceLost))
            loaded = std::unexpected(errorOf(status, BackendSide::Gpu));
    }
    if (!loaded) return loaded;
    if (file.damaged())
        return fail(ErrorCode::FileChanged, fmt::format("{}: changed while it was loaded", file.path().string()));
    return {};
}

} // namespace hearth::core
