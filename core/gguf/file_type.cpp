// SPDX-License-Identifier: Apache-2.0
#include "core/gguf/file_type.h"

#include "core/base/utf8.h"

#include <algorithm>
#include <array>
#include <map>

namespace hearth::core {

namespace {

struct FileType {
    std::uint64_t id;
    std::string_view name;
};

constexpr std::array kFileTypes{
    FileType{0, "F32"},      FileType{1, "F16"},     FileType{2, "Q4_0"},    FileType{3, "Q4_1"},    FileType{7, "Q8_0"},
    FileType{8, "Q5_0"},     FileType{9, "Q5_1"},    FileType{10, "Q2_K"},   FileType{11, "Q3_K_S"}, FileType{12, "Q3_K_M"},
    FileType{13, "Q3_K_L"},  FileType{14, "Q4_K_S"}, FileType{15, "Q4_K_M"}, FileType{16, "Q5_K_S"}, FileType{17, "Q5_K_M"},
    FileType{18, "Q6_K"},    FileType{19, "IQ2_XXS"},FileType{20, "IQ2_XS"}, FileType{21, "Q2_K_S"}, FileType{22, "IQ3_XS"},
    FileType{23, "IQ3_XXS"}, FileType{24, "IQ1_S"},  FileType{25, "IQ4_NL"}, FileType{26, "IQ3_S"},  FileType{27, "IQ3_M"},
    FileType{28, "IQ2_S"},   FileType{29, "IQ2_M"},  FileType{30, "IQ4_XS"}, FileType{31, "IQ1_M"},  FileType{32, "BF16"},
    FileType{36, "TQ1_0"},   FileType{37, "TQ2_0"},  FileType{38, "MXFP4"},
};

} // namespace

std::string_view fileTypeName(std::uint64_t fileType) {
    const auto found = std::ranges::find(kFileTypes, fileType, &FileType::id);
    return found == kFileTypes.end() ? std::string_view() : found->name;
}

std::string quantizationName(const GgufFile& file) {
    if (const auto fileType = file.metadata().uint("general.file_type")) {
        if (const std::string_view name = fileTypeName(*fileType); !name.empty()) return std::string(name);
    }
    std::map<kernels::DType, std::uint64_t> elements;
    for (const GgufTensor& tensor : file.tensors()) elements[tensor.dtype] += tensor.elements();
    if (elements.empty()) return {};
    const auto most = std::ranges::max_element(elements, {}, [](const auto& entry) { return entry.second; });
    return std::string(kernels::info(most->first).name);
}

std::uint64_t parameterCount(const GgufFile& file) {
    std::uint64_t count = 0;
    for (const GgufTensor& tensor : file.tensors()) count += tensor.elements();
    return count;
}

std::string displayName(const GgufFile& file) {
    constexpr std::size_t kLongest = 120;
    std::string clean;
    const std::string_view stored = file.metadata().string("general.name").value_or("");
    for (std::size_t at = 0; at < stored.size() && clean.size() < kLongest;) {
        const utf8::Decoded decoded = utf8::decodeAt(stored, at);
        if (decoded.codePoint >= 0x20 && decoded.codePoint != 0x7F) utf8::append(clean, decoded.codePoint);
        at += decoded.length;
    }
    const bool blank = clean.find_first_not_of(' ') == std::string::npos;
    return blank ? file.path().stem().string() : clean;
}

} // namespace hearth::core
