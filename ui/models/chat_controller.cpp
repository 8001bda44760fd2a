// SPDX-License-Identifier: Apache-2.0
#include "ui/models/chat_controller.h"

#include "core/base/log.h"
#include "ui/bridge/error_text.h"

#include <QFileInfo>

#include <algorithm>
#include <utility>

namespace hearth::ui {

namespace {

constexpr int kDraftMs = 300; ///< at most 500 ms of typing may be lost to kill -9

} // namespace

using core::ConversationId;
using core::MessageId;
using core::MessageState;
using core::StoredRole;

/// What one visit to the store thread is to add, and what it added.
struct ChatController::NewMessage {
    MessageId localId = 0;
    StoredRole role = StoredRole::User;
    MessageState state = MessageState::Complete;
    std::string text;
    qsizetype length = 0; ///< of the text in QString's units, for the reply's writer
    std::string model;
    std::string errorText;
    std::optional<core::ReplyStats> stats;
};

struct ChatController::Commit {
    struct Saved {
        MessageId localId = 0;
        qsizetype length = 0;
        core::MessageRow row;
    };
    ConversationId conversation = 0;
    std::vector<Saved> saved; ///< in order; all of it, or up to the error
    std::optional<core::Error> error;
};

ChatController::ChatController(EngineClient& engine, StoreClient& store, SettingsModel& settings, QObject* parent)
    : QObject(parent)
    , m_engine(engine)
    , m_store(store)
    , m_settings(settings) {
    connectEngine();
    m_retry.setSingleShot(true);
    m_retry.setInterval(ReplyWriter::kRetryMs);
    connect(&m_retry, &QTimer::timeout, this, &ChatController::retryUnsaved);
    m_draftTimer.setSingleShot(true);
    m_draftTimer.setInterval(kDraftMs);
    connect(&m_draftTimer, &QTimer::timeout, this, &ChatController::flushDraft);
}

ChatController::~ChatController() = default;

void ChatController::connectEngine() {
    connect(&m_engine, &EngineClient::loadStarted, this,
            [this](RequestId, const QString& path) { m_modelName = QFileInfo(path).completeBaseName(); });
    connect(&m_engine, &EngineClient::modelLoaded, this, [this](RequestId, const core::ModelInfo& info) {
        m_model = info;
        m_modelName = QString::fromStdString(info.name);
    });
    connect(&m_engine, &EngineClient::backendChanged, this,
            [this](RequestId, const core::ModelInfo& info) { m_model = info; });
    connect(&m_engine, &EngineClient::promptProgressed, this,
            [this](RequestId id, const core::PromptProgress& progress) {
                Reply* reply = replyOf(id);
                if (!reply || progress.done >= progress.total) return;
                changeItem(reply->conversation, reply->message, [&](MessageItem& item) {
                    item.progress = tr("Reading the prompt, %L1 of %L2 tokens").arg(progress.done).arg(progress.total);
                });
                emit statusChanged();
            });
    connect(&m_engine, &EngineClient::textGenerated, this, [this](RequestId id, const QString& text) {
        Reply* reply = replyOf(id);
        if (!reply) return;
        reply->text += text;
        measureThought(*reply);
        reply->writer->setText(reply->text);
        changeItem(reply->conversation, reply->message, [&](MessageItem& item) { item.text = reply->text; });
        emit statusChanged();
    });
    connect(&m_engine, &EngineClient::statsUpdated, this, [this](RequestId id, const core::GenerationStats& stats) {
        if (const Reply* reply = replyOf(id); reply && reply->conversation == m_current) emit statsChanged(stats, true);
    });
    connect(&m_engine, &EngineClient::generationFinished, this, &ChatController::onFinished);
    connect(&m_engine, &EngineClient::generationFailed, this, &ChatController::onFailed);
}

// --- items, shown or parked -----------------------------------------------------------------------------------------

const std::vector<MessageItem>* ChatController::items(ConversationId conversation) const {
    if (conversation == m_current) return &m_messages.items();
    const auto parked = m_parked.find(conversation);
    return parked == m_parked.end() ? nullptr : &parked->second;
}

void ChatController::changeItem(ConversationId conversation, MessageId id,
                                const std::function<void(MessageItem&)>& change) {
    if (conversation == m_current) {
        m_messages.change(m_messages.rowOf(id), change);
    } else if (const auto parked = m_parked.find(conversation); parked != m_parked.end()) {
        const auto item = std::ranges::find(parked->second, id, &MessageItem::id);
        if (item != parked->second.end()) change(*item);
    }
}

void ChatController::leaveCurrent() {
    flushDraft();
    m_opening = 0;
    if (m_current == 0) return;
    const ConversationId left = m_current;
    m_current = 0;
    m_parked[left] = m_messages.takeItems();
    dropParkedIfSettled(left);
}

void ChatController::dropParkedIfSettled(ConversationId id) {
    const auto parked = m_parked.find(id);
    if (parked == m_parked.end() || m_committing.contains(id)) return;
    const bool replying = std::ranges::any_of(m_replies, [id](const auto& reply) { return reply->conversation == id; });
    const bool unsaved = std::ranges::any_of(parked->second, [](const MessageItem& item) { return !item.isStored(); });
    if (!replying && !unsaved) m_parked.erase(parked);
}

void ChatController::show(ConversationId id, std::vector<MessageItem> items) {
    m_current = id;
    m_opening = 0;
    core::GenerationStats stats;
    for (const MessageItem& item : items) {
        if (!item.stats) continue;
        stats.contextUsed = item.stats->contextUsed;
        stats.contextLength = item.stats->contextLength;
        stats.generatedTokens = item.stats->generatedTokens;
        stats.generationSeconds = item.stats->generationSeconds;
        stats.promptTokens = item.stats->promptTokens;
        stats.cachedTokens = item.stats->cachedTokens;
        stats.promptSeconds = item.stats->promptSeconds;
        stats.firstTokenSeconds = item.stats->firstTokenSeconds;
    }
    m_messages.setItems(std::move(items));
    switchDraft(id);
    emit currentChanged();
    emit replyingChanged();
    emit statusChanged();
    emit statsChanged(stats, false);
}

// --- conversations --------------------------------------------------------------------------------------------------

void ChatController::refreshConversations() {
    struct List {
        std::vector<core::ConversationRow> rows;
        std::vector<core::FolderRow> folders;
    };
    m_store.chats(
        this,
        [](core::ChatStore& chats) -> core::Result<List> {
            auto rows = chats.conversations({}, core::ConversationView::All);
            if (!rows) return std::unexpected(rows.error());
            auto folders = chats.folders();
            if (!folders) return std::unexpected(folders.error());
            return List{std::move(*rows), std::move(*folders)};
        },
        [this](const core::Result<List>& list) {
            if (!list) return noteSaving(&list.error());
            auto all = list->rows;
            for (const auto& [id, title] : m_localTitles) {
                core::ConversationRow row;
                row.id = id;
                row.title = title.toStdString();
                row.updatedMs = QDateTime::currentMSecsSinceEpoch();
                all.insert(all.begin(), row);
            }
            m_conversations.setRows(std::move(all), list->folders);
            emit currentChanged();
        });
}

void ChatController::newChat() {
    leaveCurrent();
    show(0, {});
}

void ChatController::open(ConversationId id) {
    if (id == m_current || id == 0) return;
    if (const auto parked = m_parked.find(id); parked != m_parked.end()) {
        auto held = std::move(parked->second);
        m_parked.erase(parked);
        leaveCurrent();
        return show(id, std::move(held));
    }
    m_opening = id;
    m_store.chats(
        this, [id](core::ChatStore& chats) { return chats.activePath(id); },
        [this, id](const core::Result<std::vector<core::MessageRow>>& path) {
            if (m_opening != id) return; // the user has gone on to another one
            if (!path) return noteSaving(&path.error());
            std::vector<MessageItem> items;
            std::ranges::transform(*path, std::back_inserter(items), fromRow);
            if (id != m_current) leaveCurrent();
            show(id, std::move(items));
        });
}

void ChatController::openMessage(ConversationId id, MessageId message) {
    const bool held = id == m_current || m_parked.contains(id);
    if (held && std::ranges::find(*items(id), message, &MessageItem::id) != items(id)->end()) {
        open(id);
        emit messageShown(message);
        return;
    }
    if (held && !std::ranges::all_of(*items(id), &MessageItem::isStored)) return open(id); // unsaved ones exist nowhere else
    cancelReplies(id);
    m_opening = id;
    m_store.chats(
        this,
        [id, message](core::ChatStore& chats) -> core::Result<std::vector<core::MessageRow>> {
            auto path = chats.activePath(id);
            if (!path || std::ranges::find(*path, message, &core::MessageRow::id) != path->end()) return path;
            if (const auto activated = chats.activate(message); !activated) return std::unexpected(activated.error());
            return chats.activePath(id);
        },
        [this, id, message](const core::Result<std::vector<core::MessageRow>>& path) {
            if (m_opening != id) return; // the user has gone on to another one
            if (!path) return noteSaving(&path.error());
            std::vector<MessageItem> items;
            std::ranges::transform(*path, std::back_inserter(items), fromRow);
            if (id != m_current) leaveCurrent();
            m_parked.erase(id);
            show(id, std::move(items));
            emit messageShown(message);
        });
}

void ChatController::rename(ConversationId id, const QString& title) {
    const QString clean = title.simplified();
    if (clean.isEmpty()) return refreshConversations(); // back to the old one
    if (id < 0) {
        m_localTitles[id] = clean;
        return refreshConversations();
    }
    m_store.chats(
        this, [id, clean](core::ChatStore& chats) { return chats.renameConversation(id, clean.toStdString(), true); },
        [this](const core::Result<void>& result) {
            noteSaving(result ? nullptr : &result.error());
            refreshConversations();
        });
}

void ChatController::remove(ConversationId id) {
    cancelReplies(id);
    if (id < 0) { // the store never knew it
        if (id == m_current) newChat();
        m_parked.erase(id);
        m_localTitles.erase(id);
        return refreshConversations();
    }
    const QString title = m_conversations.title(id);
    m_store.chats(
        this, [id](core::ChatStore& chats) { return chats.deleteConversation(id); },
        [this, id, title](const core::Result<void>& result) {
            if (!result) return noteSaving(&result.error());
            if (id == m_current) newChat();
            refreshConversations();
            emit conversationDeleted(id, title);
        });
}

void ChatController::leave(const std::vector<ConversationId>& ids) {
    for (const ConversationId id : ids)
        cancelReplies(id);
    if (std::ranges::find(ids, m_current) != ids.end()) newChat();
}

void ChatController::restore(ConversationId id) {
    m_store.chats(
        this, [id](core::ChatStore& chats) { return chats.restoreConversation(id); },
        [this, id](const core::Result<void>& result) {
            if (!result) return noteSaving(&result.error());
            refreshConversations();
            open(id);
        });
}

// --- saving ---------------------------------------------------------------------------------------------------------

void ChatController::commit(ConversationId conversation) {
    const auto* held = items(conversation);
    if (!held || m_closing) return;
    if (m_committing.contains(conversation)) {
        m_commitAgain.insert(conversation);
        return;
    }
    std::vector<NewMessage> fresh;
    std::optional<MessageId> parent;
    for (const MessageItem& item : *held) {
        if (item.isStored()) {
            parent = item.id; // unsaved ones are always the tail
            continue;
        }
        fresh.push_back({item.id, item.role, item.state, item.text.toStdString(), item.text.size(),
                         item.model.toStdString(), item.errorText.toStdString(), item.stats});
    }
    if (fresh.empty()) return;
    const std::string title = conversation < 0 ? m_localTitles[conversation].toStdString() : std::string();
    m_committing.insert(conversation);

    m_store.chats(
        this,
        [conversation, title, parent, fresh](core::ChatStore& chats) -> core::Result<Commit> {
            Commit commit{conversation, {}, {}};
            if (conversation < 0) {
                const auto created = chats.createConversation(title);
                if (!created) return std::unexpected(created.error());
                commit.conversation = created->id;
            }
            auto last = parent;
            for (const NewMessage& message : fresh) {
                auto row = chats.addMessage(commit.conversation, last, message.role, message.text, message.state,
                                            message.model);
                if (!row) {
                    commit.error = row.error();
                    break;
                }
                if (message.stats || !message.errorText.empty()) { // a reply that ended while it could not be saved
                    const auto done = chats.finishReply(row->id, message.state, message.stats, message.errorText);
                    if (!done) spdlog::warn("history: the figures of a reply were not saved: {}", done.error().message);
                }
                last = row->id;
                commit.saved.push_back({message.localId, message.length, std::move(*row)});
            }
            return commit;
        },
        [this, conversation](const core::Result<Commit>& result) {
            committed(conversation, result ? *result : Commit{conversation, {}, result.error()});
        });
}

void ChatController::committed(ConversationId conversation, const Commit& commit) {
    m_committing.erase(conversation);
    const ConversationId id = commit.conversation;
    if (id != conversation) { // it has its name in the store now
        m_localTitles.erase(conversation);
        if (m_current == conversation) m_current = id;
        if (m_draftConversation == conversation) {
            m_draftConversation = id;
            if (m_draftUnsaved) m_draftTimer.start();
        }
        if (const auto parked = m_parked.find(conversation); parked != m_parked.end()) {
            m_parked[id] = std::move(parked->second);
            m_parked.erase(parked);
        }
        for (const auto& reply : m_replies) {
            if (reply->conversation == conversation) reply->conversation = id;
        }
        if (m_commitAgain.erase(conversation) > 0) m_commitAgain.insert(id);
    }
    for (const Commit::Saved& saved : commit.saved) {
        changeItem(id, saved.localId, [&saved](MessageItem& item) {
            item.id = saved.row.id;
            item.siblingIndex = saved.row.siblingIndex;
            item.siblingCount = saved.row.siblingCount;
        });
        for (const auto& reply : m_replies) {
            if (reply->message != saved.localId) continue;
            reply->message = saved.row.id;
            reply->writer->setMessage(saved.row.id, saved.length, ReplyWriter::Mode::Append);
        }
    }
    noteSaving(commit.error ? &*commit.error : nullptr);
    if (commit.error) m_retry.start();
    refreshConversations();
    startWaitingReplies(id);
    if (m_commitAgain.erase(id) > 0) this->commit(id);
    forgetEndedReplies();
    dropParkedIfSettled(id);
}

void ChatController::noteSaving(const core::Error* error) {
    const bool fails = error != nullptr;
    if (fails) spdlog::error("history: {}", error->message);
    if (fails == m_savingFails) return;
    m_savingFails = fails;
    if (fails) {
        emit savingFailed(*error);
    } else {
        emit savingRecovered();
    }
}

void ChatController::retryUnsaved() {
    commit(m_current);
    std::vector<ConversationId> parked;
    for (const auto& [id, held] : m_parked)
        parked.push_back(id);
    for (const ConversationId id : parked)
        commit(id);
}

// --- the user's commands --------------------------------------------------------------------------------------------

MessageItem ChatController::newItem(StoredRole role, const QString& text) {
    MessageItem item;
    item.id = --m_lastLocalId;
    item.role = role;
    item.text = text;
    if (role == StoredRole::Assistant) {
        item.state = MessageState::Generating;
        item.model = m_modelName;
    }
    return item;
}

} // namespace hearth::ui
