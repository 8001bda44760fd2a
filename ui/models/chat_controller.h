// SPDX-License-Identifier: Apache-2.0
//
// ChatController: what the user can do with conversations, as a state machine between the window, the engine and the
// store.
//
//   send ── rows appear at once ── store commits the user's message ── acknowledged ── engine generates ── final signal
//
// A reply belongs to its conversation, not to the window: it goes on when another conversation is opened, and several
// may wait for the engine. A conversation with a reply under way, or with messages that could not be saved, is kept in
// memory
// ("parked") while it is not shown. When the store fails the chat goes on, says so once, and is saved when that works
// again. Thread: GUI.
#pragma once

#include "ui/bridge/engine_client.h"
#include "ui/bridge/store_client.h"
#include "ui/models/conversation_list_model.h"
#include "ui/models/message_list_model.h"
#include "ui/models/reply_writer.h"
#include "ui/models/settings_model.h"

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace hearth::ui {

class ChatController : public QObject {
    Q_OBJECT
public:
    ChatController(EngineClient& engine, StoreClient& store, SettingsModel& settings, QObject* parent = nullptr);
    ~ChatController() override;

    [[nodiscard]] MessageListModel& messages() { return m_messages; }
    [[nodiscard]] ConversationListModel& conversations() { return m_conversations; }
    /// 0: a new chat without a message yet; negative: not in the store yet.
    [[nodiscard]] core::ConversationId current() const { return m_current; }
    [[nodiscard]] bool isReplying() const;    ///< in the current conversation
    [[nodiscard]] bool isBusy() const { return !m_replies.empty(); } ///< in any conversation, or one's end is being saved
    [[nodiscard]] QString statusText() const; ///< "Replying…", "Reading the prompt …"; empty when idle

    // --- conversations ------------------------------------------------------------------------------------------
    void refreshConversations();
    void newChat();
    void open(core::ConversationId id);
    /// Opens the conversation on a path through this message, whichever branch it is on; ends in messageShown.
    void openMessage(core::ConversationId id, core::MessageId message);
    void rename(core::ConversationId id, const QString& title);
    /// Ends in conversationDeleted; restore undoes it.
    void remove(core::ConversationId id);
    void restore(core::ConversationId id);
    /// They are about to go: their replies are stopped, and an open one makes room for a new chat.
    void leave(const std::vector<core::ConversationId>& ids);

    // --- messages of the current conversation -------------------------------------------------------------------
    /// `replyStart`: what the reply begins with; the model goes on from there.
    void send(const QString& text, const QString& replyStart = {});
    void stop();
    void regenerate(int row);
    /// A sibling of the message in this row: of a user's turn with an answer to it, of a reply as it is.
    void edit(int row, const QString& text);
    /// A sibling of the reply in this row that begins with `text`; the model goes on from there.
    void prefill(int row, const QString& text);
    /// The last reply goes on; an earlier one gets a sibling that begins as it does.
    void continueReply(int row);
    /// Takes the message and what follows it away; ends in undoOffered.
    void removeMessage(int row);
    /// Undoes the last change of the shown path by edit, prefill, regenerate or removeMessage in this conversation.
    void undo();
    [[nodiscard]] bool canUndo() const;
    void showSibling(int row, int step);

    /// Who will write the replies, as long as the engine is still loading it.
    void setModelName(const QString& name) { m_modelName = name; }

    // --- the draft of the current conversation (chat_drafts.cpp) ------------------------------------------------
    /// What the composer holds; saved within half a second.
    void setDraft(const QString& text);
    /// Reads the saved one; ends in draftLoaded.
    void loadDraft();

    /// Before the engine is shut down: from now on unfinished replies end as interrupted.
    void beginShutdown();
    /// After it, before the store is shut down: queues what is unsaved.
    void finishShutdown();

signals:
    void currentChanged();
    void replyingChanged();
    void statusChanged();
    /// The message is on the shown path now: the view may jump to it.
    void messageShown(qint64 message);
    /// The first question of a conversation has its whole reply.
    void firstReplyEnded(qint64 conversation, const QString& question, const QString& reply);
    void conversationDeleted(qint64 id, const QString& title);
    /// Something was changed that undo() takes back; `what`: "Message deleted".
    void undoOffered(const QString& what);
    void undoChanged();
    /// Another conversation is shown: this is what its composer holds.
    void draftLoaded(const QString& text);
    void savingFailed(const hearth::core::Error& error);
    void savingRecovered();
    /// Of the current conversation's last reply; live while it streams.
    void statsChanged(const hearth::core::GenerationStats& stats, bool live);

private:
    struct Reply {
        core::ConversationId conversation = 0;
        core::MessageId message = 0;
        RequestId request = 0; ///< 0 until the engine has it
        bool continued = false;
        bool cancelled = false; ///< before the engine had it
        bool ended = false;     ///< only the writer still works
        QString text;
        QElapsedTimer thinking;    ///< since <think>
        double thoughtSeconds = 0; ///< to </think>
        std::unique_ptr<ReplyWriter> writer;
    };
    /// The shown path before a change.
    struct UndoStep {
        core::ConversationId conversation = 0;
        std::optional<core::MessageId> leaf;
        core::RemovedMessages removed; ///< without rows: only the path changed
    };
    struct NewMessage;
    struct Commit;

    // the items of a conversation, shown or parked
    [[nodiscard]] const std::vector<MessageItem>* items(core::ConversationId conversation) const;
    void changeItem(core::ConversationId conversation, core::MessageId id,
                    const std::function<void(MessageItem&)>& change);
    void show(core::ConversationId id, std::vector<MessageItem> items);
    void showPath(core::ConversationId conversation, const core::Result<std::vector<core::MessageRow>>& path);
    void leaveCurrent();
    void dropParkedIfSettled(core::ConversationId id);

    // saving
    void commit(core::ConversationId conversation);
    void committed(core::ConversationId conversation, const Commit& commit);
    void noteSaving(const core::Error* error);
    void retryUnsaved();

    // replies
    void ask(MessageItem reply);
    void rememberForUndo();
    MessageItem siblingOf(const MessageItem& old, const QString& text);
    void switchDraft(core::ConversationId id);
    void flushDraft();
    Reply& addReply(core::ConversationId conversation, core::MessageId message);
    void startWaitingReplies(core::ConversationId conversation);
    void start(Reply& reply);
    void endReply(Reply& reply, core::MessageState state, const std::optional<core::ReplyStats>& stats,
                  const QString& errorText);
    void cancelReplies(core::ConversationId conversation);
    void forgetEndedReplies();
    [[nodiscard]] Reply* replyOf(RequestId request);
    [[nodiscard]] MessageItem newItem(core::StoredRole role, const QString& text);
    [[nodiscard]] QString waitingText(const Reply& reply) const;

    void connectEngine();
    static void measureThought(Reply& reply);
    void onFinished(RequestId id, const core::GenerationResult& result);
    void onFailed(RequestId id, const core::Error& error);

    EngineClient& m_engine;
    StoreClient& m_store;
    SettingsModel& m_settings;
    MessageListModel m_messages;
    ConversationListModel m_conversations;
    core::ConversationId m_current = 0;
    core::ConversationId m_opening = 0; ///< asked of the store, not yet shown
    std::int64_t m_lastLocalId = 0;     ///< counts down: ids before the store gives its own
    std::map<core::ConversationId, std::vector<MessageItem>> m_parked;
    std::map<core::ConversationId, QString> m_localTitles; ///< of conversations not in the store yet
    std::vector<std::unique_ptr<Reply>> m_replies;
    std::set<core::ConversationId> m_committing;
    std::set<core::ConversationId> m_commitAgain;
    std::vector<UndoStep> m_undo; ///< oldest first
    core::ConversationId m_draftConversation = 0;
    QString m_draft;
    bool m_draftUnsaved = false;
    bool m_draftTouched = false; ///< written by the user since the conversation is shown
    QTimer m_draftTimer;
    QTimer m_retry;
    QString m_modelName; ///< of the model that is loaded or being loaded
    core::ModelInfo m_model;
    bool m_savingFails = false;
    bool m_closing = false;
};

} // namespace hearth::ui
