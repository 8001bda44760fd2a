// SPDX-License-Identifier: Apache-2.0
#include "core/engine/chat_prompt.h"

#include "core/base/log.h"
#include "core/base/units.h"
#include "core/base/utf8.h"
#include "core/engine/builtin_templates.h"
#include "core/engine/prompt_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace hearth::core {

namespace {

std::string spelling(const Vocabulary& vocabulary, const std::optional<TokenId>& id) {
    return id ? vocabulary.tokens[static_cast<std::size_t>(*id)] : std::string();
}

/// The system message put in front of the first user message, for templates that know no system role.
std::vector<ChatMessage> withSystemMerged(std::span<const ChatMessage> messages) {
    std::vector<ChatMessage> merged(messages.begin() + 1, messages.end());
    const auto user = std::ranges::find(merged, Role::User, &ChatMessage::role);
    if (user != merged.end()) user->text = messages.front().text + "\n\n" + user->text;
    return merged;
}

/// `messages` without the first `dropped` after the system message.
std::vector<ChatMessage> withoutOldest(std::span<const ChatMessage> messages, std::size_t dropped) {
    const std::size_t system = !messages.empty() && messages.front().role == Role::System ? 1 : 0;
    std::vector<ChatMessage> kept(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(system));
    kept.insert(kept.end(), messages.begin() + static_cast<std::ptrdiff_t>(system + dropped), messages.end());
    return kept;
}

} // namespace

ChatPrompt::ChatPrompt(const Tokenizer& tokenizer, std::string templateSource)
    : m_tokenizer(tokenizer) {
    const Vocabulary& vocabulary = tokenizer.vocabulary();
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
        // The unknown token is parsed like a control token, so it is guarded like one.
        const bool control = vocabulary.types[id] == TokenType::Control || vocabulary.types[id] == TokenType::Unknown;
        if (control && vocabulary.tokens[id].size() > 1) m_controlTokens.push_back(vocabulary.tokens[id]);
    }
    for (const std::string& control : m_controlTokens) m_startsControl[static_cast<unsigned char>(control.front())] = true;
    std::ranges::sort(m_controlTokens, [](const std::string& a, const std::string& b) { return a.size() > b.size(); });

    if (templateSource.empty()) {
        useBuiltin("The model file carries no chat template");
        return;
    }
    m_fileFormat = detectReplyFormat(templateSource);
    m_fileKnowsTools = templateSource.find("tools") != std::string::npos;
    useFormat(m_fileFormat, m_fileKnowsTools);
    auto compiled = ChatTemplate::compile(std::move(templateSource));
    if (!compiled) {
        useBuiltin(fmt::format("The model file's chat template cannot be read ({})", compiled.error().message));
        return;
    }
    // Tried on the simplest conversation, so that a template that can never work is known when the model is loaded.
    const std::array trial{ChatMessage{Role::User, "Hello"}};
    const auto rendered = renderWith(*compiled, trial);
    if (!rendered) {
        useBuiltin(fmt::format("The model file's chat template failed ({})", rendered.error().message));
    } else if (rendered->find(trial.front().text) == std::string::npos) {
        useBuiltin("The model file's chat template leaves the user's message out");
    } else {
        m_fileTemplate = std::move(*compiled);
        learnTurnEnd();
    }
}

void ChatPrompt::learnTurnEnd() {
    constexpr std::string_view kReply = "a0reply0b";
    constexpr std::string_view kNext = "c0next0d";
    const std::array turns{ChatMessage{Role::User, "Hello"}, ChatMessage{Role::Assistant, std::string(kReply)}, ChatMessage{Role::User, std::string(kNext)}};
    const auto rendered = renderWith(*m_fileTemplate, turns);
    if (!rendered) return; // a template of single questions
    const std::size_t next = rendered->rfind(kNext);
    const std::size_t reply = rendered->rfind(kReply, next);
    if (next == std::string::npos || reply == std::string::npos) return;
    const std::size_t from = reply + kReply.size();
    m_turnEnd = findTurnEnd(m_tokenizer, std::string_view(*rendered).substr(from, next - from));
    m_stops = m_turnEnd.stops;
}

void ChatPrompt::useBuiltin(std::string why) {
    const BuiltinTemplate& builtin = builtinTemplateFor(m_tokenizer.vocabulary());
    if (!m_builtin) {
        auto compiled = ChatTemplate::compile(std::string(builtin.source));
        if (compiled) m_builtin = std::move(*compiled);
    }
    m_stops = builtin.stops;
    useFormat(detectReplyFormat(builtin.source), false);
    m_notice = fmt::format("{}; the {} format is used instead.", why, builtin.name);
    spdlog::warn("chat template: {}", m_notice);
}

std::string ChatPrompt::guarded(std::string_view text) const {
    std::string clean = utf8::sanitized(text);
    // A breaker that the user typed means nothing to anybody and would be taken for ours.
    for (std::size_t at = clean.find(kControlBreaker); at != std::string::npos; at = clean.find(kControlBreaker, at)) {
        clean.erase(at, kControlBreaker.size());
    }
    std::string out;
    out.reserve(clean.size());
    for (std::size_t i = 0; i < clean.size();) {
        const std::string_view rest = std::string_view(clean).substr(i);
        const bool control = m_startsControl[static_cast<unsigned char>(rest.front())] &&
                             std::ranges::any_of(m_controlTokens, [rest](const std::string& token) { return rest.starts_with(token); });
        // Broken after the first code point: what remains cannot match, and the parts overlap with no other token's start.
        const std::size_t length = utf8::decodeAt(clean, i).length;
        out.append(clean, i, length);
        if (control) out += kControlBreaker;
        i += length;
    }
    return out;
}

Result<std::string> ChatPrompt::renderWith(const ChatTemplate& chatTemplate, std::span<const ChatMessage> messages, std::string_view tools) const {
    const Vocabulary& vocabulary = m_tokenizer.vocabulary();
    const TextGuard guard = [this](std::string_view text) { return guarded(text); };
    nlohmann::ordered_json context;
    context["messages"] = messagesJson(messages, m_format, guard);
    if (!tools.empty()) {
        auto list = toolsJson(tools, guard);
        if (!list) return std::unexpected(list.error());
        context["tools"] = std::move(*list);
    }
    context["add_generation_prompt"] = true;
    context["bos_token"] = spelling(vocabulary, vocabulary.bos);
    context["eos_token"] = spelling(vocabulary, vocabulary.eos);
    context["unk_token"] = spelling(vocabulary, vocabulary.unknown);
    context["pad_token"] = spelling(vocabulary, vocabulary.padding);
    return chatTemplate.render(context, std::chrono::system_clock::now());
}

Result<std::string> ChatPrompt::renderMerging(const ChatTemplate& chatTemplate, std::span<const ChatMessage> messages, std::string_view tools) const {
    auto text = renderWith(chatTemplate, messages, tools);
    if (text || messages.empty() || messages.front().role != Role::System) return text;
    // Families such as Gemma refuse a system role; their makers put its text into the first user turn.
    auto merged = renderWith(chatTemplate, withSystemMerged(messages), tools);
    return merged ? merged : text;
}

void ChatPrompt::useFormat(ReplyFormat format, bool knowsTools) {
    m_knowsTools = knowsTools;
    m_format = std::move(format);
    m_markers.clear();
    const Vocabulary& vocabulary = m_tokenizer.vocabulary();
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
        const bool silent = vocabulary.types[id] == TokenType::Control;
        if (silent && std::ranges::find(m_format.markers, vocabulary.tokens[id]) != m_format.markers.end()) m_markers.push_back(static_cast<TokenId>(id));
    }
}

std::string_view ChatPrompt::replyBytes(TokenId id) const {
    if (std::ranges::binary_search(m_markers, id)) return m_tokenizer.vocabulary().tokens[static_cast<std::size_t>(id)];
    return m_tokenizer.tokenBytes(id);
}

std::string ChatPrompt::withBegun(std::string prompt, std::string_view begun, bool tools) {
    const auto trimmedEnd = [](std::string_view text) { return text.substr(0, text.find_last_not_of(" \t\r\n") + 1); };
    m_replyStart = {.tools = tools};
    m_replyStart.reasoning = m_format.frame == ReplyFrame::Marked && trimmedEnd(prompt).ends_with(trimmedEnd(m_format.reasoningOpen));
    if (begun.empty()) return prompt;
    m_replyStart.inMessage = true;
    if (m_format.frame == ReplyFrame::Harmony) return prompt + "<|channel|>final<|message|>" + guarded(withoutReasoning(begun));
    if (m_format.frame == ReplyFrame::Recipients) return prompt + "all\n" + guarded(begun);

    std::string_view text = begun;
    const std::size_t start = std::min(begun.find_first_not_of(" \t\r\n"), begun.size());
    if (m_replyStart.reasoning && begun.substr(start).starts_with(kThinkOpen)) {
        // The prompt has the tag already.
        text = begun.substr(start + kThinkOpen.size());
        if (text.starts_with('\n')) text.remove_prefix(1);
    }
    const std::size_t open = begun.rfind(kThinkOpen);
    const std::size_t close = begun.rfind(kThinkClose);
    m_replyStart.tagWritten = open == start;
    m_replyStart.reasoning = close == std::string_view::npos && (m_replyStart.reasoning || open == start);
    return prompt + guarded(text);
}

Result<std::string> ChatPrompt::render(std::span<const ChatMessage> messages, bool continueLast, std::string_view tools) {
    std::string_view begun;
    if (continueLast && !messages.empty() && messages.back().role == Role::Assistant) {
        begun = messages.back().text;
        messages = messages.first(messages.size() - 1);
    }
    if (m_fileTemplate) {
        useFormat(m_fileFormat, m_fileKnowsTools);
        if (auto text = renderMerging(*m_fileTemplate, messages, tools)) {
            m_notice.clear();
            m_stops = m_turnEnd.stops;
            return withBegun(std::move(*text), begun, !tools.empty());
        } else if (text.error().code == ErrorCode::InvalidArgument) {
            return text;
        } else {
            // It has worked before: only this conversation is beyond it.
            useBuiltin(fmt::format("The model file's chat template failed ({})", text.error().message));
        }
    }
    if (!m_builtin) return fail(ErrorCode::Internal, "the built-in chat template does not compile");
    auto text = renderMerging(*m_builtin, messages, tools);
    if (!text) return text;
    return withBegun(std::move(*text), begun, !tools.empty());
}

Result<std::vector<TokenId>> ChatPrompt::tokenize(std::span<const ChatMessage> messages, bool continueLast, std::string_view tools) {
    auto text = render(messages, continueLast, tools);
    if (!text) return std::unexpected(text.error());
    const Vocabulary& vocabulary = m_tokenizer.vocabulary();
    std::vector<TokenId> ids = m_tokenizer.encode(*text, AddSpecial::No, SpecialTokens::Parse);
    // Many templates write BOS themselves; a second one makes answers worse.
    if (vocabulary.addBos && vocabulary.bos && (ids.empty() || ids.front() != *vocabulary.bos)) ids.insert(ids.begin(), *vocabulary.bos);
    return ids;
}

Result<PromptTokens> ChatPrompt::build(const GenerationRequest& request, std::int32_t limit, std::int32_t preferDropped) {
    const std::vector<ChatMessage>& messages = request.messages;
    const std::size_t system = !messages.empty() && messages.front().role == Role::System ? 1 : 0;
    // What may be left out: everything up to the newest user message.
    std::size_t newestUser = messages.size();
    for (std::size_t i = messages.size(); i-- > system;) {
        if (messages[i].role == Role::User) {
            newestUser = i;
            break;
        }
    }
    if (newestUser == messages.size()) return fail(ErrorCode::InvalidArgument, "a request needs a user message");
    std::vector<std::size_t> cuts; // how many messages to leave out so that a user message is the first
    for (std::size_t i = system; i <= newestUser; ++i) {
        if (messages[i].role == Role::User) cuts.push_back(i - system);
    }
    if (cuts.front() != 0) cuts.insert(cuts.begin(), 0);

    const auto attempt = [&](std::size_t dropped) -> Result<PromptTokens> {
        auto ids = tokenize(withoutOldest(messages, dropped), request.continueLast, request.tools);
        if (!ids) return std::unexpected(ids.error());
        return PromptTokens{std::move(*ids), static_cast<std::int32_t>(dropped)};
    };
    const auto fits = [limit](const PromptTokens& prompt, std::int32_t room) { return static_cast<std::int32_t>(prompt.ids.size()) <= std::min(limit, room); };

    auto whole = attempt(0);
    if (!whole || fits(*whole, limit)) return whole;

    // Once something has to go, go down to two thirds: else every further message would move the start of the prompt
    // again, and nothing of the cache could be kept.
    const std::int32_t room = limit / 3 * 2;
    // The last choice is good as long as it fits, unless (another conversation, an edit) less would have to go today.
    const auto preferred = std::ranges::find(cuts, static_cast<std::size_t>(std::max(preferDropped, 0)));
    if (preferred != cuts.begin() && preferred != cuts.end()) {
        auto kept = attempt(*preferred);
        if (!kept) return kept;
        if (fits(*kept, limit)) {
            const auto fuller = attempt(*std::prev(preferred));
            if (!fuller) return fuller;
            if (!fits(*fuller, room)) return kept;
        }
    }

    std::size_t low = 0;
    std::size_t high = cuts.size() - 1;
    auto best = attempt(cuts[high]);
    if (!best) return best;
    if (!fits(*best, limit)) {
        return fail(ErrorCode::ContextTooSmall, fmt::format("the newest message needs {} tokens; the context has room for {}",
                                                            formatCount(best->ids.size()), formatCount(static_cast<std::uint64_t>(std::max(limit, 0)))));
    }
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        auto candidate = attempt(cuts[middle]);
        if (!candidate) return candidate;
        if (fits(*candidate, room)) {
            high = middle;
            best = std::move(candidate);
        } else {
            low = middle + 1;
        }
    }
    return best;
}

} // namespace hearth::core
