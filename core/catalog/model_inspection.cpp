// SPDX-License-Identifier: Apache-2.0
//
// ModelLibrary::inspect: one file's header into a card, and in plain words why the loader would refuse it. Decided by
// the loader's own functions (Model::check, the tables of architectures, tensor types and tokenizers), so that the list
// never promises what loading then denies.
#include "core/catalog/file_kind.h"
#include "core/catalog/model_library.h"
#include "core/catalog/split_name.h"
#include "core/gguf/file_type.h"
#include "core/gguf/gguf_file.h"
#include "core/model/arch_table.h"
#include "core/model/model.h"
#include "core/tokenizer/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <sys/stat.h>

namespace hearth::core {

namespace {

namespace fs = std::filesystem;

/// "TinyLlama-1.1B_chat-00001-of-00002.gguf" as "TinyLlama 1.1B chat".
std::string readableStem(const fs::path& path) {
    const std::string fileName = path.filename().string();
    const auto split = splitNameOf(fileName);
    std::string text = shownValue(split ? split->stem : path.stem().string());
    std::ranges::replace_if(
        text, [](char c) { return c == '-' || c == '_'; }, ' ');
    return text;
}

/// Size of the file, or of those parts of a split model that are there.
std::uint64_t bytesOnDisk(const fs::path& path) {
    const auto sizeOf = [](const fs::path& file) {
        struct stat status {};
        return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)
                   ? static_cast<std::uint64_t>(status.st_size)
                   : 0;
    };
    const auto split = splitNameOf(path.filename().string());
    if (!split) return sizeOf(path);
    std::uint64_t total = 0;
    for (std::uint32_t part = 1; part <= split->count; ++part) {
        const std::uint64_t size = sizeOf(path.parent_path() / partName(*split, part));
        if (size == 0 && part > split->part) break; // a made-up count must not cost a hundred thousand look-ups
        total += size;
    }
    return total;
}

std::int64_t modifiedMs(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return 0;
    return std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

std::string wordsForOpenError(const Error& error, const fs::path& path) {
    std::error_code ignored;
    const bool partMissing = splitNameOf(path.filename().string()) && fs::exists(path, ignored);
    switch (error.code) {
    case ErrorCode::FileNotFound:
        return partMissing ? "is not complete: a part of this split model is missing" : "is no longer there";
    case ErrorCode::FileTruncated:
        return "is not complete: the file is shorter than it says, as after a download that was broken off";
    case ErrorCode::IsDirectory:
        return "is a folder, not a model file";
    case ErrorCode::NotGguf:
        return "is not a GGUF file, whatever its name says";
    case ErrorCode::PermissionDenied:
        return "may not be read by you (no permission)";
    case ErrorCode::UnsupportedTensorType:
        return "uses a tensor type that Hearth does not know";
    case ErrorCode::UnsupportedVersion:
        return "is written in a version of GGUF that Hearth does not read";
    case ErrorCode::MalformedFile:
        return "is damaged: its header contradicts itself";
    default:
        return "cannot be read from the disk";
    }
}

std::string whyNoTokenizer(const GgufMetadata& metadata) {
    const auto model = metadata.string("tokenizer.ggml.model");
    const std::vector<std::string>* tokens = metadata.strings("tokenizer.ggml.tokens");
    if (!model || tokens == nullptr || tokens->empty()) return "has no tokenizer in it";
    const auto supported = supportedTokenizerModels();
    if (std::ranges::find(supported, *model) != supported.end()) return {};
    return fmt::format("uses the tokenizer '{}', which Hearth cannot run yet", shownValue(*model));
}

std::string whyNoTensors(const GgufFile& file) {
    for (const GgufTensor& tensor : file.tensors()) {
        const kernels::DTypeInfo& type = kernels::info(tensor.dtype);
        // Only as a weight: other tensors have rules of their own, which Model::check knows.
        if (tensor.rank >= 2 && !type.computes)
            return fmt::format("uses the tensor type {}, which Hearth cannot compute with yet", type.name);
    }
    return {};
}

std::string wordsForCheckError(const Error& error) {
    switch (error.code) {
    case ErrorCode::MissingKey:
        return fmt::format("lacks a setting that its architecture needs ({})", error.message);
    case ErrorCode::MissingTensor:
        return fmt::format("lacks a part that its architecture needs ({})", error.message);
    case ErrorCode::UnsupportedArchitecture:
        return fmt::format("is a variant that Hearth cannot run yet ({})", error.message);
    default:
        return fmt::format("does not fit its architecture ({})", error.message);
    }
}

std::string whyUnusable(const GgufFile& file) {
    const GgufMetadata& metadata = file.metadata();
    if (std::string why = whyNoChatModel(file); !why.empty()) return why;
    const std::string_view architecture = metadata.string("general.architecture").value_or("");
    if (architecture.empty()) return "does not say which architecture it has";
    if (!findArchitecture(metadata))
        return fmt::format("uses the architecture '{}', which Hearth cannot run yet", shownValue(architecture));
    if (std::string why = whyNoTokenizer(metadata); !why.empty()) return why;
    if (std::string why = whyNoTensors(file); !why.empty()) return why;
    if (const auto checked = Model::check(file); !checked) return wordsForCheckError(checked.error());
    return {};
}

void fillFromHeader(const GgufFile& file, ModelCard& card) {
    const GgufMetadata& metadata = file.metadata();
    card.name = displayName(file);
    const std::string_view architecture = metadata.string("general.architecture").value_or("");
    card.architecture = shownValue(architecture);
    card.quantization = quantizationName(file);
    card.parameters = parameterCount(file);
    const std::uint64_t context = metadata.uint(fmt::format("{}.context_length", architecture)).value_or(0);
    card.trainedContextLength =
        static_cast<std::int32_t>(std::min<std::uint64_t>(context, std::numeric_limits<std::int32_t>::max()));
}

} // namespace

ModelCard ModelLibrary::inspect(const std::filesystem::path& path) {
    ModelCard card;
    card.path = path.string();
    card.name = readableStem(path);
    card.bytes = bytesOnDisk(path);
    card.modifiedMs = modifiedMs(path);

    const auto file = GgufFile::open(path);
    if (file) {
        card.path = file->path().string();
        card.bytes = file->fileBytes();
        fillFromHeader(*file, card);
        card.whyNot = whyUnusable(*file);
        if (card.whyNot.empty()) {
            if (const auto config = Model::check(*file)) card.needs = memoryNeeds(*file, *config);
        }
    } else {
        card.whyNot = wordsForOpenError(file.error(), path);
        // The keys may be whole where tensors are not: a name tells more than a file name.
        if (const auto keys = GgufFile::open(path, GgufTensors::Ignore)) fillFromHeader(*keys, card);
    }
    card.usable = card.whyNot.empty();
    return card;
}

} // namespace hearth::core
