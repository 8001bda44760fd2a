// SPDX-License-Identifier: Apache-2.0
#include "core/chat/framed_parser.h"

#include "core/chat/held_tail.h"
#include "core/chat/tool_call_text.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace hearth::core {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kLongestHeader = 1024; ///< bytes; a longer one is no header but text

constexpr std::array<std::string_view, 3> kHeaderStarts{"<|", "assistant", "to="};
const std::array<std::string, 1> kMessage{"<|message|>"};
const std::array<std::string, 3> kMessageEnds{"<|end|>", "<|start|>", "<|channel|>"};
const std::array<std::string, 1> kNextRecipient{">>>"};

struct Found {
    std::size_t at = std::string::npos;
    std::size_t length = 0;
    std::size_t which = 0;
};

Found findFirst(std::string_view text, std::span<const std::string> wanted) {
    Found found;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::size_t at = text.find(wanted[i]);
        if (at < found.at) found = {at, wanted[i].size(), i};
    }
    return found;
}

/// Takes the part of `held` that can be no beginning of `wanted`.
std::string takeSafe(std::string& held, std::span<const std::string> wanted, bool atEnd) {
    std::string safe = held.substr(0, held.size() - (atEnd ? 0 : heldTail(held, wanted)));
    held.erase(0, safe.size());
    return safe;
}

/// A header begins with the role, the recipient or the channel.
bool mayBeHeader(std::string_view text) {
    const std::size_t start = text.find_first_not_of(kSpace);
    if (start == std::string_view::npos) return true;
    const std::string_view word = text.substr(start);
    return std::ranges::any_of(kHeaderStarts, [word](std::string_view wanted) { return word.starts_with(wanted) || wanted.starts_with(word); });
}

} // namespace

HarmonyParser::HarmonyParser(ReplyStart start, ReplySink sink)
    : ReplyParser(std::move(sink))
    , m_state(start.inMessage ? State::Content : State::Header) {}

void HarmonyParser::readHeader(std::string_view header) {
    // A recipient stands behind the role or behind the channel.
    m_recipient.clear();
    if (const std::size_t to = header.find("to="); to != std::string_view::npos) {
        std::string_view name = header.substr(to + 3);
        name = name.substr(0, name.find_first_of(" \t\r\n<"));
        if (name.starts_with("functions.")) name.remove_prefix(10);
        if (name != "assistant" && name != "user") m_recipient = name;
    }
    std::string_view channel;
    if (const std::size_t at = header.find("<|channel|>"); at != std::string_view::npos) {
        channel = header.substr(at + 11);
        channel = channel.substr(0, channel.find_first_of(" \t\r\n<"));
    }
    if (!m_recipient.empty()) {
        m_state = State::Call;
    } else {
        m_state = channel == "analysis" ? State::Reasoning : State::Content;
    }
}

void HarmonyParser::addText(std::string_view text) {
    if (text.empty()) return;
    if (m_state == State::Call) {
        m_call += text;
    } else if (m_state == State::Reasoning) {
        if (!std::exchange(m_openTag, true)) show(std::string(kThinkOpen) + "\n");
        show(text);
        addReasoning(text);
    } else {
        if (std::exchange(m_gap, false)) {
            show("\n\n");
            addContent("\n\n");
        }
        show(text);
        addContent(text);
    }
}

void HarmonyParser::endMessage() {
    if (m_openTag) show("\n" + std::string(kThinkClose) + "\n\n");
    m_openTag = false;
    if (m_state == State::Content) m_gap = hasContent();
    if (m_state == State::Call) {
        const std::string text = std::exchange(m_call, {});
        const auto calls = text.size() > kLongestCallText ? std::vector<ToolCall>{} : namedCall(m_recipient, text);
        if (!calls.empty()) {
            addCalls(calls);
        } else if (m_recipient == "python" && !text.empty()) {
            addCalls(parseToolCalls(text, CallSyntax::Python)); // code, not an object
        } else {
            show(text);
            addContent(text);
        }
    }
    m_state = State::Header;
}

bool HarmonyParser::stepOnce(bool atEnd) {
    if (m_state == State::Header) {
        const Found message = findFirst(m_held, kMessage);
        if (mayBeHeader(m_held) && message.at <= kLongestHeader) {
            readHeader(std::string_view(m_held).substr(0, message.at));
            m_held.erase(0, message.at + message.length);
            return true;
        }
        const bool header = mayBeHeader(m_held) && m_held.size() < kLongestHeader + kMessage.front().size();
        if (header && atEnd) m_held.clear(); // cut off inside it
        if (header) return false;
        // A model that left its format: what it says is content.
        m_state = State::Content;
        return true;
    }
    const Found end = findFirst(m_held, kMessageEnds);
    if (end.at != std::string::npos) {
        addText(m_held.substr(0, end.at));
        endMessage();
        // The channel's marker is the next header's first part; the others only separate.
        m_held.erase(0, end.at + (end.which == 2 ? 0 : end.length));
        return true;
    }
    addText(takeSafe(m_held, kMessageEnds, atEnd));
    return false;
}

void HarmonyParser::feed(std::string_view text) {
    m_held += text;
    while (!m_held.empty() && stepOnce(false)) {
    }
}

void HarmonyParser::finish() {
    while (!m_held.empty() && stepOnce(true)) {
    }
    // Reasoning that was cut off stays open in the text: it may be carried on.
    if (m_state == State::Reasoning) m_openTag = false;
    endMessage();
}

RecipientParser::RecipientParser(ReplyStart start, ReplySink sink)
    : ReplyParser(std::move(sink))
    , m_state(start.inMessage ? State::Content : State::Header) {}

void RecipientParser::endMessage() {
    if (m_state == State::Call) {
        const std::string text = std::exchange(m_call, {});
        auto calls = text.size() > kLongestCallText ? std::vector<ToolCall>{} : namedCall(m_recipient, text);
        if (calls.empty() && m_recipient == "python") calls = parseToolCalls(text, CallSyntax::Python);
        if (!calls.empty()) {
            endContent();
            addCalls(calls);
        } else {
            show(m_recipient + "\n" + text);
            addContent(m_recipient + "\n" + text);
        }
    }
    m_state = State::Header;
}

bool RecipientParser::stepOnce(bool atEnd) {
    if (m_state == State::Header) {
        const std::size_t line = m_held.find('\n');
        if (line == std::string::npos) {
            if (!atEnd && m_held.size() < kLongestHeader) return false;
            m_state = State::Content; // no header: what the model says is content
            return true;
        }
        m_recipient = m_held.substr(0, line);
        const bool name = !m_recipient.empty() && m_recipient.find_first_of(" \t<") == std::string::npos;
        m_state = name && m_recipient != "all" ? State::Call : State::Content;
        if (name) m_held.erase(0, line + 1);
        return true;
    }
    const Found next = findFirst(m_held, kNextRecipient);
    const bool found = next.at != std::string::npos;
    const std::string text = found ? m_held.substr(0, next.at) : takeSafe(m_held, kNextRecipient, atEnd);
    if (m_state == State::Call) {
        m_call += text;
    } else {
        show(text);
        addContent(text);
    }
    if (!found) return false;
    m_held.erase(0, next.at + next.length);
    endMessage();
    return true;
}

void RecipientParser::feed(std::string_view text) {
    m_held += text;
    while (!m_held.empty() && stepOnce(false)) {
    }
}

void RecipientParser::finish() {
    while (!m_held.empty() && stepOnce(true)) {
    }
    endMessage();
}

} // namespace hearth::core
