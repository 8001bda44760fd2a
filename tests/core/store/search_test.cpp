// SPDX-License-Identifier: Apache-2.0
//
// SearchIndex: what is found in which script, that it stays true whatever is done to messages, and that it mends itself.
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "core/store/search_index.h"
#include "core/store/search_tokenizer.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <QTemporaryDir>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

using namespace hearth::core;

namespace {

QStringList tokensOf(const QString& text, TokenUse use) {
    QStringList tokens;
    const std::string bytes = text.toStdString();
    tokenizeForSearch(bytes, use, [&](std::string_view token, std::size_t begin, std::size_t end) {
        Q_ASSERT(begin < end && end <= bytes.size());
        tokens << QString::fromUtf8(token.data(), qsizetype(token.size()));
        return true;
    });
    return tokens;
}

} // namespace

class SearchTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        auto opened = Database::openInMemory();
        HEARTH_SUCCEEDS(opened);
        use(std::move(*opened));
    }

    void tokens_areFoldedWordsAndPairs_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("inText");
        QTest::addColumn<QString>("inQuery");
        QTest::newRow("words") << "Hello, lower_bound(x2)!" << "hello lower bound x2" << "hello lower bound x2";
        QTest::newRow("case and accents") << "Weiße Wände, RÉSUMÉ" << "weisse wande resume" << "weisse wande resume";
        QTest::newRow("decomposed") << QString::fromUtf8("re\xCC\x81sume\xCC\x81") << "resume" << "resume";
        QTest::newRow("Greek, Cyrillic") << "Σίσυφος ЁЖИК" << "σισυφοσ ежик" << "σισυφοσ ежик";
        QTest::newRow("Han") << "日本語" << "日本 本語 語" << "日本 本語";
        QTest::newRow("one character") << "猫" << "猫" << "猫";
        QTest::newRow("mixed") << "Python日本語OK" << "python 日本 本語 語 ok" << "python 日本 本語 語 ok";
        QTest::newRow("two runs") << "日本。東京" << "日本 本 東京 京" << "日本 本 東京";
        QTest::newRow("full width") << "ＡＢＣ１２" << "abc12" << "abc12";
        QTest::newRow("half-width kana") << "ｶﾅ" << "カナ ナ" << "カナ";
        QTest::newRow("Thai") << "ไทย" << "ไท ทย ย" << "ไท ทย";
        QTest::newRow("Korean has spaces") << QString("한국어 모델").normalized(QString::NormalizationForm_C)
                                           << QString("한국어 모델").normalized(QString::NormalizationForm_D)
                                           << QString("한국어 모델").normalized(QString::NormalizationForm_D);
        QTest::newRow("none") << "+++ … 🙂" << "" << "";
    }
    void tokens_areFoldedWordsAndPairs() {
        QFETCH(QString, text);
        QFETCH(QString, inText);
        QFETCH(QString, inQuery);
        QCOMPARE(tokensOf(text, TokenUse::Text).join(' '), inText);
        QCOMPARE(tokensOf(text, TokenUse::Query).join(' '), inQuery);
    }

    void tokens_longAndBrokenTextIsHarmless() {
        QCOMPARE(tokensOf(QString(100'000, 'x'), TokenUse::Text), QStringList{QString(kSearchTokenBytes, 'x')});
        int count = 0;
        tokenizeForSearch("ab\xFF\xC0" "cd\xE6\x97", TokenUse::Text, [&](std::string_view, std::size_t, std::size_t) {
            ++count;
            return true;
        });
        QCOMPARE(count, 2);
    }

    void search_findsWordsBeginningsAndPhrases_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("query");
        QTest::addColumn<bool>("found");
        const QString english = "The kernels are tuned; 42 layers fit into memory.";
        QTest::newRow("word") << english << "kernels" << true;
        QTest::newRow("beginning") << english << "kern" << true;
        QTest::newRow("one letter") << english << "t" << true;
        QTest::newRow("not the middle") << english << "ernels" << false;
        QTest::newRow("all words, any order") << english << "memory kernel" << true;
        QTest::newRow("one missing") << english << "memory graphics" << false;
        QTest::newRow("number") << english << "42" << true;
        QTest::newRow("phrase") << english << "\"kernels are tuned\"" << true;
        QTest::newRow("phrase, other order") << english << "\"tuned kernels\"" << false;
        QTest::newRow("phrase ends with the word") << english << "\"are tun\"" << false;
        QTest::newRow("open quotation") << english << "\"kernels are tu" << true;
        QTest::newRow("case and accents") << "Der Straße Ölgemälde" << "STRASSE olgem" << true;
        QTest::newRow("Japanese, part") << "東京で日本語の自己紹介を直して" << "自己紹介" << true;
        QTest::newRow("Japanese, one character") << "東京で日本語の自己紹介を直して" << "語" << true;
        QTest::newRow("Japanese, last character") << "東京で日本語の自己紹介を直して" << "て" << true;
        QTest::newRow("Japanese, absent") << "東京で日本語の自己紹介を直して" << "京東" << false;
        QTest::newRow("Japanese, quoted") << "東京で日本語の自己紹介を直して" << "\"日本\"" << true;
        QTest::newRow("Chinese, three") << "机器学习是人工智能的分支" << "人工智能" << true;
        QTest::newRow("Chinese, not next to each other") << "机器学习是人工智能的分支" << "机习" << false;
        QTest::newRow("mixed") << "用Python写" << "用Python写" << true;
        QTest::newRow("Korean, beginning") << "한국어 모델을 실행" << "모델" << true;
        QTest::newRow("FTS5's language is text") << english << "kernels OR graphics" << false;
        QTest::newRow("column filter is text") << "text: kernels" << "text:kernels" << true;
        QTest::newRow("signs") << "C++ (and \"quotes\") * NEAR" << "c++ *" << true;
        QTest::newRow("only signs") << english << "+++ * \"" << false;
        QTest::newRow("empty") << english << "" << false;
    }
    void search_findsWordsBeginningsAndPhrases() {
        QFETCH(QString, text);
        QFETCH(QString, query);
        QFETCH(bool, found);
        add(text.toStdString());
        const auto hits = m_index->search(query.toStdString());
        HEARTH_SUCCEEDS(hits);
        QCOMPARE(!hits->empty(), found);
    }

    void hit_saysWhereAndShowsTheMatch() {
        const auto conversation = m_store->createConversation("Tuning");
        HEARTH_SUCCEEDS(conversation);
        std::string text;
        for (int i = 0; i < 100; ++i) text += "filler ";
        text += "\n\nThe **Straße** is\twide. ";
        for (int i = 0; i < 100; ++i) text += "filler ";
        const auto message = m_store->addMessage(conversation->id, {}, StoredRole::User, text, MessageState::Complete);
        HEARTH_SUCCEEDS(message);
        const auto hits = m_index->search("strasse wide");
        HEARTH_SUCCEEDS(hits);
        QCOMPARE(hits->size(), 1u);
        const SearchHit& hit = hits->front();
        QCOMPARE(hit.conversation, conversation->id);
        QCOMPARE(hit.message, message->id);
        QCOMPARE(hit.title, std::string("Tuning"));
        QCOMPARE(hit.role, StoredRole::User);
        QVERIFY(hit.snippet.starts_with("…") && hit.snippet.ends_with("…"));
        QVERIFY(hit.snippet.find('\n') == std::string::npos && hit.snippet.find('\t') == std::string::npos);
        QCOMPARE(hit.matches.size(), 2u);
        QCOMPARE(hit.snippet.substr(hit.matches[0].begin, hit.matches[0].end - hit.matches[0].begin), std::string("Straße"));
        QCOMPARE(hit.snippet.substr(hit.matches[1].begin, hit.matches[1].end - hit.matches[1].begin), std::string("wide"));
    }

    void hit_marksPairsAsOneStretch() {
        add("これは日本語の文です");
        const auto hits = m_index->search("日本語");
        HEARTH_SUCCEEDS(hits);
        const SearchHit& hit = hits->at(0);
        QCOMPARE(hit.matches.size(), 1u);
        QCOMPARE(hit.snippet.substr(hit.matches[0].begin, hit.matches[0].end - hit.matches[0].begin), std::string("日本語"));
    }

    void hit_controlCharactersOfTheMessageAreNoMarks() {
        add("a\x01 b\x02 needle \x02\x01 c");
        const auto hits = m_index->search("needle");
        HEARTH_SUCCEEDS(hits);
        const SearchHit& hit = hits->at(0);
        for (const SnippetMatch& match : hit.matches) QVERIFY(match.begin < match.end && match.end <= hit.snippet.size());
    }

    void search_newestFirstUpToTheLimit() {
        std::vector<MessageId> ids;
        for (int i = 0; i < 10; ++i) ids.push_back(add("same words"));
        const auto hits = m_index->search("same", 3);
        HEARTH_SUCCEEDS(hits);
        QCOMPARE(hits->size(), 3u);
        for (std::size_t i = 0; i < 3; ++i) QCOMPARE(hits->at(i).message, ids[9 - i]);
    }

    void search_leavesOutTheBinAndKeepsTheArchive() {
        const MessageId id = add("needle");
        const ConversationId conversation = m_index->search("needle")->at(0).conversation;
        HEARTH_SUCCEEDS(m_store->change(std::vector{conversation}, {.archived = true}));
        QCOMPARE(m_index->search("needle")->size(), 1u);
        QVERIFY(m_index->search("needle")->at(0).archived);
        HEARTH_SUCCEEDS(m_store->deleteConversation(conversation));
        QVERIFY(m_index->search("needle")->empty());
        HEARTH_SUCCEEDS(m_store->restoreConversation(conversation));
        QCOMPARE(m_index->search("needle")->at(0).message, id);
    }

    void reply_isFoundWhenItEnds() {
        const auto conversation = m_store->createConversation("c");
        HEARTH_SUCCEEDS(conversation);
        const auto reply = m_store->addMessage(conversation->id, {}, StoredRole::Assistant, "first", MessageState::Generating);
        HEARTH_SUCCEEDS(reply);
        HEARTH_SUCCEEDS(m_store->appendText(reply->id, " needle"));
        QVERIFY(m_index->search("needle")->empty());
        HEARTH_SUCCEEDS(m_store->finishReply(reply->id, MessageState::Complete, {}, {}));
        QCOMPARE(m_index->search("first needle")->size(), 1u);
        HEARTH_SUCCEEDS(m_store->setText(reply->id, "thread"));
        QVERIFY(m_index->search("needle")->empty());
        QCOMPARE(m_index->search("thread")->size(), 1u);
        checkIntegrity();
    }

    /// Whatever happens to messages: the index finds what a walk over all of them finds.
    void index_agreesWithTheMessagesAfterRandomWork() {
        std::mt19937 random(11);
        const std::vector<std::string> words{"amber", "Birke", "cédille", "日本", "語学", "dune", "ember"};
        const auto pick = [&](auto& from) { return from[random() % from.size()]; };
        std::vector<ConversationId> conversations;
        std::vector<MessageId> messages;
        for (int i = 0; i < 1'000; ++i) {
            const std::string text = pick(words) + " " + pick(words) + pick(words);
            switch (conversations.empty() || messages.empty() ? 0 : random() % 8) {
            case 0: conversations.push_back(m_store->createConversation(pick(words))->id); [[fallthrough]];
            case 1:
            case 2: {
                const auto state = random() % 3 == 0 ? MessageState::Generating : MessageState::Complete;
                if (const auto row = m_store->addMessage(pick(conversations), {}, StoredRole::User, text, state)) messages.push_back(row->id);
                break;
            }
            case 3: (void)m_store->setText(pick(messages), text); break;
            case 4: (void)m_store->appendText(pick(messages), text); break;
            case 5: (void)m_store->finishReply(pick(messages), MessageState::Complete, {}, {}); break;
            case 6: (void)m_store->deleteConversation(pick(conversations)); break;
            default:
                if (random() % 20 == 0) (void)m_store->emptyBin();
            }
        }
        checkIntegrity();
        (void)m_store->markInterrupted();
        checkIntegrity();
        for (const std::string& word : words) {
            std::set<MessageId> expected;
            SQLite::Statement all(m_database->handle(), "SELECT m.id, m.text FROM message m JOIN conversation c ON c.id = m.conversation_id "
                                                        "WHERE c.deleted_ms IS NULL AND m.state <> 1");
            const QStringList wanted = tokensOf(QString::fromStdString(word), TokenUse::Query);
            while (all.executeStep()) {
                const QStringList held = tokensOf(QString::fromStdString(all.getColumn(1).getString()), TokenUse::Text);
                if (std::ranges::any_of(held, [&](const QString& token) { return token.startsWith(wanted.front()); })) {
                    expected.insert(all.getColumn(0).getInt64());
                }
            }
            QVERIFY(!expected.empty());
            std::set<MessageId> found;
            const auto hits = m_index->search(word, 10'000);
            HEARTH_SUCCEEDS(hits);
            for (const SearchHit& hit : *hits) found.insert(hit.message);
            QCOMPARE(found, expected);
        }
    }

    void rebuild_needsOnlyTheMessages() {
        add("needle in the hay");
        m_database->handle().exec("INSERT INTO message_search (message_search) VALUES ('delete-all')");
        QVERIFY(m_index->search("needle")->empty());
        HEARTH_SUCCEEDS(m_index->rebuild());
        QCOMPARE(m_index->search("needle")->size(), 1u);
        checkIntegrity();
    }

    void rebuildIfOutdated_onceForEachTokenizer() {
        QVERIFY(*m_index->rebuildIfOutdated());
        QVERIFY(!*m_index->rebuildIfOutdated());
        m_database->handle().exec("UPDATE search_state SET tokenizer = 'hearth 0, Unicode 1.0'");
        QVERIFY(*m_index->rebuildIfOutdated());
        QVERIFY(!*m_index->rebuildIfOutdated());
    }

    void damagedIndex_mendsItself_data() {
        QTest::addColumn<QString>("damage");
        QTest::newRow("all blocks gone") << "DELETE FROM message_search_data";
        QTest::newRow("blocks of noise") << "UPDATE message_search_data SET block = randomblob(40) WHERE id > 10";
        QTest::newRow("structure of noise") << "UPDATE message_search_data SET block = randomblob(40) WHERE id = 10";
        QTest::newRow("sizes gone") << "DELETE FROM message_search_docsize; UPDATE message_search_data SET block = x'00'";
    }
    void damagedIndex_mendsItself() {
        QFETCH(QString, damage);
        // In a file, opened anew: what SQLite holds in memory would hide the damage.
        const QTemporaryDir folder;
        const std::filesystem::path file = folder.filePath("chats.db").toStdString();
        auto opened = Database::open(file);
        HEARTH_SUCCEEDS(opened);
        use(std::move(*opened));
        for (int i = 0; i < 50; ++i) add("needle number " + std::to_string(i));
        m_database->handle().exec(damage.toStdString());
        opened = Database::open(file);
        HEARTH_SUCCEEDS(opened);
        use(std::move(*opened));
        // Reading and writing go on, and nothing of the messages is lost.
        const MessageId later = add("a later needle");
        QVERIFY(later > 0);
        const auto hits = m_index->search("needle", 1000);
        HEARTH_SUCCEEDS(hits);
        if (hits->size() != 51) HEARTH_SUCCEEDS(m_index->rebuild()); // damage that SQLite takes for an empty index
        QCOMPARE(m_index->search("needle", 1000)->size(), 51u);
        HEARTH_SUCCEEDS(m_store->setText(later, "thread"));
        QCOMPARE(m_index->search("needle", 1000)->size(), 50u);
        checkIntegrity();
    }

private:
    void use(std::unique_ptr<Database> database) {
        m_index.reset();
        m_store.reset();
        m_database = std::move(database);
        m_store = std::make_unique<ChatStore>(*m_database);
        m_index = std::make_unique<SearchIndex>(*m_database);
    }

    MessageId add(const std::string& text) {
        const auto conversation = m_store->createConversation("chat");
        if (!succeeded(conversation)) return 0;
        const auto row = m_store->addMessage(conversation->id, {}, StoredRole::User, text, MessageState::Complete);
        return succeeded(row) ? row->id : 0;
    }

    /// FTS5's own comparison of the index with the messages; it throws when they differ.
    void checkIntegrity() {
        m_database->handle().exec("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)");
    }

    std::unique_ptr<Database> m_database;
    std::unique_ptr<ChatStore> m_store;
    std::unique_ptr<SearchIndex> m_index;
};

QTEST_GUILESS_MAIN(SearchTest)
#include "search_test.moc"
