// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/known_tokens.h"

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

using namespace std::string_view_literals;

constexpr auto kEnds = std::to_array<std::string_view>({
    "</s>"sv,
    "<EOT>"sv,
    "<PAD>"sv,
    "<end_of_turn>"sv,
    "<end_of_utterance>"sv,
    "<eos>"sv,
    "<fim-pad>"sv,
    "<fim_pad>"sv,
    "<reponame>"sv,
    "<turn|>"sv,
    "<|calls|>"sv,
    "<|call|>"sv,
    "<|end_of_text|>"sv,
    "<|endoftext|>"sv,
    "<|end|>"sv,
    "<|eom_id|>"sv,
    "<|eot_id|>"sv,
    "<|file_sep|>"sv,
    "<|fim_pad|>"sv,
    "<|fim_repo|>"sv,
    "<|flush|>"sv,
    "<|im_end|>"sv,
    "<|repo_name|>"sv,
    "<|return|>"sv,
    "<｜end▁of▁sentence｜>"sv,
    "[EOS]"sv,
    "[EOT]"sv,
    "[e~["sv,
    "_<EOT>"sv,
});

/// Ends of families that llama.cpp only knows by their files' keys; files that lack the key have the token all the same.
constexpr auto kTurnEnds = std::to_array<std::string_view>({
    "<|END_OF_TURN_TOKEN|>"sv,
    "<|end_of_turn|>"sv,
    "<|endofturn|>"sv,
    "<|eom|>"sv,
    "<|eot|>"sv,
    "<|observation|>"sv,
    "<|role_end|>"sv,
    "[|endofturn|]"sv,
});

constexpr auto kTurnBegins = std::to_array<std::string_view>({
    "<start_of_turn>"sv,
    "<|START_OF_TURN_TOKEN|>"sv,
    "<|User|>"sv,
    "<|begin_user|>"sv,
    "<|header_start|>"sv,
    "<|im_start|>"sv,
    "<|im_user|>"sv,
    "<|start_header_id|>"sv,
    "<|start_of_role|>"sv,
    "<|turn>"sv,
    "<|user|>"sv,
    "<｜User｜>"sv,
    "[INST]"sv,
    "[|user|]"sv,
});

constexpr auto kFillInTheMiddle = std::to_array<std::string_view>({
    "<MID>"sv,           "<PRE>"sv,           "<SUF>"sv,          "<fim-middle>"sv,   "<fim-prefix>"sv,
    "<fim-suffix>"sv,    "<fim_middle>"sv,    "<fim_prefix>"sv,   "<fim_suffix>"sv,   "<|code_middle|>"sv,
    "<|code_prefix|>"sv, "<|code_suffix|>"sv, "<|fim_middle|>"sv, "<|fim_prefix|>"sv, "<|fim_suffix|>"sv,
    "<｜fim▁begin｜>"sv, "<｜fim▁end｜>"sv,   "<｜fim▁hole｜>"sv, "▁<MID>"sv,         "▁<PRE>"sv,
    "▁<SUF>"sv,
});

template <class Array>
bool has(const Array& spellings, std::string_view token) {
    return std::find(spellings.begin(), spellings.end(), token) != spellings.end();
}

/// Almost every token of a vocabulary fails here, before any list is searched.
bool looksSpecial(std::string_view token) {
    return token.size() >= 4 && (token.back() == '>' || token.back() == ']' || token.back() == '[');
}

} // namespace

bool isEndSpelling(std::string_view token) {
    return looksSpecial(token) && (has(kEnds, token) || has(kTurnEnds, token));
}

bool isTurnBeginSpelling(std::string_view token) {
    return looksSpecial(token) && has(kTurnBegins, token);
}

bool isControlSpelling(std::string_view token) {
    return looksSpecial(token) && (has(kEnds, token) || has(kFillInTheMiddle, token));
}

} // namespace hearth::core
