// SPDX-License-Identifier: Apache-2.0
#include "core/chat/marked_parser.h"

#include "core/chat/held_tail.h"
#include "core/chat/tool_call_text.h"

#include <algorithm>
#include <utility>

namespace hearth::core {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kBareCall = "{"; ///< up to the end of the reply

} // namespace

MarkedParser::MarkedParser(const ReplyFormat& format, ReplyStart start, ReplySink sink)
    : ReplyParser(std::move(sink))
    , m_format(format)
    , m_tools(start.tools)
    , m_openTag(start.reasoning && !start.tagWritten) {
    // A bare call is a section like any other whose marker is its first bracket.
    if (m_format.bareJsonCalls && m_tools) m_format.calls.push_back({std::string(kBareCall), "", CallSyntax::Json});
    enter(start.reasoning ? State::Reasoning : start.inMessage ? State::Content : State::Start);
}

void MarkedParser::enter(State state) {
    m_state = state;
    m_wanted.clear();
    if (state == State::Reasoning) {
        m_wanted.push_back(m_format.reasoningClose);
    } else if (state == State::Call) {
        const CallSection& section = m_format.calls[m_section];
        if (section.open != kBareCall) m_wanted.push_back(section.close.empty() ? section.open : section.close);
    } else {
        if (state == State::Start) m_wanted.push_back(m_format.reasoningOpen);
        for (const CallSection& section : m_format.calls) {
            if (state == State::Start || section.open != kBareCall) m_wanted.push_back(section.open);
        }
    }
}

void MarkedParser::addText(std::string_view text) {
    if (text.empty()) return;
    show(text);
    if (m_state == State::Reasoning) {
        addReasoning(text);
        return;
    }
    addContent(text);
    if (m_state == State::Start && text.find_first_not_of(kSpace) != std::string_view::npos) enter(State::Content);
}

void MarkedParser::endCall(std::string_view close) {
    const CallSection section = m_format.calls[m_section];
    const bool bare = section.open == kBareCall;
    std::string text = std::exchange(m_held, {});
    const auto calls = parseToolCalls(bare ? section.open + text : text, section.syntax);
    if (!calls.empty()) {
        endContent();
        addCalls(calls);
        enter(State::Start);
        return;
    }
    enter(State::Content);
    addText(section.open + text + std::string(close));
}

bool MarkedParser::stepOnce(bool atEnd) {
    std::size_t first = std::string::npos;
    std::size_t which = 0;
    for (std::size_t i = 0; i < m_wanted.size(); ++i) {
        const std::size_t at = m_held.find(m_wanted[i]);
        if (at < first) {
            first = at;
            which = i;
        }
    }
    if (m_state == State::Call) {
        if (first == std::string::npos) {
            if (atEnd || m_held.size() > kLongestCallText) endCall({});
            return false;
        }
        const std::string marker = m_wanted.front();
        std::string rest = m_held.substr(first + marker.size());
        const bool reopens = m_format.calls[m_section].close.empty();
        m_held.resize(first);
        endCall(reopens ? std::string_view() : std::string_view(marker));
        m_held = (reopens ? marker : std::string()) + rest;
        return true;
    }
    if (first != std::string::npos && which < m_wanted.size()) {
        const std::string marker = m_wanted[which];
        const std::string before = m_held.substr(0, first);
        // In front of the first word a marker's meaning hangs on that nothing came before it.
        if (m_state == State::Start && before.find_first_not_of(kSpace) != std::string::npos && (marker == m_format.reasoningOpen || marker == kBareCall)) {
            addText(before);
            m_held.erase(0, first);
            return true;
        }
        addText(before);
        m_held.erase(0, first + marker.size());
        if (m_state == State::Reasoning) {
            show(kThinkClose);
            enter(State::Start);
        } else if (marker == m_format.reasoningOpen && m_state == State::Start) {
            show(kThinkOpen);
            enter(State::Reasoning);
        } else {
            m_section = static_cast<std::size_t>(std::ranges::find(m_format.calls, marker, &CallSection::open) - m_format.calls.begin());
            enter(State::Call);
        }
        return true;
    }
    const std::size_t held = atEnd ? 0 : heldTail(m_held, m_wanted);
    const std::string safe = m_held.substr(0, m_held.size() - held);
    m_held.erase(0, safe.size());
    addText(safe);
    return false;
}

void MarkedParser::step(bool atEnd) {
    while (!(m_held.empty() && m_state != State::Call) && stepOnce(atEnd)) {
    }
}

void MarkedParser::feed(std::string_view text) {
    if (text.empty()) return;
    if (std::exchange(m_openTag, false)) show(std::string(kThinkOpen) + "\n");
    m_held += text;
    step(false);
}

void MarkedParser::finish() {
    step(true);
}

} // namespace hearth::core
