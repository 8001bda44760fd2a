// SPDX-License-Identifier: Apache-2.0
#include "app/cli/random_model.h"

#include "app/cli/invented_vocabulary.h"
#include "app/cli/random_weights.h"
#include "core/base/units.h"
#include "core/engine/builtin_templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace hearth::app::cli {

namespace {

using core::ErrorCode;

constexpr std::uint64_t kAlignment = 32; ///< GGUF's default
constexpr std::uint64_t kChunkBytes = 1u << 20;

std::uint64_t aligned(std::uint64_t offset) {
    return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

/// The parts of a GGUF header, little-endian. Source: the GGUF specification in ggml's docs/gguf.md.
class Header {
public:
    template <class T>
    void raw(T value) {
        const auto* bytes = reinterpret_cast<const std::byte*>(&value);
        m_bytes.insert(m_bytes.end(), bytes, bytes + sizeof value);
    }
    void text(std::string_view value) {
        raw(std::uint64_t{value.size()});
        const auto* bytes = reinterpret_cast<const std::byte*>(value.data());
        m_bytes.insert(m_bytes.end(), bytes, bytes + value.size());
    }

    void key(std::string_view name, std::string_view value) { begin(name, kString), text(value); }
    void key(std::string_view name, const char* value) { key(name, std::string_view(value)); }
    void key(std::string_view name, std::uint32_t value) { begin(name, kUint32), raw(value); }
    void key(std::string_view name, std::int32_t value) { key(name, static_cast<std::uint32_t>(value)); }
    void key(std::string_view name, float value) { begin(name, kFloat32), raw(value); }
    void key(std::string_view name, bool value) { begin(name, kBool), raw(static_cast<std::uint8_t>(value)); }
    void key(std::string_view name, const std::vector<std::string>& values) {
        beginArray(name, kString, values.size());
        for (const std::string& value : values) text(value);
    }
    void key(std::string_view name, const std::vector<core::TokenType>& values) {
        beginArray(name, kInt32, values.size());
        for (const core::TokenType value : values) raw(static_cast<std::int32_t>(value));
    }

    [[nodiscard]] std::uint64_t keys() const { return m_keys; }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return m_bytes; }
    void append(const Header& other) { m_bytes.insert(m_bytes.end(), other.m_bytes.begin(), other.m_bytes.end()); }

private:
    static constexpr std::uint32_t kUint32 = 4, kInt32 = 5, kFloat32 = 6, kBool = 7, kString = 8, kArray = 9;

    void begin(std::string_view name, std::uint32_t type) {
        text(name);
        raw(type);
        ++m_keys;
    }
    void beginArray(std::string_view name, std::uint32_t type, std::size_t count) {
        begin(name, kArray);
        raw(type);
        raw(std::uint64_t{count});
    }

    std::vector<std::byte> m_bytes;
    std::uint64_t m_keys = 0;
};

Header makeKeys(const ModelShape& shape, std::string_view type) {
    Header header;
    const auto archKey = [&](std::string_view suffix, auto value) { header.key(fmt::format("{}.{}", shape.architecture(), suffix), value); };
    header.key("general.architecture", shape.architecture());
    header.key("general.type", "model");
    header.key("general.name", shape.title);
    header.key("general.file_type", fileTypeNumber(type));
    header.key("general.quantization_version", std::uint32_t{2});
    archKey("vocab_size", shape.vocabulary);
    archKey("context_length", shape.context);
    archKey("embedding_length", shape.embedding);
    archKey("block_count", shape.layers);
    archKey("feed_forward_length", shape.feedForward);
    archKey("attention.head_count", shape.heads);
    archKey("attention.head_count_kv", shape.kvHeads);
    archKey("attention.layer_norm_rms_epsilon", shape.normEpsilon);
    archKey("rope.dimension_count", shape.headDim());
    archKey("rope.freq_base", shape.ropeBase);
    if (shape.experts > 0) {
        archKey("expert_count", shape.experts);
        archKey("expert_used_count", shape.expertsUsed);
    }
    const core::Vocabulary vocabulary = inventVocabulary(shape);
    header.key("tokenizer.ggml.model", std::string_view(vocabulary.model));
    header.key("tokenizer.ggml.pre", std::string_view(vocabulary.pre));
    header.key("tokenizer.ggml.tokens", vocabulary.tokens);
    header.key("tokenizer.ggml.token_type", vocabulary.types);
    header.key("tokenizer.ggml.merges", vocabulary.merges);
    header.key("tokenizer.ggml.bos_token_id", *vocabulary.bos);
    header.key("tokenizer.ggml.eos_token_id", *vocabulary.eos);
    header.key("tokenizer.ggml.add_bos_token", vocabulary.addBos);
    header.key("tokenizer.chat_template", core::builtinTemplateFor(vocabulary).source);
    return header;
}

struct Layout {
    std::vector<std::byte> header;
    std::vector<std::uint64_t> offsets; ///< of each tensor, from the start of the file
    std::uint64_t fileBytes = 0;
};

Layout layOut(const ModelShape& shape, std::string_view type, const std::vector<PlannedTensor>& tensors) {
    const Header keys = makeKeys(shape, type);
    Header header;
    for (const char letter : std::string_view("GGUF")) header.raw(letter);
    header.raw(std::uint32_t{3});
    header.raw(std::uint64_t{tensors.size()});
    header.raw(keys.keys());
    header.append(keys);
    Layout layout;
    std::uint64_t offset = 0; // from the start of the tensors' data
    for (const PlannedTensor& tensor : tensors) {
        header.text(tensor.name);
        header.raw(static_cast<std::uint32_t>(tensor.rank));
        for (int d = 0; d < tensor.rank; ++d) header.raw(tensor.dims[static_cast<std::size_t>(d)]);
        header.raw(kernels::info(tensor.dtype).ggufId);
        header.raw(offset);
        layout.offsets.push_back(offset);
        offset = aligned(offset + tensor.bytes());
    }
    layout.header = header.bytes();
    layout.header.resize(aligned(layout.header.size()));
    for (std::uint64_t& from : layout.offsets) from += layout.header.size();
    layout.fileBytes = layout.header.size() + offset;
    return layout;
}

core::Error systemError(const std::filesystem::path& path, int error) {
    const auto code = [error] {
        switch (error) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return ErrorCode::DiskFull;
        case EACCES:
        case EPERM:
        case EROFS: return ErrorCode::PermissionDenied;
        case ENOENT:
        case ENOTDIR: return ErrorCode::FileNotFound;
        case EISDIR: return ErrorCode::IsDirectory;
        default: return ErrorCode::IoError;
        }
    }();
    return {code, fmt::format("{}: cannot be written: {}", path.string(), std::strerror(error))};
}

/// The unfinished file; removed again unless finish() succeeds.
class PartFile {
public:
    static core::Result<PartFile> create(const std::filesystem::path& path, std::uint64_t bytes) {
        PartFile file;
        file.m_path = path;
        if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) return std::unexpected(systemError(path, EISDIR));
        file.m_part = path;
        file.m_part += ".part";
        file.m_descriptor = ::open(file.m_part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (file.m_descriptor < 0) return std::unexpected(systemError(path, errno));
        std::error_code unknown;
        const std::filesystem::space_info space = std::filesystem::space(file.m_part, unknown);
        if (!unknown && space.available < bytes) {
            return core::fail(ErrorCode::DiskFull, fmt::format("{}: {} are needed, and {} are free on that disk", path.string(),
                                                               core::formatBytes(bytes), core::formatBytes(space.available)));
        }
        const auto size = static_cast<off_t>(bytes);
        if (::fallocate(file.m_descriptor, 0, 0, size) == 0) return file;
        // Some file systems cannot reserve; then a full disk shows while writing.
        if (errno != EOPNOTSUPP || ::ftruncate(file.m_descriptor, size) != 0) return std::unexpected(systemError(path, errno));
        return file;
    }

    PartFile(PartFile&& other) noexcept
        : m_path(std::move(other.m_path))
        , m_part(std::exchange(other.m_part, {}))
        , m_descriptor(std::exchange(other.m_descriptor, -1)) {}
    PartFile& operator=(PartFile&&) = delete;
    ~PartFile() {
        if (m_descriptor < 0) return;
        ::close(m_descriptor);
        std::error_code ignored;
        std::filesystem::remove(m_part, ignored);
    }

    /// Thread: any.
    [[nodiscard]] core::Result<void> write(std::span<const std::byte> bytes, std::uint64_t offset) const {
        while (!bytes.empty()) {
            const ssize_t written = ::pwrite(m_descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return std::unexpected(systemError(m_path, written < 0 ? errno : EIO));
            bytes = bytes.subspan(static_cast<std::size_t>(written));
            offset += static_cast<std::uint64_t>(written);
        }
        return {};
    }

    [[nodiscard]] core::Result<void> finish() {
        if (::rename(m_part.c_str(), m_path.c_str()) != 0) return std::unexpected(systemError(m_path, errno));
        const int descriptor = std::exchange(m_descriptor, -1);
        if (::close(descriptor) != 0) return std::unexpected(systemError(m_path, errno));
        return {};
    }

private:
    PartFile() = default;

    std::filesystem::path m_path;
    std::filesystem::path m_part;
    int m_descriptor = -1;
};

struct Chunk {
    std::size_t tensor = 0;
    std::uint64_t offset = 0; ///< in the tensor
    std::uint64_t bytes = 0;  ///< whole blocks
};

std::vector<Chunk> cutIntoChunks(const std::vector<PlannedTensor>& tensors) {
    std::vector<Chunk> chunks;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::uint64_t block = kernels::info(tensors[i].dtype).bytesPerBlock;
        const std::uint64_t whole = kChunkBytes / block * block;
        const std::uint64_t total = tensors[i].bytes();
        for (std::uint64_t at = 0; at < total; at += whole) chunks.push_back({i, at, std::min(whole, total - at)});
    }
    return chunks;
}

/// Every chunk has a seed of its own, so that it does not matter which thread fills it.
std::uint64_t chunkSeed(std::uint64_t seed, const Chunk& chunk) {
    std::uint64_t mixed = RandomBits(seed).next();
    mixed = RandomBits(mixed ^ chunk.tensor).next();
    return RandomBits(mixed ^ chunk.offset).next();
}

core::Result<void> writeChunks(const PartFile& file, const std::vector<PlannedTensor>& tensors, const Layout& layout, std::uint64_t seed, int threads) {
    const std::vector<Chunk> chunks = cutIntoChunks(tensors);
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::optional<core::Error> failure;
    const auto work = [&] {
        std::vector<std::byte> buffer;
        for (std::size_t i = next++; i < chunks.size(); i = next++) {
            const Chunk& chunk = chunks[i];
            const PlannedTensor& tensor = tensors[chunk.tensor];
            buffer.resize(chunk.bytes);
            fillRandomWeights(buffer, tensor.dtype, tensor.mean, tensor.deviation, chunkSeed(seed, chunk));
            if (auto written = file.write(buffer, layout.offsets[chunk.tensor] + chunk.offset); !written) {
                next = chunks.size();
                const std::scoped_lock lock(mutex);
                if (!failure) failure = written.error();
            }
        }
    };
    {
        std::vector<std::jthread> pool;
        for (int i = 1; i < threads; ++i) pool.emplace_back(work);
        work();
    }
    if (failure) return std::unexpected(*failure);
    return {};
}

} // namespace

core::Result<std::uint64_t> writeRandomModel(const RandomModelRequest& request) {
    const std::vector<PlannedTensor> tensors = planTensors(request.shape, request.type);
    const Layout layout = layOut(request.shape, request.type, tensors);
    auto file = PartFile::create(request.path, layout.fileBytes);
    if (!file) return std::unexpected(file.error());
    if (auto written = file->write(layout.header, 0); !written) return std::unexpected(written.error());
    const int threads = request.threads > 0 ? request.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    if (auto written = writeChunks(*file, tensors, layout, request.seed, threads); !written) return std::unexpected(written.error());
    if (auto finished = file->finish(); !finished) return std::unexpected(finished.error());
    return layout.fileBytes;
}

} // namespace hearth::app::cli
