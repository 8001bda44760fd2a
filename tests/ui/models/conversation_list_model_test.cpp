// SPDX-License-Identifier: Apache-2.0
//
// ConversationListModel: what stands where in list, archive, bin and search; what 5,000 conversations keep on a refresh.
#include "ui/models/conversation_list_model.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>

using namespace hearth;
using namespace hearth::ui;

namespace {

core::ConversationRow row(core::ConversationId id, const char* title, int daysAgo = 0) {
    core::ConversationRow made;
    made.id = id;
    made.title = title;
    made.updatedMs = QDateTime::currentDateTime().addDays(-daysAgo).toMSecsSinceEpoch();
    return made;
}

/// "caption/title" of every row; a folder as "[name]" or "[name…]" when it is folded.
QStringList shown(const ConversationListModel& model) {
    QStringList all;
    for (int i = 0; i < model.rowCount(); ++i) {
        const QModelIndex index = model.index(i);
        const QString title = index.data(TitleRole).toString();
        if (index.data(RowKindRole).toInt() == int(RowKind::Folder)) {
            all << '[' + title + (index.data(CollapsedRole).toBool() ? "…]" : "]");
        } else {
            all << index.data(SectionRole).toString() + '/' + title;
        }
    }
    return all;
}

} // namespace

class ConversationListModelTest : public QObject {
    Q_OBJECT
private slots:
    void init() {
        m_rows = {row(1, "new"), row(2, "filed"), row(3, "pinned", 3), row(4, "archived", 4), row(5, "old", 400), row(6, "deleted", 1)};
        m_rows[1].folder = 7;
        m_rows[2].pinned = true;
        m_rows[2].folder = 7; // a pin wins
        m_rows[3].archived = true;
        m_rows[5].deletedMs = QDateTime::currentMSecsSinceEpoch();
    }

    void list_pinsThenDaysThenFolders() {
        ConversationListModel model;
        const QAbstractItemModelTester tester(&model);
        model.setRows(m_rows, {{7, "Work", false}, {8, "Empty", false}});
        const QString month = ConversationListModel::section(QDateTime::currentDateTime().addDays(-400), QDateTime::currentDateTime());
        QCOMPARE(shown(model), (QStringList{"PINNED/pinned", "TODAY/new", month + "/old", "[Work]", "/filed", "[Empty]"}));
        QCOMPARE(model.index(3).data(CountRole).toInt(), 1);
        model.setRows(m_rows, {{7, "Work", true}});
        QCOMPARE(shown(model), (QStringList{"PINNED/pinned", "TODAY/new", month + "/old", "[Work…]"}));
        QCOMPARE(model.index(3).data(CountRole).toInt(), 1);
        // A folder that is not known loses nothing.
        model.setRows(m_rows, {});
        QVERIFY(shown(model).contains("TODAY/filed"));
    }

    void views_showTheirOwn() {
        ConversationListModel model;
        const QAbstractItemModelTester tester(&model);
        model.setRows(m_rows, {{7, "Work", false}});
        model.setView(core::ConversationView::Archive);
        QCOMPARE(shown(model), QStringList{"LAST 7 DAYS/archived"});
        model.setView(core::ConversationView::Bin);
        QCOMPARE(shown(model), QStringList{"TODAY/deleted"}); // by the day of its deletion
        QCOMPARE(model.title(1), "new");                       // the window's title is known in any view
        model.setView(core::ConversationView::List);
        QCOMPARE(model.rowCount(), 5);
    }

    void results_standInsteadOfTheList() {
        ConversationListModel model;
        const QAbstractItemModelTester tester(&model);
        model.setRows(m_rows, {});
        core::SearchHit hit;
        hit.conversation = 5;
        hit.message = 50;
        hit.title = "old";
        hit.snippet = "a wide Straße";
        hit.matches = {{7, 14}};
        model.setResults({m_rows[0]}, {hit});
        QCOMPARE(shown(model), (QStringList{"TITLES/new", "MESSAGES/old"}));
        const QModelIndex found = model.index(1);
        QCOMPARE(found.data(HitMessageRole).toLongLong(), 50);
        QCOMPARE(found.data(SnippetMatchesRole).value<QList<QPoint>>(), (QList<QPoint>{{7, 13}})); // characters, not bytes
        model.setRows({m_rows[0]}, {}); // a refresh behind the results
        QCOMPARE(model.rowCount(), 2);
        model.clearResults();
        QCOMPARE(shown(model), QStringList{"TODAY/new"});
    }

    void snippet_showsItsMatchEarly() {
        core::SearchHit hit;
        hit.snippet = "one two three four five six seven eight nine ten needle and more";
        const std::size_t at = hit.snippet.find("needle");
        hit.matches = {{at, at + 6}};
        const ShownSnippet shown = shownSnippet(hit);
        QVERIFY(shown.text.startsWith("…"));
        QVERIFY(shown.matches.front().x() < 32);
        QCOMPARE(shown.text.mid(shown.matches.front().x(), 6), "needle");
    }

    void refresh_keepsRowsThatStayThemselves() {
        ConversationListModel model;
        std::vector<core::ConversationRow> rows;
        for (int i = 0; i < 5000; ++i) rows.push_back(row(5000 - i, "chat", i / 100));
        model.setRows(rows, {});
        QCOMPARE(model.rowCount(), 5000);
        QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
        QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
        rows[17].title = "renamed";
        model.setRows(rows, {});
        QCOMPARE(reset.size(), 0);
        QCOMPARE(changed.size(), 1);
        QCOMPARE(model.index(17).data(TitleRole).toString(), "renamed");
        std::swap(rows[0], rows[1]);
        model.setRows(rows, {});
        QCOMPARE(reset.size(), 1);
    }

    void reset_showsTheOldRowsUntilItHappens() {
        ConversationListModel model;
        model.setRows(m_rows, {{7, "Work", false}});
        QStringList before;
        connect(&model, &QAbstractItemModel::modelAboutToBeReset, &model, [&] { before = shown(model); });
        const QStringList old = shown(model);
        model.setRows({m_rows[4]}, {});
        QCOMPARE(before, old);
    }

private:
    std::vector<core::ConversationRow> m_rows;
};

QTEST_GUILESS_MAIN(ConversationListModelTest)
#include "conversation_list_model_test.moc"
