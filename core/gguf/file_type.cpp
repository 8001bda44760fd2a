// SPDX-License-Identifier: Apache-2.0
#include "core/gguf/file_type.h"

#include "core/base/utf8.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

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

namespace {

/// Words of three or more letters and digits, in lower case.
std::vector<std::string> wordsOf(std::string_view text) {
    std::vector<std::string> words(1);
    for (const char c : text) {
        const bool digit = c >= '0' && c <= '9';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (digit || letter) {
            words.back() += static_cast<char>(digit ? c : c | 0x20);
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    std::erase_if(words, [](const std::string& word) { return word.size() < 3; });
    return words;
}

/// "tinyllama-1.1b_chat.IQ2_XXS-00001-of-00002" as "tinyllama 1.1b chat": what stands beside the name anyway goes.
std::string readable(std::string stem, const std::string& quantization) {
    constexpr std::size_t kPartSuffix = std::string_view("-00001-of-00002").size();
    if (stem.size() > kPartSuffix && stem.compare(stem.size() - 9, 4, "-of-") == 0) stem.resize(stem.size() - kPartSuffix);
    const auto sameLetter = [](char a, char b) { return (a | 0x20) == (b | 0x20) || a == b; };
    const bool tagged = !quantization.empty() && stem.size() > quantization.size() + 1 &&
                        std::equal(quantization.rbegin(), quantization.rend(), stem.rbegin(), sameLetter) &&
                        std::string_view("-_. ").find(stem[stem.size() - quantization.size() - 1]) != std::string_view::npos;
    if (tagged) stem.resize(stem.size() - quantization.size() - 1);
    std::ranges::replace_if(stem, [](char c) { return c == '-' || c == '_' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    return stem;
}

} // namespace

std::string displayName(const GgufFile& file) {
    constexpr std::size_t kLongest = 120;
    std::string clean;
    const std::string_view stored = file.metadata().string("general.name").value_or("");
    for (std::size_t at = 0; at < stored.size() && clean.size() < kLongest;) {
        const utf8::Decoded decoded = utf8::decodeAt(stored, at);
        if (decoded.codePoint >= 0x20 && decoded.codePoint != 0x7F) utf8::append(clean, decoded.codePoint);
        at += decoded.length;
    }
    // Converters often store the name of the folder they ran in ("Storage", "hf", "."): a name that has no word in common
    // with the file's own says less than the file's.
    const std::string stem = utf8::sanitized(file.path().stem().string());
    const std::vector<std::string> ours = wordsOf(stem);
    const bool related = std::ranges::any_of(wordsOf(clean), [&](const std::string& word) {
        return std::ranges::any_of(ours, [&](const std::string& other) { return other.find(word) != std::string::npos || word.find(other) != std::string::npos; });
    });
    return related || stem.empty() ? clean : readable(stem, quantizationName(file));
}

} // namespace hearth::core
