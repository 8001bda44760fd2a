// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/pre_tokenizer_patterns.h"

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

// In these, \s and \S mean Unicode's White_Space (PreTokenizer sees to it). Written so that no text takes more than a
// few passes: no repeated groups, no search that begins again at every blank of a long run of blanks.

#define HEARTH_CONTRACTION R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))"
#define HEARTH_GPT2 R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"
#define HEARTH_BLANKS R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
// A capitalised word; letters of other alphabets count as both cases.
#define HEARTH_TITLE_WORD R"([^\r\n\p{L}\p{N}]?[^\P{L}a-z]*[^\P{L}A-Z]+)"
#define HEARTH_CAPITALS_WORD R"([^\r\n\p{L}\p{N}]?[^\P{L}a-z]+[^\P{L}A-Z]*)"

using Patterns1 = std::array<std::string_view, 1>;
using Patterns2 = std::array<std::string_view, 2>;
using Patterns3 = std::array<std::string_view, 3>;

constexpr Patterns1 kGpt2{HEARTH_GPT2};

constexpr Patterns2 kSingleDigitsGpt2{R"(\p{N})", HEARTH_GPT2};

constexpr Patterns3 kFalcon{R"([\p{P}$+<=>^~|`]+)", HEARTH_GPT2, "[0-9][0-9][0-9]"};

constexpr std::array<std::string_view, 4> kDefault{R"([\p{P}$+<=>^~|]+)", HEARTH_GPT2, R"(\p{N}+)", "[0-9][0-9][0-9]"};

constexpr Patterns1 kLlama3{HEARTH_CONTRACTION
                            R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" HEARTH_BLANKS};

constexpr Patterns1 kQwen2{HEARTH_CONTRACTION
                           R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" HEARTH_BLANKS};

constexpr Patterns1 kQwen35{HEARTH_CONTRACTION
                            R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" HEARTH_BLANKS};

// qwen2 without the English contractions: Turkish suffixes stay at their apostrophe.
constexpr Patterns1 kUfakZeka{R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" HEARTH_BLANKS};

constexpr Patterns1 kSeedCoder{HEARTH_CONTRACTION
                               R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" HEARTH_BLANKS};

constexpr Patterns1 kBailingMoe{
    R"('(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"};

constexpr Patterns2 kMiniCpm5{R"(\p{N}{1,3})", HEARTH_CONTRACTION
                              R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|)" HEARTH_BLANKS};

constexpr Patterns1 kTekken{HEARTH_TITLE_WORD "|" HEARTH_CAPITALS_WORD
                                              R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" HEARTH_BLANKS};

constexpr Patterns1 kGpt4o{HEARTH_TITLE_WORD HEARTH_CONTRACTION
                           "?|" HEARTH_CAPITALS_WORD HEARTH_CONTRACTION
                           R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" HEARTH_BLANKS};

// A letter that has a case, as of the Unicode version that the model makers' list was made from.
#define HEARTH_CASED_LETTERS                                                                                           \
    R"(A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})"             \
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})"               \
    R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"                \
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})"        \
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B})"         \
    R"(\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC})"         \
    R"(\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})"         \
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134})"          \
    R"(\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"          \
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787})"         \
    R"(\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})"        \
    R"(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})"               \
    R"(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"
// U+0800 to U+9FA5 and Hangul, without the white space in between.
#define HEARTH_CJK                                                                                                     \
    R"([\x{800}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF})"        \
    R"(\x{3001}-\x{9FA5}\x{AC00}-\x{D7FF}]+)"

constexpr std::array<std::string_view, 6> kDeepSeekLlm{
    R"([\r\n])",
    R"(\s?[)" HEARTH_CASED_LETTERS "]+",
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3001}\x{3002}]+)", // U+3000 counts as a blank
    R"((?<!\s)\s+$)", // theirs is \s+$; the look-behind finds the same run from its start only
    HEARTH_CJK,
    R"(\p{N}+)",
};

constexpr std::array<std::string_view, 5> kDeepSeekCoder{
    R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", HEARTH_CJK, R"(\p{N})",
};

constexpr Patterns3 kDeepSeekV3{
    R"(\p{N}{1,3})",
    R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" HEARTH_BLANKS,
};

constexpr Patterns1 kBloom{R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)"};

constexpr Patterns2 kViking{kBloom[0], R"(\p{N})"};

#undef HEARTH_BLANKS
#undef HEARTH_CAPITALS_WORD
#undef HEARTH_CASED_LETTERS
#undef HEARTH_CJK
#undef HEARTH_CONTRACTION
#undef HEARTH_GPT2
#undef HEARTH_TITLE_WORD

enum class Words : bool { Merge, TakeWhole };
enum class Bos : bool { No, Add };

struct Row {
    std::string_view pre;
    std::span<const std::string_view> patterns;
    Words words = Words::Merge;
    Bos bos = Bos::No;
};

constexpr auto kRows = std::to_array<Row>({
    {"a.x-4.0", kGpt2},
    {"bailingmoe", kBailingMoe},
    {"bailingmoe2", kBailingMoe},
    {"bloom", kBloom},
    {"chatglm-bpe", kLlama3},
    {"codeshell", kSingleDigitsGpt2},
    {"command-r", kSingleDigitsGpt2},
    {"dbrx", kLlama3},
    {"deepseek-coder", kDeepSeekCoder},
    {"deepseek-llm", kDeepSeekLlm},
    {"deepseek-r1-qwen", kQwen2},
    {"deepseek-v3", kDeepSeekV3},
    {"default", kDefault},
    {"exaone", kSingleDigitsGpt2},
    {"exaone4", kGpt2},
    {"f2llmv2", kQwen2},
    {"falcon", kFalcon},
    {"falcon-h1", kLlama3, Words::TakeWhole, Bos::Add},
    {"falcon3", kLlama3, Words::TakeWhole, Bos::Add},
    {"gigachat", kGpt2},
    {"glm4", kLlama3},
    {"gpt-2", kGpt2},
    {"gpt-4o", kGpt4o},
    {"gpt3-finnish", kBloom},
    {"granite-docling", kGpt2},
    {"grok-2", kQwen2},
    {"hunyuan", kQwen2},
    {"hunyuan-dense", kDeepSeekV3},
    {"jais", kGpt2},
    {"jina-de", kGpt2},
    {"jina-es", kGpt2},
    {"jina-v1-en", kGpt2},
    {"jina-v2-code", kGpt2},
    {"jina-v2-de", kGpt2},
    {"jina-v2-es", kGpt2},
    {"jina-v5-nano", kLlama3, Words::TakeWhole, Bos::Add},
    {"joyai-llm", kDeepSeekV3},
    {"kanana2", kGpt4o},
    {"kormo", kQwen2},
    {"lfm2", kLlama3, Words::TakeWhole, Bos::Add},
    {"llada-moe", kBailingMoe},
    {"llama-bpe", kLlama3, Words::TakeWhole, Bos::Add},
    {"llama-v3", kLlama3, Words::TakeWhole, Bos::Add},
    {"llama3", kLlama3, Words::TakeWhole, Bos::Add},
    {"llama4", kGpt4o},
    {"megrez", kQwen2},
    {"mellum", kGpt2},
    {"mellum2", kSingleDigitsGpt2},
    {"midm-2.0", kLlama3, Words::TakeWhole, Bos::Add},
    {"minerva-7b", kSingleDigitsGpt2},
    {"minicpm5", kMiniCpm5, Words::TakeWhole},
    {"minimax-m2", kGpt4o},
    {"modern-bert", kGpt2},
    {"mpt", kGpt2},
    {"olmo", kGpt2},
    {"phi-2", kGpt2},
    {"pixtral", kLlama3, Words::TakeWhole, Bos::Add},
    {"poro-chat", kBloom},
    {"qwen2", kQwen2},
    {"qwen35", kQwen35},
    {"refact", kSingleDigitsGpt2},
    {"roberta-bpe", kGpt2},
    {"seed-coder", kSeedCoder},
    {"smaug-bpe", kLlama3},
    {"smollm", kSingleDigitsGpt2},
    {"solar-open", kQwen2},
    {"stablelm2", kQwen2},
    {"starcoder", kSingleDigitsGpt2},
    {"talkie", kGpt4o},
    {"tekken", kTekken, Words::TakeWhole, Bos::Add},
    {"trillion", kGpt2},
    {"ufakzeka", kUfakZeka},
    {"viking", kViking},
});

} // namespace

PreTokenizerRecipe preTokenizerRecipe(std::string_view pre) {
    const auto row =
        std::find_if(kRows.begin(), kRows.end(), [pre](const Row& candidate) { return candidate.pre == pre; });
    if (row == kRows.end()) return {kLlama3};
    return {row->patterns, true, row->words == Words::TakeWhole, row->bos == Bos::Add};
}

} // namespace hearth::core
