// SPDX-License-Identifier: Apache-2.0
//
// TitleMaker: has the model put a title to a conversation after its first reply. It waits until the engine has nothing
// else to do, gives way to any reply at once, and never touches a title that the user gave. Thread: GUI.
#pragma once

#include "ui/bridge/engine_client.h"
#include "ui/bridge/store_client.h"
#include "ui/models/settings_model.h"

#include <QObject>
#include <QString>
#include <QTimer>

#include <vector>

namespace hearth::ui {

class TitleMaker : public QObject {
    Q_OBJECT
public:
    TitleMaker(EngineClient& engine, StoreClient& store, SettingsModel& settings, QObject* parent = nullptr);

    /// A first question has its reply. Does nothing where "chat.titles" says otherwise or no model is loaded.
    void suggest(core::ConversationId conversation, const QString& question, const QString& reply);
    /// Before the engine is asked for a reply: a title that is being made gives way and is tried again later, once.
    void giveWay();
    /// Forgets all that wait and stops the one that is being made.
    void cancel();
    /// True for the request of a title: nobody else's reply.
    [[nodiscard]] bool isOwn(RequestId request) const { return request != 0 && request == m_request; }

    /// One line from what a model said: without reasoning, quotes, Markdown, "Title:"; at most 60 characters. Empty when
    /// nothing is left.
    [[nodiscard]] static QString cleaned(const QString& words);

signals:
    void titled(qint64 conversation, const QString& title);

private:
    struct Wish {
        core::ConversationId conversation = 0;
        QString question;
        QString reply;
        bool triedBefore = false;
    };
    [[nodiscard]] bool isWanted() const;
    void begin();
    void finished(RequestId request);

    EngineClient& m_engine;
    StoreClient& m_store;
    SettingsModel& m_settings;
    std::vector<Wish> m_waiting;
    Wish m_current;
    RequestId m_request = 0;
    QString m_words;
    QTimer m_pause; ///< the user may go on at once: the engine is left alone for a moment
};

} // namespace hearth::ui
