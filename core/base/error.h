// SPDX-License-Identifier: Apache-2.0
//
// Error and Result: how every fallible function of core/ answers.
// ErrorCode is what code branches on and what ui/bridge/error_text.cpp words for people; `message` is for logs and the
// details line: the value found, the limit, the place (file, offset, field).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace hearth::core {

enum class ErrorCode : std::uint8_t {
    Cancelled,               ///< The user asked for it; not a failure.
    ContextTooSmall,         ///< The newest message alone does not fit the context.
    DatabaseBusy,            ///< Another process holds the database.
    DatabaseCorrupt,
    DatabaseReadOnly,
    DatabaseTooNew,          ///< Written by a later Hearth.
    DeviceLost,
    DiskFull,
    FileChanged,             ///< A mapped file shrank, vanished or was replaced.
    FileNotFound,
    FileTruncated,           ///< Shorter than its own headers say.
    HashMismatch,            ///< Downloaded bytes are not the ones that were promised.
    Internal,                ///< A bug of ours; the message names the place.
    InvalidArgument,
    IoError,
    IsDirectory,
    MalformedFile,           ///< A field contradicts the format or another field.
    MissingKey,              ///< A metadata key that the architecture needs.
    MissingTensor,
    Network,
    NoModelLoaded,
    NotGguf,                 ///< The magic is another file type's.
    OutOfMemory,
    PermissionDenied,
    TemplateLimit,           ///< Time, depth or output limit of the template interpreter.
    TemplateRaised,          ///< The template called raise_exception; `message` is its text.
    TemplateRuntime,
    TemplateSyntax,
    UnsupportedArchitecture,
    UnsupportedTensorType,
    UnsupportedTokenizer,
    UnsupportedVersion,
    WrongShape,              ///< A tensor's shape or type is not what the architecture needs.
};

struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message;
};

template <class T>
using Result = std::expected<T, Error>;

/// Shorthand: return fail(ErrorCode::MissingKey, fmt::format(...)).
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
    return std::unexpected(Error{code, std::move(message)});
}

/// The enumerator's own name, for logs and tests ("MissingKey").
[[nodiscard]] std::string_view name(ErrorCode code);

} // namespace hearth::core
