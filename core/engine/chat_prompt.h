// SPDX-License-Identifier: Apache-2.0
//
// ChatPrompt: from messages to the token ids that the model reads. Renders the model's own chat template (or the family's
// built-in one when that fails, with a notice), guards control tokens that a user typed, and leaves out the oldest turns
// when the context is full; the system prompt always stays.
// Thread: engine only.
#pragma once

#include "core/base/error.h"
#include "core/chat/chat_template.h"
#include "core/chat/reply_parser.h"
#include "core/engine/generation.h"
#include "core/engine/turn_end.h"
#include "core/tokenizer/tokenizer.h"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

struct PromptTokens {
    std::vector<TokenId> ids;
    std::int32_t droppedMessages = 0; ///< of request.messages, the oldest after the system message
};

class ChatPrompt {
public:
    /// `templateSource`: tokenizer.chat_template, or empty. `tokenizer` must outlive the object.
    ChatPrompt(const Tokenizer& tokenizer, std::string templateSource);

    /// Why the file's own template is not in use, or was not for the last conversation; empty when it is.
    [[nodiscard]] const std::string& notice() const { return m_notice; }
    [[nodiscard]] bool usesFileTemplate() const { return m_fileTemplate.has_value(); }
    /// Ends a turn in the file's own template, though the vocabulary does not know it for an end (TurnEnd).
    [[nodiscard]] bool endsTurn(TokenId id) const { return m_turnEnd.token == id; }
    /// Stop strings that the last rendered format needs.
    [[nodiscard]] const std::vector<std::string>& stops() const { return m_stops; }

    /// How replies to the last rendered prompt are marked, and where it leaves them.
    [[nodiscard]] const ReplyFormat& replyFormat() const { return m_format; }
    [[nodiscard]] const ReplyStart& replyStart() const { return m_replyStart; }
    /// What the token adds to a reply: its bytes, or the spelling of a control token that marks a part.
    [[nodiscard]] std::string_view replyBytes(TokenId id) const;
    /// Whether the template in use renders tool definitions.
    [[nodiscard]] bool knowsTools() const { return m_knowsTools; }

    /// The rendered text, for `hearth-cli template` and tests. Control tokens typed by a user carry kControlBreaker.
    [[nodiscard]] Result<std::string> render(std::span<const ChatMessage> messages, bool continueLast, std::string_view tools = {});

    /// At most `limit` ids. `preferDropped`: how many messages the last request left out; the same again while that is
    /// enough and not too much, so that the cached prefix stays useful. ContextTooSmall when the newest message alone does not fit.
    [[nodiscard]] Result<PromptTokens> build(const GenerationRequest& request, std::int32_t limit, std::int32_t preferDropped);

private:
    [[nodiscard]] Result<std::string> renderWith(const ChatTemplate& chatTemplate, std::span<const ChatMessage> messages, std::string_view tools = {}) const;
    /// Where a template refuses the system message, with that put into the first user message.
    [[nodiscard]] Result<std::string> renderMerging(const ChatTemplate& chatTemplate, std::span<const ChatMessage> messages, std::string_view tools) const;
    [[nodiscard]] Result<std::vector<TokenId>> tokenize(std::span<const ChatMessage> messages, bool continueLast, std::string_view tools);
    [[nodiscard]] std::string guarded(std::string_view text) const;
    void useBuiltin(std::string why);
    void learnTurnEnd();
    void useFormat(ReplyFormat format, bool knowsTools);
    /// The prompt with the beginning of the reply that is carried on.
    [[nodiscard]] std::string withBegun(std::string prompt, std::string_view begun, bool tools);

    const Tokenizer& m_tokenizer;
    std::optional<ChatTemplate> m_fileTemplate;
    std::optional<ChatTemplate> m_builtin;
    std::vector<std::string> m_controlTokens; ///< spellings, longest first
    std::array<bool, 256> m_startsControl{};  ///< by first byte: keeps a huge paste cheap
    ReplyFormat m_fileFormat;
    ReplyFormat m_format;
    bool m_fileKnowsTools = false;
    bool m_knowsTools = false;
    ReplyStart m_replyStart;
    std::vector<TokenId> m_markers; ///< control tokens of m_format, in order
    TurnEnd m_turnEnd; ///< of the file's template
    std::vector<std::string> m_stops;
    std::string m_notice;
};

} // namespace hearth::core
