// SPDX-License-Identifier: Apache-2.0
//
// TokenCounter: how many tokens the draft and the conversation before it take, while one types. The conversation is counted
// when it changes, the draft with every change, on the engine's thread, never more than one count under way: what came
// meanwhile is counted next, as it is then. While a reply is computed the engine is busy, and the figure waits.
// Thread: GUI.
#pragma once

#include "ui/bridge/engine_client.h"

#include <QObject>
#include <QString>
#include <QTimer>

#include <vector>

namespace hearth::ui {

class TokenCounter : public QObject {
    Q_OBJECT
public:
    explicit TokenCounter(EngineClient& engine, QObject* parent = nullptr);

    /// The conversation's tokens are known (from its last reply) ...
    void setHistory(int tokens);
    /// ... or have to be counted.
    void countHistory(std::vector<core::ChatMessage> messages);
    void setDraft(const QString& draft);
    /// Another model: everything again.
    void recount();

signals:
    /// Of both together; -1 = unknown, or there is no draft.
    void counted(int tokens);

private:
    void countNext();
    void report();

    EngineClient& m_engine;
    QTimer m_pause;
    std::vector<core::ChatMessage> m_messages; ///< of the conversation, when it must be counted
    QString m_draft;
    int m_history = 0; ///< -1 = not known yet
    int m_draftTokens = 0;
    bool m_draftChanged = false;
    RequestId m_historyRequest = 0;
    RequestId m_draftRequest = 0;
};

} // namespace hearth::ui
