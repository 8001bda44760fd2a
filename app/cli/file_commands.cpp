// SPDX-License-Identifier: Apache-2.0
//
// The commands that look into files: logits, tokenize, template, inspect, models; and what they share.
#include "app/cli/commands.h"
#include "app/cli/engine_setup.h"
#include "core/base/units.h"
#include "core/catalog/model_library.h"
#include "core/engine/system_gpus.h"
#include "core/gguf/gguf_file.h"
#include "core/tokenizer/tokenizer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

namespace hearth::app::cli {

namespace {

using Json = nlohmann::ordered_json;

core::Result<std::vector<core::TokenId>> parseIds(std::string_view text) {
    std::vector<core::TokenId> ids;
    for (const char* at = text.data(); at < text.data() + text.size();) {
        core::TokenId id = 0;
        const auto [end, error] = std::from_chars(at, text.data() + text.size(), id);
        const bool atEnd = end == text.data() + text.size();
        if (error != std::errc() || id < 0 || (!atEnd && *end != ',')) {
            return core::fail(core::ErrorCode::InvalidArgument, fmt::format("--ids: '{}' is not a list of token ids such as 1,15043,3186", text));
        }
        ids.push_back(id);
        at = atEnd ? end : end + 1;
    }
    if (ids.empty()) return core::fail(core::ErrorCode::InvalidArgument, "--ids: no ids given");
    return ids;
}

struct OpenTokenizer {
    core::GgufFile file;
    std::unique_ptr<core::Tokenizer> tokenizer;
};

core::Result<OpenTokenizer> openTokenizer(const ModelArguments& arguments) {
    auto path = chooseModel(arguments);
    if (!path) return std::unexpected(path.error());
    auto file = core::GgufFile::open(*path, core::GgufTensors::Ignore);
    if (!file) return std::unexpected(file.error());
    auto vocabulary = core::readVocabulary(file->metadata());
    if (!vocabulary) return std::unexpected(about(*path, vocabulary.error()));
    auto tokenizer = core::Tokenizer::create(std::move(*vocabulary));
    if (!tokenizer) return std::unexpected(about(*path, tokenizer.error()));
    if (!(*tokenizer)->notice().empty()) fmt::print(stderr, "[{}]\n", (*tokenizer)->notice());
    return OpenTokenizer{std::move(*file), std::move(*tokenizer)};
}

core::Result<std::vector<core::ChatMessage>> readMessages(const TemplateArguments& arguments) {
    std::vector<core::ChatMessage> messages;
    if (!arguments.system.empty()) messages.push_back({core::Role::System, arguments.system});
    if (!arguments.messages.empty()) {
        std::ifstream stream(arguments.messages);
        if (!stream) return core::fail(core::ErrorCode::FileNotFound, fmt::format("{}: cannot be read", arguments.messages));
        const Json list = Json::parse(stream, nullptr, false);
        if (!list.is_array()) return core::fail(core::ErrorCode::MalformedFile, fmt::format("{}: not a JSON array of messages", arguments.messages));
        for (const Json& message : list) {
            const bool sound = message.is_object() && message.contains("role") && message.contains("content") && message["role"].is_string() && message["content"].is_string();
            if (!sound) return core::fail(core::ErrorCode::MalformedFile, fmt::format("{}: each message needs a role and a content", arguments.messages));
            const std::string role = message["role"];
            const core::Role parsed = role == "system" ? core::Role::System : role == "assistant" ? core::Role::Assistant : core::Role::User;
            messages.push_back({parsed, message["content"]});
        }
    }
    if (!arguments.user.empty()) messages.push_back({core::Role::User, arguments.user});
    return messages;
}

Json toJson(const core::GgufValue& value) {
    if (const auto* scalar = std::get_if<core::GgufScalar>(&value)) {
        return std::visit([](const auto& single) { return Json(single); }, *scalar);
    }
    return std::visit([](const auto& list) { return Json(list); }, std::get<core::GgufArray>(value));
}

/// A value on one line; long arrays and texts are cut.
std::string summary(const core::GgufValue& value) {
    constexpr std::size_t kShown = 8;
    constexpr std::size_t kLongest = 100;
    Json json = toJson(value);
    std::string more;
    if (json.is_array() && json.size() > kShown) {
        more = fmt::format(" ... {} in all", core::formatCount(json.size()));
        json.erase(json.begin() + kShown, json.end());
    }
    std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > kLongest) {
        more = fmt::format(" ... {} characters in all{}", core::formatCount(text.size()), more);
        text.resize(kLongest);
    }
    return text + more;
}

} // namespace

core::Error about(const std::string& path, core::Error error) {
    if (error.message.find(path) == std::string::npos) error.message = fmt::format("{}: {}", path, error.message);
    return error;
}

int report(const core::Error& error) {
    fmt::print(stderr, "hearth-cli: {} ({})\n", error.message, core::name(error.code));
    return 1;
}

core::Result<std::string> chooseModel(const ModelArguments& arguments) {
    if (!arguments.model.empty()) return arguments.model;
    const std::array folders{core::ModelLibrary::defaultFolder()};
    for (const core::ModelCard& card : core::ModelLibrary::scan(folders, {})) {
        if (card.usable) return card.path;
    }
    return core::fail(core::ErrorCode::FileNotFound, fmt::format("no model in {}; name one with --model, or run ./run to fetch the starter model", folders[0].string()));
}

core::EngineOptions engineOptions(const std::string& path) {
    core::EngineOptions options;
    options.gpus = [] { return core::makeSystemGpus(core::ModelLibrary::defaultFolder().parent_path()); };
    if (path == "portable") options.cpuPath = kernels::CpuPath::Portable;
    if (path == "avx2") options.cpuPath = kernels::CpuPath::Avx2;
    if (path == "avx512") options.cpuPath = kernels::CpuPath::Avx512Vnni;
    return options;
}

core::Result<LoadedEngine> loadEngine(const ModelArguments& arguments, int contextAtLeast) {
    auto path = chooseModel(arguments);
    if (!path) return std::unexpected(path.error());
    LoadedEngine loaded;
    loaded.engine = std::make_unique<core::Engine>(engineOptions(arguments.path));
    core::LoadRequest request;
    request.path = *path;
    request.threads = arguments.threads;
    request.device = arguments.device;
    request.gpuLayers = arguments.gpuLayers;
    if (!arguments.path.empty()) request.device = core::kCpuDevice; // a path is the CPU's
    request.contextLength = contextAtLeast > 0 ? std::max(arguments.context, contextAtLeast) : arguments.context;
    auto info = loaded.engine->load(request, {}, {});
    if (!info) return std::unexpected(about(*path, info.error()));
    loaded.info = std::move(*info);
    return loaded;
}

int logits(const LogitsArguments& arguments) {
    auto ids = parseIds(arguments.ids);
    if (!ids) return report(ids.error());
    auto loaded = loadEngine(arguments, static_cast<int>(ids->size()));
    if (!loaded) return report(loaded.error());
    for (const core::TokenId id : *ids) {
        if (id >= loaded->info.vocabularySize) {
            return report({core::ErrorCode::InvalidArgument, fmt::format("--ids: {} is not in the vocabulary of {} tokens", id, loaded->info.vocabularySize)});
        }
    }
    auto rows = loaded->engine->logits(*ids);
    if (!rows) return report(rows.error());
    std::ofstream out(arguments.out, std::ios::binary);
    out.write(reinterpret_cast<const char*>(rows->data()), static_cast<std::streamsize>(rows->size() * sizeof(float)));
    out.close();
    if (!out) return report({core::ErrorCode::IoError, fmt::format("{}: cannot be written", arguments.out)});
    fmt::print("{} rows of {} logits in {}\n", ids->size(), rows->size() / ids->size(), arguments.out);
    return 0;
}

int tokenize(const TokenizeArguments& arguments) {
    auto opened = openTokenizer(arguments);
    if (!opened) return report(opened.error());
    std::string text = arguments.text;
    if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
    const auto special = arguments.parseSpecial ? core::SpecialTokens::Parse : core::SpecialTokens::AsText;
    const auto ids = opened->tokenizer->encode(text, core::AddSpecial::AsModelSays, special);
    if (arguments.pieces) {
        for (const core::TokenId id : ids) fmt::print("{}\t{}\n", id, Json(opened->tokenizer->tokenBytes(id)).dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
        fmt::print("{}\n", fmt::join(ids, ","));
    }
    return 0;
}

int renderTemplate(const TemplateArguments& arguments) {
    auto opened = openTokenizer(arguments);
    if (!opened) return report(opened.error());
    auto messages = readMessages(arguments);
    if (!messages) return report(messages.error());
    core::ChatPrompt prompt(*opened->tokenizer, std::string(opened->file.metadata().string("tokenizer.chat_template").value_or("")));
    auto text = prompt.render(*messages, false);
    if (!text) return report(text.error());
    if (!prompt.notice().empty()) fmt::print(stderr, "[{}]\n", prompt.notice());
    fmt::print("{}", *text);
    return 0;
}

int inspect(const std::string& path, bool json) {
    auto file = core::GgufFile::open(path);
    if (!file) return report(file.error());
    if (json) {
        Json out;
        out["version"] = file->version();
        out["bytes"] = file->fileBytes();
        for (const auto& [key, value] : file->metadata().all()) out["metadata"][key] = toJson(value);
        for (const core::GgufTensor& tensor : file->tensors()) {
            std::vector<std::uint64_t> dims(tensor.dims.begin(), tensor.dims.begin() + tensor.rank);
            out["tensors"].push_back({{"name", tensor.name}, {"type", kernels::info(tensor.dtype).name}, {"dims", dims}, {"bytes", tensor.byteSize}});
        }
        fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
        return 0;
    }
    const core::ModelCard card = core::ModelLibrary::inspect(path);
    fmt::print("{}\nGGUF version {}, {}, {} tensors\n", path, file->version(), core::formatBytes(file->fileBytes()), file->tensors().size());
    fmt::print("{}, {}, {}, {} parameters: {}\n\n", card.name, card.architecture, card.quantization, core::formatCount(card.parameters), card.usable ? "Hearth can run it" : card.whyNot);
    for (const auto& [key, value] : file->metadata().all()) fmt::print("{} = {}\n", key, summary(value));
    fmt::print("\n");
    for (const core::GgufTensor& tensor : file->tensors()) {
        fmt::print("{:<40} {:<8} [{}]  {}\n", tensor.name, kernels::info(tensor.dtype).name,
                   fmt::join(tensor.dims.begin(), tensor.dims.begin() + tensor.rank, ", "), core::formatBytes(tensor.byteSize));
    }
    return 0;
}

int models(bool quiet) {
    const std::array folders{core::ModelLibrary::defaultFolder()};
    const auto cards = core::ModelLibrary::scan(folders, {});
    if (!quiet) {
        if (cards.empty()) fmt::print("No GGUF files in {}\n", folders[0].string());
        for (const core::ModelCard& card : cards) {
            fmt::print("{:<40} {:<10} {:>9}  {}\n", card.name, card.quantization, core::formatBytes(card.bytes), card.usable ? card.path : card.path + ": " + card.whyNot);
        }
    }
    return std::ranges::any_of(cards, &core::ModelCard::usable) ? 0 : 1;
}

} // namespace hearth::app::cli
