// SPDX-License-Identifier: Apache-2.0
//
// TurnEnd: how a reply of this model ends, where the vocabulary's own end tokens (Tokenizer::endsGeneration) do not say it.
// Learned from what the chat template writes between a reply and the next question: a control token of a family nobody listed,
// or plain text ("### Instruction:", ChatML over a vocabulary that lacks its tokens), which then is a stop string.
// Thread: any (plain values).
#pragma once

#include "core/tokenizer/tokenizer.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

struct TurnEnd {
    std::optional<TokenId> token;   ///< the model says this when it is done
    std::vector<std::string> stops; ///< or it writes this
};

/// `between`: what the template writes after a reply and before the next user's text. Empty when the vocabulary's own end
/// tokens stand there, or nothing that could be told from an answer; a marker in plain text after such a token is a stop string.
[[nodiscard]] TurnEnd findTurnEnd(const Tokenizer& tokenizer, std::string_view between);

} // namespace hearth::core
