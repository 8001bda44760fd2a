// SPDX-License-Identifier: Apache-2.0
//
// ConversationKeeper against a real database: each command on many, each undo, search results that follow.
#include "core/engine/scripted_generator.h"
#include "ui/models/conversation_keeper.h"

#include <QSignalSpy>
#include <QTest>

using namespace hearth;
using namespace hearth::ui;

namespace {

struct House {
    House()
        : store({})
        , engine([] { return std::make_unique<core::ScriptedGenerator>(core::Script{}); })
        , settings(store)
        , chat(engine, store, settings)
        , keeper(store, chat) {
        QObject::connect(&keeper, &ConversationKeeper::done, &keeper, [this](const QString& what, const std::function<void()>& back) {
            said = what;
            undo = back;
        });
    }
    ~House() {
        chat.beginShutdown();
        engine.shutdown();
        chat.finishShutdown();
        store.shutdown();
    }

    /// Conversations of one message each; their ids.
    ConversationIds add(const QStringList& texts) {
        std::optional<ConversationIds> ids;
        store.chats(
            &keeper,
            [texts](core::ChatStore& chats) -> core::Result<ConversationIds> {
                ConversationIds made;
                for (const QString& text : texts) {
                    const auto row = chats.createConversation(text.section(' ', 0, 0).toStdString());
                    if (!row) return std::unexpected(row.error());
                    if (auto message = chats.addMessage(row->id, {}, core::StoredRole::User, text.toStdString(), core::MessageState::Complete); !message)
                        return std::unexpected(message.error());
                    made.push_back(row->id);
                }
                return made;
            },
            [&](const core::Result<ConversationIds>& made) { ids = made.value_or(ConversationIds{}); });
        (void)QTest::qWaitFor([&] { return ids.has_value(); });
        chat.refreshConversations();
        (void)QTest::qWaitFor([&] { return titles().size() >= texts.size(); });
        return ids.value_or(ConversationIds{});
    }
    [[nodiscard]] QStringList titles() {
        QStringList all;
        for (int i = 0; i < chat.conversations().rowCount(); ++i)
            all << chat.conversations().index(i).data(TitleRole).toString();
        return all;
    }

    StoreClient store;
    EngineClient engine;
    SettingsModel settings;
    ChatController chat;
    ConversationKeeper keeper;
    QString said;
    std::function<void()> undo;
};

} // namespace

class ConversationKeeperTest : public QObject {
    Q_OBJECT
private slots:
    void remove_manyAndUndo() {
        House house;
        const auto ids = house.add({"a one", "b two", "c three"});
        house.chat.open(ids[1]);
        QTRY_COMPARE(house.chat.current(), ids[1]);
        house.keeper.remove({ids[0], ids[1]});
        QTRY_COMPARE(house.titles(), QStringList{"c"});
        QCOMPARE(house.chat.current(), 0); // the open one was among them
        QCOMPARE(house.said, "2 chats deleted");
        house.keeper.setView(core::ConversationView::Bin);
        QCOMPARE(house.titles().size(), 2);
        house.undo();
        QTRY_VERIFY(house.titles().isEmpty());
        house.keeper.setView(core::ConversationView::List);
        QCOMPARE(house.titles(), (QStringList{"c", "b", "a"}));
    }

    void pinArchiveMove_andEachUndo() {
        House house;
        const auto ids = house.add({"a one", "b two", "c three"});
        house.keeper.setPinned({ids[0]}, true);
        QTRY_COMPARE(house.titles(), (QStringList{"a", "c", "b"}));
        QCOMPARE(house.said, "“a” pinned");
        house.undo();
        QTRY_COMPARE(house.titles(), (QStringList{"c", "b", "a"}));
        house.keeper.setArchived({ids[0], ids[2]}, true);
        QTRY_COMPARE(house.titles(), QStringList{"b"});
        house.undo();
        QTRY_COMPARE(house.titles(), (QStringList{"c", "b", "a"}));
        house.keeper.moveToNewFolder({ids[1], ids[2]}, "  Work ");
        QTRY_COMPARE(house.titles(), (QStringList{"a", "Work", "c", "b"}));
        const auto folder = house.chat.conversations().folders().front().id;
        house.keeper.setFolderCollapsed(folder, true);
        QTRY_COMPARE(house.titles(), (QStringList{"a", "Work"}));
        house.keeper.removeFolder(folder);
        QTRY_COMPARE(house.titles(), (QStringList{"c", "b", "a"}));
        house.undo();
        QTRY_COMPARE(house.titles(), (QStringList{"a", "Work"}));
    }

    void purge_isForGoodAndOnlyFromTheBin() {
        House house;
        const auto ids = house.add({"a one", "b two"});
        house.keeper.purge(ids); // nothing of it is in the bin
        QTRY_VERIFY(!house.said.isEmpty());
        QCOMPARE(house.titles().size(), 2);
        QVERIFY(!house.undo);
        house.keeper.remove(ids);
        QTRY_VERIFY(house.titles().isEmpty());
        house.keeper.setView(core::ConversationView::Bin);
        QCOMPARE(house.titles().size(), 2);
        house.keeper.purge({ids[0]});
        QTRY_COMPARE(house.titles(), QStringList{"b"});
        house.keeper.emptyBin();
        QTRY_VERIFY(house.titles().isEmpty());
    }

    void search_findsAndFollowsChanges() {
        House house;
        const auto ids = house.add({"a needle here", "b hay", "needle-title and more"});
        house.keeper.search("nee");
        house.keeper.search("needl"); // while the first still runs
        QTRY_COMPARE(house.titles(), (QStringList{"needle-title", "needle-title", "a"}));
        house.keeper.remove({ids[0], ids[1]});
        QTRY_COMPARE(house.titles(), (QStringList{"needle-title", "needle-title"}));
        house.keeper.search("");
        QTRY_COMPARE(house.titles(), QStringList{"needle-title"});
    }

    void rebuildIndex_tells() {
        House house;
        house.add({"a needle"});
        QSignalSpy rebuilt(&house.keeper, &ConversationKeeper::indexRebuilt);
        house.keeper.rebuildIndex();
        QTRY_COMPARE(rebuilt.size(), 1);
    }
};

QTEST_GUILESS_MAIN(ConversationKeeperTest)
#include "conversation_keeper_test.moc"
