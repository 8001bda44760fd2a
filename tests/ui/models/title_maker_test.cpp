// SPDX-License-Identifier: Apache-2.0
//
// TitleMaker: what becomes of a model's words, when it works and when it gives way, and whose title it never touches.
#include "core/engine/scripted_generator.h"
#include "ui/models/chat_controller.h"
#include "ui/models/title_maker.h"

#include <QSignalSpy>
#include <QTest>

using namespace hearth;
using namespace hearth::ui;
using namespace std::chrono_literals;

namespace {

struct House {
    explicit House(std::vector<std::string> pieces = {"**\"A short", " title\"**\nand more"}, std::chrono::milliseconds perPiece = 0ms)
        : store({})
        , engine([pieces, perPiece] {
            core::Script script;
            script.pieces = pieces;
            script.perPiece = perPiece;
            script.model.name = "Scripted";
            return std::make_unique<core::ScriptedGenerator>(script);
        })
        , settings(store)
        , chat(engine, store, settings)
        , titles(engine, store, settings) {
        QObject::connect(&chat, &ChatController::firstReplyEnded, &titles, &TitleMaker::suggest);
        QObject::connect(&titles, &TitleMaker::titled, &chat, &ChatController::refreshConversations);
        engine.load({.path = "/models/scripted.gguf"});
        (void)QTest::qWaitFor([this] { return engine.model().has_value(); });
    }
    ~House() {
        chat.beginShutdown();
        engine.shutdown();
        chat.finishShutdown();
        store.shutdown();
    }
    [[nodiscard]] QString title() { return chat.conversations().title(chat.current()); }

    StoreClient store;
    EngineClient engine;
    SettingsModel settings;
    ChatController chat;
    TitleMaker titles;
};

} // namespace

class TitleMakerTest : public QObject {
    Q_OBJECT
private slots:
    void cleaned_data() {
        QTest::addColumn<QString>("words");
        QTest::addColumn<QString>("title");
        QTest::newRow("plain") << "Binary search in C++" << "Binary search in C++";
        QTest::newRow("quotes, stars, stop") << "**\"Trip to Dresden.\"**" << "Trip to Dresden";
        QTest::newRow("label") << "Title: Slow joins" << "Slow joins";
        QTest::newRow("label in other scripts") << "标题：二分查找" << "二分查找";
        QTest::newRow("first line only") << "\n\n  Sky colours \nHere is why:" << "Sky colours";
        QTest::newRow("after a thought") << "<think>\nhm\n</think>\n\nShips" << "Ships";
        QTest::newRow("unfinished thought") << "<think>it never ends" << "";
        QTest::newRow("nothing") << " \n \"\" " << "";
        QTest::newRow("too long") << "one two three four five six seven eight nine ten eleven twelve thirteen"
                                  << "one two three four five six seven eight nine ten eleven…";
    }
    void cleaned() {
        QFETCH(QString, words);
        QFETCH(QString, title);
        QCOMPARE(TitleMaker::cleaned(words), title);
    }

    void firstReply_getsATitle() {
        House house;
        house.chat.send("What is a binary search?");
        QTRY_COMPARE(house.title(), "What is a binary search?");
        QTRY_COMPARE_WITH_TIMEOUT(house.title(), "A short title", 10'000);
        QCOMPARE(house.chat.messages().rowCount(), 2); // no trace of it in the chat
    }

    void secondReply_getsNone() {
        House house;
        house.chat.send("one");
        QTRY_COMPARE_WITH_TIMEOUT(house.title(), "A short title", 10'000);
        QSignalSpy titled(&house.titles, &TitleMaker::titled);
        house.chat.send("two");
        QTRY_VERIFY(!house.chat.isReplying());
        QTest::qWait(2500);
        QCOMPARE(titled.size(), 0);
    }

    void titleOfTheUser_isKept() {
        House house;
        house.chat.send("one");
        QTRY_VERIFY(house.chat.current() > 0);
        house.chat.rename(house.chat.current(), "Mine");
        QSignalSpy titled(&house.titles, &TitleMaker::titled);
        QTRY_COMPARE_WITH_TIMEOUT(titled.size(), 1, 10'000);
        QTRY_COMPARE(house.title(), "Mine");
        QTest::qWait(100);
        QCOMPARE(house.title(), "Mine");
    }

    void switchedOff_asksNothing() {
        House house;
        house.settings.set("chat.titles", "words");
        QSignalSpy finished(&house.engine, &EngineClient::generationFinished);
        house.chat.send("one");
        QTRY_VERIFY(!house.chat.isReplying() && house.chat.messages().rowCount() == 2);
        QTest::qWait(2500);
        QCOMPARE(finished.size(), 1);
        QCOMPARE(house.title(), "one");
    }

    void nextQuestion_doesNotWait() {
        House house(std::vector<std::string>(60, "word "), 30ms); // 1.8 s for a reply, 1.4 s for a title
        QObject::connect(&house.chat, &ChatController::replyingChanged, &house.titles, [&] {
            if (house.chat.isReplying()) house.titles.giveWay();
        });
        QSignalSpy finished(&house.engine, &EngineClient::generationFinished);
        house.chat.send("one");
        QTRY_COMPARE_WITH_TIMEOUT(finished.size(), 1, 10'000);
        QTest::qWait(2000); // the title is being made now
        house.chat.send("two");
        QTRY_COMPARE(finished.size(), 2); // it was stopped
        QCOMPARE(finished.at(1).at(1).value<core::GenerationResult>().reason, core::FinishReason::Cancelled);
        QTRY_VERIFY_WITH_TIMEOUT(house.chat.messages().rowCount() == 4 && !house.chat.isReplying(), 10'000);
    }
};

QTEST_GUILESS_MAIN(TitleMakerTest)
#include "title_maker_test.moc"
