// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.h"

namespace hearth::core {

std::string_view name(ErrorCode code) {
    switch (code) {
    case ErrorCode::Cancelled: return "Cancelled";
    case ErrorCode::ContextTooSmall: return "ContextTooSmall";
    case ErrorCode::DatabaseBusy: return "DatabaseBusy";
    case ErrorCode::DatabaseCorrupt: return "DatabaseCorrupt";
    case ErrorCode::DatabaseReadOnly: return "DatabaseReadOnly";
    case ErrorCode::DatabaseTooNew: return "DatabaseTooNew";
    case ErrorCode::DeviceLost: return "DeviceLost";
    case ErrorCode::DiskFull: return "DiskFull";
    case ErrorCode::FileChanged: return "FileChanged";
    case ErrorCode::FileNotFound: return "FileNotFound";
    case ErrorCode::FileTruncated: return "FileTruncated";
    case ErrorCode::HashMismatch: return "HashMismatch";
    case ErrorCode::Internal: return "Internal";
    case ErrorCode::InvalidArgument: return "InvalidArgument";
    case ErrorCode::IoError: return "IoError";
    case ErrorCode::IsDirectory: return "IsDirectory";
    case ErrorCode::MalformedFile: return "MalformedFile";
    case ErrorCode::MissingKey: return "MissingKey";
    case ErrorCode::MissingTensor: return "MissingTensor";
    case ErrorCode::Network: return "Network";
    case ErrorCode::NoModelLoaded: return "NoModelLoaded";
    case ErrorCode::NotGguf: return "NotGguf";
    case ErrorCode::OutOfMemory: return "OutOfMemory";
    case ErrorCode::PermissionDenied: return "PermissionDenied";
    case ErrorCode::TemplateLimit: return "TemplateLimit";
    case ErrorCode::TemplateRaised: return "TemplateRaised";
    case ErrorCode::TemplateRuntime: return "TemplateRuntime";
    case ErrorCode::TemplateSyntax: return "TemplateSyntax";
    case ErrorCode::UnsupportedArchitecture: return "UnsupportedArchitecture";
    case ErrorCode::UnsupportedTensorType: return "UnsupportedTensorType";
    case ErrorCode::UnsupportedTokenizer: return "UnsupportedTokenizer";
    case ErrorCode::UnsupportedVersion: return "UnsupportedVersion";
    case ErrorCode::WrongShape: return "WrongShape";
    }
    return "Unknown";
}

} // namespace hearth::core
