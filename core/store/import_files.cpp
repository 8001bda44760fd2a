// SPDX-License-Identifier: Apache-2.0
//
// Which format a file has, and the limits before anything of it is believed.
#include "core/store/archive_json.h"
#include "core/store/sqlite_error.h"

#include "core/base/units.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace hearth::core {

namespace {

/// Deeper than any export nests; a parser's stack is not for a file to choose.
constexpr int kDeepest = 64;

Result<std::string> wholeFile(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) return fail(ErrorCode::FileNotFound, file.string());
    if (std::filesystem::is_directory(status)) return fail(ErrorCode::IsDirectory, file.string());
    if (!std::filesystem::is_regular_file(status)) return fail(ErrorCode::IoError, fmt::format("{}: not a regular file", file.string()));
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    if (error) return fail(codeForErrno(error.value()), fmt::format("{}: {}", file.string(), error.message()));
    if (size > kLargestImport) {
        return malformed(fmt::format("{} is larger than {}, the most that is read", formatBytes(size), formatBytes(kLargestImport)));
    }
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return fail(codeForErrno(errno), fmt::format("{}: {}", file.string(), std::strerror(errno)));
    std::string bytes(static_cast<std::size_t>(size), '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<std::size_t>(stream.gcount()));
    return bytes;
}

/// The parsed file; or where it stops being JSON.
Result<Json> parsed(const std::string& bytes) {
    bool tooDeep = false;
    const auto limit = [&tooDeep](int depth, Json::parse_event_t, Json&) {
        tooDeep = tooDeep || depth > kDeepest;
        return !tooDeep;
    };
    try {
        Json file = Json::parse(bytes, limit);
        if (!tooDeep) return file;
        return malformed(fmt::format("it nests deeper than {} levels", kDeepest));
    } catch (const Json::parse_error& error) {
        if (tooDeep) return malformed(fmt::format("it nests deeper than {} levels", kDeepest));
        return malformed(fmt::format("it is no sound JSON from byte {} on", error.byte));
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, "import");
    }
}

} // namespace

std::string_view name(ArchiveFormat format) {
    switch (format) {
    case ArchiveFormat::Hearth: return "Hearth";
    case ArchiveFormat::ChatGpt: return "ChatGPT";
    case ArchiveFormat::OpenWebUi: return "Open WebUI";
    case ArchiveFormat::LmStudio: return "LM Studio";
    case ArchiveFormat::Gpt4All: return "GPT4All";
    }
    return {};
}

Result<ImportedFile> readArchive(const std::filesystem::path& file) {
    const auto bytes = wholeFile(file);
    if (!bytes) return std::unexpected(bytes.error());
    if (looksLikeGpt4All(*bytes)) return readGpt4All(*bytes);
    const auto json = parsed(*bytes);
    if (!json) return std::unexpected(json.error());
    try {
        if (looksLikeHearth(*json)) return readHearth(*json);
        if (looksLikeChatGpt(*json)) return readChatGpt(*json);
        if (looksLikeOpenWebUi(*json)) return readOpenWebUi(*json);
        if (looksLikeLmStudio(*json)) return readLmStudio(*json);
    } catch (const Json::exception& exception) {
        return malformed(exception.what());
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, "import");
    }
    return malformed("it is none of the exports that can be read (Hearth, ChatGPT, Open WebUI, LM Studio, GPT4All)");
}

} // namespace hearth::core
