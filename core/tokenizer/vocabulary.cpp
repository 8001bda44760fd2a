// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/vocabulary.h"

#include "core/tokenizer/known_tokens.h"
#include "core/tokenizer/pre_tokenizer_patterns.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace hearth::core {

namespace {

constexpr std::string_view kByteLevelBpe = "gpt2";
constexpr std::string_view kSentencePiece = "llama";
constexpr std::string_view kUnigram = "t5";
constexpr std::string_view kWordPiece = "bert";
constexpr std::array<std::string_view, 4> kSupportedModels{kWordPiece, kByteLevelBpe, kSentencePiece, kUnigram};

constexpr std::string_view kTokensKey = "tokenizer.ggml.tokens";
constexpr std::string_view kScoresKey = "tokenizer.ggml.scores";
constexpr std::string_view kTypesKey = "tokenizer.ggml.token_type";
constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";

Result<void> readTokens(const GgufMetadata& metadata, Vocabulary& vocabulary) {
    const std::vector<std::string>* tokens = metadata.strings(kTokensKey);
    if (tokens == nullptr)
        return fail(ErrorCode::MissingKey, fmt::format("{} is missing or not a list of strings", kTokensKey));
    if (tokens->empty()) return fail(ErrorCode::MalformedFile, fmt::format("{} is empty", kTokensKey));
    if (tokens->size() > static_cast<std::size_t>(std::numeric_limits<TokenId>::max())) {
        return fail(ErrorCode::MalformedFile, fmt::format("{} has {} entries", kTokensKey, tokens->size()));
    }
    vocabulary.tokens = *tokens;
    return {};
}

Result<void> readScores(const GgufMetadata& metadata, Vocabulary& vocabulary) {
    if (const std::vector<float>* scores = metadata.floats(kScoresKey)) {
        vocabulary.scores = *scores;
    } else if (const std::vector<std::int64_t>* whole = metadata.ints(kScoresKey)) {
        vocabulary.scores.assign(whole->begin(), whole->end());
    } else if (metadata.contains(kScoresKey)) {
        return fail(ErrorCode::MalformedFile, fmt::format("{} is not a list of numbers", kScoresKey));
    } else {
        return {};
    }
    if (vocabulary.scores.size() != vocabulary.tokens.size()) {
        return fail(ErrorCode::MalformedFile, fmt::format("{} has {} entries for {} tokens", kScoresKey,
                                                          vocabulary.scores.size(), vocabulary.tokens.size()));
    }
    const auto notANumber =
        std::find_if(vocabulary.scores.begin(), vocabulary.scores.end(), [](float score) { return std::isnan(score); });
    if (notANumber != vocabulary.scores.end()) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("{}[{}] is not a number", kScoresKey, notANumber - vocabulary.scores.begin()));
    }
    return {};
}

Result<void> readTypes(const GgufMetadata& metadata, Vocabulary& vocabulary) {
    vocabulary.types.assign(vocabulary.tokens.size(), TokenType::Normal);
    if (const std::vector<std::int64_t>* types = metadata.ints(kTypesKey)) {
        if (types->size() != vocabulary.tokens.size()) {
            return fail(ErrorCode::MalformedFile, fmt::format("{} has {} entries for {} tokens", kTypesKey,
                                                              types->size(), vocabulary.tokens.size()));
        }
        for (std::size_t i = 0; i < types->size(); ++i) {
            const std::int64_t type = (*types)[i];
            const bool known = type >= 0 && type <= static_cast<std::int64_t>(TokenType::Byte);
            vocabulary.types[i] = known ? static_cast<TokenType>(type) : TokenType::Undefined;
        }
    } else if (metadata.contains(kTypesKey)) {
        return fail(ErrorCode::MalformedFile, fmt::format("{} is not a list of integers", kTypesKey));
    }
    for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
        if (isControlSpelling(vocabulary.tokens[i])) vocabulary.types[i] = TokenType::Control;
    }
    return {};
}

Result<void> readMerges(const GgufMetadata& metadata, Vocabulary& vocabulary) {
    if (vocabulary.model != kByteLevelBpe) return {};
    const std::vector<std::string>* merges = metadata.strings(kMergesKey);
    if (merges == nullptr)
        return fail(ErrorCode::MissingKey, fmt::format("{} is missing or not a list of strings", kMergesKey));
    if (merges->size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        return fail(ErrorCode::MalformedFile, fmt::format("{} has {} entries", kMergesKey, merges->size()));
    }
    vocabulary.merges = *merges;
    return {};
}

Result<std::optional<TokenId>> readId(const GgufMetadata& metadata, std::string_view key, std::size_t tokens) {
    if (!metadata.contains(key)) return std::nullopt;
    const std::optional<std::uint64_t> id = metadata.uint(key);
    if (!id || *id >= tokens) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("{} is {}, with {} tokens", key, id ? fmt::format("{}", *id) : "not an index", tokens));
    }
    return static_cast<TokenId>(*id);
}

Result<void> readIds(const GgufMetadata& metadata, Vocabulary& vocabulary) {
    const std::size_t tokens = vocabulary.tokens.size();
    const std::array<std::pair<std::string_view, std::optional<TokenId>*>, 5> keys{{
        {"tokenizer.ggml.bos_token_id", &vocabulary.bos},
        {"tokenizer.ggml.eos_token_id", &vocabulary.eos},
        {"tokenizer.ggml.eot_token_id", &vocabulary.eot},
        {"tokenizer.ggml.eom_token_id", &vocabulary.eom},
        {"tokenizer.ggml.unknown_token_id", &vocabulary.unknown},
    }};
    for (const auto& [key, id] : keys) {
        auto read = readId(metadata, key, tokens);
        if (!read) return std::unexpected(std::move(read).error());
        *id = *read;
    }
    vocabulary.padding = readId(metadata, "tokenizer.ggml.padding_token_id", tokens).value_or(std::nullopt);

    const auto orDefault = [&](std::optional<TokenId>& id, TokenId place, TokenType type) {
        const auto index = static_cast<std::size_t>(place);
        if (!id && index < tokens && vocabulary.types[index] == type) id = place;
    };
    if (vocabulary.model == kUnigram) { // T5's own places
        orDefault(vocabulary.unknown, 2, TokenType::Unknown);
        orDefault(vocabulary.eos, 1, TokenType::Control);
    } else if (vocabulary.model == kWordPiece) {
        // What ends a text is called its separator here; the key is spelled so.
        auto separator = readId(metadata, "tokenizer.ggml.seperator_token_id", tokens);
        if (!separator) return std::unexpected(std::move(separator).error());
        if (*separator) vocabulary.eos = *separator;
        const auto spelled = [&](std::optional<TokenId>& id, std::string_view spelling) {
            const auto found = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), spelling);
            if (!id && found != vocabulary.tokens.end()) id = static_cast<TokenId>(found - vocabulary.tokens.begin());
        };
        spelled(vocabulary.bos, "[CLS]");
        spelled(vocabulary.eos, "[SEP]");
        spelled(vocabulary.unknown, "[UNK]");
    } else if (vocabulary.model == kSentencePiece) {
        // The places SentencePiece gives them when a trainer asks for nothing else.
        orDefault(vocabulary.unknown, 0, TokenType::Unknown);
        orDefault(vocabulary.bos, 1, TokenType::Control);
        orDefault(vocabulary.eos, 2, TokenType::Control);
    }
    return {};
}

Result<void> readNormalisation(const GgufMetadata& metadata, Vocabulary& vocabulary) {
    vocabulary.lowerCase = vocabulary.model == kWordPiece &&
                           metadata.boolean("tokenizer.ggml.normalizer.lowercase").value_or(true);
    vocabulary.stripAccents =
        vocabulary.model == kWordPiece &&
        metadata.boolean("tokenizer.ggml.normalizer.strip_accents").value_or(vocabulary.lowerCase);
    constexpr std::string_view kCharactersKey = "tokenizer.ggml.precompiled_charsmap";
    if (vocabulary.model != kUnigram || !metadata.contains(kCharactersKey)) return {};
    const std::vector<std::int64_t>* bytes = metadata.ints(kCharactersKey);
    if (bytes == nullptr) return fail(ErrorCode::MalformedFile, fmt::format("{} is not a list of bytes", kCharactersKey));
    vocabulary.characterMap.reserve(bytes->size());
    for (const std::int64_t byte : *bytes) vocabulary.characterMap += static_cast<char>(byte & 0xFF);
    return {};
}

/// phi-3's tokenizer swallows white space after its special tokens; the GGUF has no key for it, only the model's name.
bool stripsSpaceAfterSpecial(const GgufMetadata& metadata) {
    std::string modelName(metadata.string("general.name").value_or(""));
    std::transform(modelName.begin(), modelName.end(), modelName.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return modelName.find("phi-3") != std::string::npos || modelName.find("phi3") != std::string::npos;
}

} // namespace

std::span<const std::string_view> supportedTokenizerModels() {
    return kSupportedModels;
}

Result<Vocabulary> readVocabulary(const GgufMetadata& metadata) {
    const auto model = metadata.requireString("tokenizer.ggml.model");
    if (!model) return std::unexpected(model.error());
    if (std::find(kSupportedModels.begin(), kSupportedModels.end(), *model) == kSupportedModels.end()) {
        return fail(ErrorCode::UnsupportedTokenizer, fmt::format("tokenizer.ggml.model is '{}'; supported are {}",
                                                                 *model, fmt::join(kSupportedModels, ", ")));
    }

    Vocabulary vocabulary;
    vocabulary.model = *model;
    vocabulary.pre = metadata.string("tokenizer.ggml.pre").value_or("");
    for (const auto read : {readTokens, readScores, readTypes, readMerges, readIds}) {
        if (auto done = read(metadata, vocabulary); !done) return std::unexpected(std::move(done).error());
    }

    if (auto done = readNormalisation(metadata, vocabulary); !done) return std::unexpected(std::move(done).error());
    const bool sentencePiece = vocabulary.model == kSentencePiece;
    const bool preAddsBos = !sentencePiece && preTokenizerRecipe(vocabulary.pre).addBos;
    vocabulary.addBos = metadata.boolean("tokenizer.ggml.add_bos_token").value_or(sentencePiece || preAddsBos);
    vocabulary.addEos = metadata.boolean("tokenizer.ggml.add_eos_token").value_or(vocabulary.model == kUnigram);
    if (vocabulary.model == kWordPiece) vocabulary.addBos = vocabulary.addEos = true; // always [CLS] ... [SEP]
    vocabulary.addSpacePrefix = metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(sentencePiece);
    vocabulary.removeExtraWhitespaces = metadata.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
    vocabulary.stripSpaceAfterSpecial = stripsSpaceAfterSpecial(metadata);
    return vocabulary;
}

} // namespace hearth::core
