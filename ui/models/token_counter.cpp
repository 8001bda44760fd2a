// SPDX-License-Identifier: Apache-2.0
#include "ui/models/token_counter.h"

#include <utility>

namespace hearth::ui {

namespace {

constexpr int kPauseMs = 10; ///< gathers the letters of one stroke of the keys

} // namespace

TokenCounter::TokenCounter(EngineClient& engine, QObject* parent)
    : QObject(parent)
    , m_engine(engine) {
    m_pause.setSingleShot(true);
    m_pause.setInterval(kPauseMs);
    connect(&m_pause, &QTimer::timeout, this, &TokenCounter::countNext);
    connect(&m_engine, &EngineClient::tokensCounted, this, [this](RequestId id, int tokens) {
        if (id == m_historyRequest) {
            m_historyRequest = 0;
            m_history = tokens;
        } else if (id == m_draftRequest) {
            m_draftRequest = 0;
            m_draftTokens = tokens;
            if (m_draftChanged) countNext();
        } else {
            return;
        }
        report();
    });
}

void TokenCounter::setHistory(int tokens) {
    m_historyRequest = 0; // an answer that is under way is of another conversation
    m_messages.clear();
    m_history = tokens;
    report();
}

void TokenCounter::countHistory(std::vector<core::ChatMessage> messages) {
    if (messages.empty()) return setHistory(0);
    m_messages = std::move(messages);
    m_history = -1;
    m_historyRequest = 0;
    if (!m_draft.isEmpty()) countNext(); // nobody looks at the figure before
    report();
}

void TokenCounter::setDraft(const QString& draft) {
    if (draft == m_draft) return;
    m_draft = draft;
    m_draftChanged = true;
    if (m_draft.isEmpty()) return report();
    if (!m_pause.isActive()) m_pause.start();
}

void TokenCounter::recount() {
    m_draftChanged = !m_draft.isEmpty();
    m_draftRequest = 0;
    m_draftTokens = -1;
    if (!m_messages.empty()) m_history = -1;
    if (m_draftChanged) countNext();
}

void TokenCounter::countNext() {
    if (!m_engine.model()) return;
    if (m_history < 0 && m_historyRequest == 0 && !m_messages.empty()) m_historyRequest = m_engine.countTokens(m_messages);
    if (!m_draftChanged || m_draftRequest != 0 || m_draft.isEmpty()) return;
    m_draftChanged = false;
    m_draftRequest = m_engine.countTokens({{core::Role::User, m_draft.toStdString()}});
}

void TokenCounter::report() {
    const bool known = !m_draft.isEmpty() && m_history >= 0 && m_draftTokens >= 0;
    emit counted(known ? m_history + m_draftTokens : -1);
}

} // namespace hearth::ui
