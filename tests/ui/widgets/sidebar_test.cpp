// SPDX-License-Identifier: Apache-2.0
//
// Sidebar: what mouse and keyboard ask for, sections over a flat model, renaming without writing the model.
#include "ui/models/conversation_list_model.h"
#include "ui/style/theme.h"
#include "ui/widgets/conversation_list.h"
#include "ui/widgets/conversation_row_delegate.h"
#include "ui/widgets/sidebar.h"

#include <QAbstractButton>
#include <QAction>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QTest>

#include <algorithm>

using namespace hearth::ui;

namespace {

struct Row {
    qint64 id;
    const char* title;
    const char* section;
};

void append(QStandardItemModel& model, const Row& row) {
    auto* item = new QStandardItem(QString::fromUtf8(row.title));
    item->setData(row.id, ConversationIdRole);
    item->setData(QString::fromUtf8(row.title), TitleRole);
    item->setData(QString::fromUtf8(row.section), SectionRole);
    item->setData(QStringLiteral("2 h"), AgeRole);
    item->setEditable(false); // as the window's model
    model.appendRow(item);
}

/// What was asked for, in order.
struct Commands {
    using List = std::vector<std::pair<ConversationCommand, std::vector<qint64>>>;
    explicit Commands(Sidebar& sidebar) {
        QObject::connect(&sidebar, &Sidebar::commandRequested, &context,
                         [this](ConversationCommand command, const std::vector<qint64>& ids) { all.emplace_back(command, ids); });
    }
    List all;
    QObject context;
};

} // namespace

class SidebarTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { Theme::instance().choose(ThemeChoice::Light); }

    void init() {
        m_model = std::make_unique<QStandardItemModel>();
        append(*m_model, {11, "Binary search", "TODAY"});
        append(*m_model, {12, "Trip to Dresden", "TODAY"});
        append(*m_model, {13, "Why is the sky blue?", "YESTERDAY"});
        m_sidebar = std::make_unique<Sidebar>();
        m_sidebar->setModel(m_model.get());
        m_sidebar->resize(264, 600);
        m_sidebar->show();
        m_sidebar->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_sidebar.get()));
        m_list = m_sidebar->findChild<ConversationList*>();
        QVERIFY(m_list);
    }

    void cleanup() {
        m_sidebar.reset();
        m_model.reset();
    }

    void newChat_isRequested() {
        QSignalSpy asked(m_sidebar.get(), &Sidebar::newChatRequested);
        QTest::mouseClick(m_sidebar->findChild<QAbstractButton*>(QStringLiteral("newChat")), Qt::LeftButton);
        QCOMPARE(asked.size(), 1);
    }

    void search_tellsEveryChangeAndEscapeClears() {
        QSignalSpy changed(m_sidebar.get(), &Sidebar::searchChanged);
        m_sidebar->focusSearch();
        auto* search = m_sidebar->findChild<QLineEdit*>(QStringLiteral("search"));
        QVERIFY(search->hasFocus());
        QTest::keyClicks(search, QStringLiteral("sky"));
        QCOMPARE(changed.size(), 3);
        QCOMPARE(changed.last().first().toString(), "sky");
        QTest::keyClick(search, Qt::Key_Escape);
        QCOMPARE(changed.last().first().toString(), "");
        QTest::keyClick(search, Qt::Key_Down);
        QVERIFY(m_list->hasFocus());
    }

    void sections_standAboveTheirFirstRow() {
        QCOMPARE(ConversationRowDelegate::caption(at(0)), "TODAY");
        QCOMPARE(ConversationRowDelegate::caption(at(1)), "");
        QCOMPARE(ConversationRowDelegate::caption(at(2)), "YESTERDAY");
        QVERIFY(m_list->visualRect(at(0)).height() > m_list->visualRect(at(1)).height());
        QVERIFY(m_list->visualRect(at(2)).height() > m_list->visualRect(at(1)).height());
        // Without its first row, the section's next one gets the caption, and the room for it.
        m_model->removeRow(0);
        QCoreApplication::processEvents();
        QCOMPARE(ConversationRowDelegate::caption(at(0)), "TODAY");
        QVERIFY(m_list->visualRect(at(0)).height() > 60);
    }

    void click_opensTheRowButNotFromItsCaption() {
        QSignalSpy opened(m_sidebar.get(), &Sidebar::conversationActivated);
        click(2);
        QCOMPARE(opened.size(), 1);
        QCOMPARE(opened.first().first().toLongLong(), 13);
        const QRect whole = m_list->visualRect(at(2));
        QTest::mouseClick(m_list->viewport(), Qt::LeftButton, {}, whole.topLeft() + QPoint(40, 8));
        QCOMPARE(opened.size(), 1);
    }

    void keyboard_movesWithoutOpeningAndReturnOpens() {
        m_sidebar->setCurrent(11);
        m_list->setFocus();
        QSignalSpy opened(m_sidebar.get(), &Sidebar::conversationActivated);
        QTest::keyClick(m_list, Qt::Key_Down);
        QCOMPARE(opened.size(), 0);
        QTest::keyClick(m_list, Qt::Key_Return);
        QCOMPARE(opened.size(), 1);
        QCOMPARE(opened.first().first().toLongLong(), 12);
    }

    void setCurrent_emitsNothingAndSurvivesAReset() {
        QSignalSpy opened(m_sidebar.get(), &Sidebar::conversationActivated);
        m_sidebar->setCurrent(12);
        QCOMPARE(m_list->currentIndex(), at(1));
        m_model->insertRow(0, new QStandardItem);
        QCOMPARE(m_list->currentIndex().row(), 2);
        m_model->clear();
        append(*m_model, {13, "Why is the sky blue?", "TODAY"});
        append(*m_model, {12, "Trip to Dresden", "TODAY"});
        QCOMPARE(m_list->currentIndex(), at(1));
        m_sidebar->setCurrent(999);
        QCOMPARE(opened.size(), 0);
    }

    void rename_data() {
        QTest::addColumn<QString>("typed");
        QTest::addColumn<int>("key");
        QTest::addColumn<QString>("wanted");
        QTest::newRow("new title") << "Dresden" << int(Qt::Key_Return) << "Dresden";
        QTest::newRow("white space is tidied") << "  A   B " << int(Qt::Key_Return) << "A B";
        QTest::newRow("same title") << "Trip to Dresden" << int(Qt::Key_Return) << QString();
        QTest::newRow("empty title") << "   " << int(Qt::Key_Return) << QString();
        QTest::newRow("escape") << "Dresden" << int(Qt::Key_Escape) << QString();
    }

    void rename() {
        QFETCH(QString, typed);
        QFETCH(int, key);
        QFETCH(QString, wanted);
        QSignalSpy renamed(m_sidebar.get(), &Sidebar::renameRequested);
        QSignalSpy opened(m_sidebar.get(), &Sidebar::conversationActivated);
        m_sidebar->setCurrent(12);
        m_list->setFocus();
        QTest::keyClick(m_list, Qt::Key_F2);
        auto* editor = m_list->viewport()->findChild<QLineEdit*>();
        QVERIFY(editor);
        QCOMPARE(editor->text(), "Trip to Dresden");
        QCOMPARE(editor->selectedText(), editor->text());
        QTest::keyClicks(editor, typed);
        QTest::keyClick(editor, static_cast<Qt::Key>(key));
        QCoreApplication::processEvents();
        QCOMPARE(renamed.size(), wanted.isNull() ? 0 : 1);
        if (!wanted.isNull()) {
            QCOMPARE(renamed.first().at(0).toLongLong(), 12);
            QCOMPARE(renamed.first().at(1).toString(), wanted);
        }
        QCOMPARE(opened.size(), 0);
        QCOMPARE(m_model->item(1)->text(), "Trip to Dresden");
    }

    void doubleClick_renames() {
        const QPoint place = center(1);
        QTest::mouseClick(m_list->viewport(), Qt::LeftButton, {}, place);
        QTest::mouseDClick(m_list->viewport(), Qt::LeftButton, {}, place);
        QVERIFY(m_list->viewport()->findChild<QLineEdit*>());
    }

    void deleteKey_asks() {
        m_sidebar->setCurrent(13);
        m_list->setFocus();
        Commands asked(*m_sidebar);
        QTest::keyClick(m_list, Qt::Key_Delete);
        QCOMPARE(asked.all, (Commands::List{{ConversationCommand::Delete, {13}}}));
        QCOMPARE(m_model->rowCount(), 3);
    }

    void menu_deletesWhatWasUnderTheMouse() {
        Commands asked(*m_sidebar);
        const QPoint place = center(1);
        QContextMenuEvent event(QContextMenuEvent::Mouse, place, m_list->viewport()->mapToGlobal(place));
        QCoreApplication::sendEvent(m_list->viewport(), &event);
        auto* menu = m_list->findChild<QMenu*>();
        QVERIFY(menu);
        // The list changes under the open menu.
        m_model->removeRow(0);
        menu->actions().last()->trigger();
        QCOMPARE(asked.all, (Commands::List{{ConversationCommand::Delete, {12}}}));
    }

    void selection_withCtrlAndShiftOpensNothing() {
        QSignalSpy opened(m_sidebar.get(), &Sidebar::conversationActivated);
        click(0);
        QCOMPARE(opened.size(), 1);
        click(2, Qt::ControlModifier);
        QCOMPARE(m_sidebar->selectedConversations(), (std::vector<qint64>{11, 13}));
        click(1, Qt::ControlModifier);
        click(0, Qt::ControlModifier);
        QCOMPARE(m_sidebar->selectedConversations(), (std::vector<qint64>{12, 13}));
        click(0);
        click(2, Qt::ShiftModifier);
        QCOMPARE(m_sidebar->selectedConversations(), (std::vector<qint64>{11, 12, 13}));
        QCOMPARE(opened.size(), 2);
    }

    void selection_keysWorkOnAllOfIt() {
        Commands asked(*m_sidebar);
        m_sidebar->setCurrent(11);
        m_list->setFocus();
        QTest::keyClick(m_list, Qt::Key_Down, Qt::ShiftModifier);
        QTest::keyClick(m_list, Qt::Key_Delete);
        QCOMPARE(asked.all, (Commands::List{{ConversationCommand::Delete, {11, 12}}}));
        QTest::keyClick(m_list, Qt::Key_A, Qt::ControlModifier);
        QCOMPARE(m_sidebar->selectedConversations().size(), 3u);
    }

    void selection_survivesARefresh() {
        click(0);
        click(2, Qt::ControlModifier);
        m_model->clear(); // what the window's model does, too, when an order changes
        QVERIFY(m_sidebar->selectedConversations().empty());
        ConversationListModel model;
        std::vector<hearth::core::ConversationRow> rows(3);
        for (int i = 0; i < 3; ++i) rows[std::size_t(i)].id = 11 + i;
        model.setRows(rows);
        m_sidebar->setModel(&model);
        click(0);
        click(2, Qt::ControlModifier);
        std::ranges::rotate(rows, rows.begin() + 1);
        model.setRows(rows);
        QCOMPARE(m_sidebar->selectedConversations(), (std::vector<qint64>{13, 11}));
        m_sidebar->setModel(m_model.get());
    }

    void menu_ofTheSelectionMeansAllOfIt() {
        Commands asked(*m_sidebar);
        click(0);
        click(1, Qt::ControlModifier);
        openMenu(1);
        menuAction("Pin")->trigger();
        QCOMPARE(asked.all, (Commands::List{{ConversationCommand::Pin, {11, 12}}}));
        asked.all.clear();
        openMenu(2); // outside it: that row alone
        menuAction("Archive")->trigger();
        QCOMPARE(asked.all, (Commands::List{{ConversationCommand::Archive, {13}}}));
    }

    void folders_foldMoveAndRename() {
        appendFolder(5, "Work", false);
        QSignalSpy toggled(m_sidebar.get(), &Sidebar::folderToggleRequested);
        QSignalSpy moved(m_sidebar.get(), &Sidebar::moveRequested);
        QSignalSpy removed(m_sidebar.get(), &Sidebar::folderRemovalRequested);
        QSignalSpy renamed(m_sidebar.get(), &Sidebar::folderRenameRequested);
        click(3);
        QCOMPARE(toggled.size(), 1);
        QCOMPARE(toggled.first().at(0).toLongLong(), 5);
        QCOMPARE(toggled.first().at(1).toBool(), true);
        QTest::keyClick(m_list, Qt::Key_Left);
        QCOMPARE(toggled.size(), 2);
        QTest::keyClick(m_list, Qt::Key_Right); // it is open already
        QCOMPARE(toggled.size(), 2);
        openMenu(0);
        menuAction("Work")->trigger();
        QCOMPARE(moved.size(), 1);
        QCOMPARE(moved.first().at(0).value<std::vector<qint64>>(), (std::vector<qint64>{11}));
        QCOMPARE(moved.first().at(1).toLongLong(), 5);
        m_list->setCurrentIndex(at(3));
        m_list->setFocus();
        QTest::keyClick(m_list, Qt::Key_Delete);
        QCOMPARE(removed.size(), 1);
        QTest::keyClick(m_list, Qt::Key_F2);
        auto* editor = m_list->viewport()->findChild<QLineEdit*>();
        QVERIFY(editor);
        QTest::keyClicks(editor, "Home");
        QTest::keyClick(editor, Qt::Key_Return);
        QTRY_COMPARE(renamed.size(), 1); // the editor closes by way of the event loop
        QCOMPARE(renamed.first().at(1).toString(), "Home");
    }

    void hits_openAtTheirMessage() {
        auto* item = new QStandardItem("Tuning");
        item->setData(12, ConversationIdRole);
        item->setData(77, HitMessageRole);
        item->setData("MESSAGES", SectionRole);
        item->setData(int(RowKind::Hit), RowKindRole);
        item->setData("… the wide street …", SnippetRole);
        item->setData(QVariant::fromValue(QList<QPoint>{{6, 10}}), SnippetMatchesRole);
        m_model->appendRow(item);
        QSignalSpy hit(m_sidebar.get(), &Sidebar::hitActivated);
        QSignalSpy opened(m_sidebar.get(), &Sidebar::conversationActivated);
        click(3);
        QCOMPARE(hit.size(), 1);
        QCOMPARE(hit.first().at(0).toLongLong(), 12);
        QCOMPARE(hit.first().at(1).toLongLong(), 77);
        QCOMPARE(opened.size(), 0);
        QVERIFY(m_list->visualRect(at(3)).height() > m_list->visualRect(at(1)).height());
    }

    void places_areChosenBelowTheList() {
        std::vector<ConversationPlace> chosen;
        connect(m_sidebar.get(), &Sidebar::placeChosen, m_sidebar.get(), [&](ConversationPlace place) { chosen.push_back(place); });
        QSignalSpy emptied(m_sidebar.get(), &Sidebar::emptyBinRequested);
        auto* bin = m_sidebar->findChild<QAbstractButton*>("bin");
        auto* archive = m_sidebar->findChild<QAbstractButton*>("archive");
        auto* empty = m_sidebar->findChild<QAbstractButton*>("emptyBin");
        QVERIFY(!empty->isVisible());
        bin->click();
        QVERIFY(empty->isVisible());
        empty->click();
        QCOMPARE(emptied.size(), 1);
        Commands asked(*m_sidebar);
        m_list->setCurrentIndex(at(0));
        m_list->setFocus();
        QTest::keyClick(m_list, Qt::Key_Delete);
        QCOMPARE(asked.all, (Commands::List{{ConversationCommand::DeleteForGood, {11}}}));
        archive->click();
        QVERIFY(!bin->isChecked() && !empty->isVisible());
        archive->click();
        QCOMPARE(chosen, (std::vector{ConversationPlace::Bin, ConversationPlace::Archive, ConversationPlace::List}));
    }

    void emptyList_saysWhy() {
        auto* text = m_sidebar->findChild<QLabel*>(QStringLiteral("emptyText"));
        QVERIFY(!text->isVisible());
        m_model->clear();
        QVERIFY(text->isVisible());
        QCOMPARE(text->text(), "No chats yet");
        m_sidebar->findChild<QLineEdit*>(QStringLiteral("search"))->setText(QStringLiteral("x"));
        QCOMPARE(text->text(), "Nothing found");
        append(*m_model, {1, "x", "TODAY"});
        QVERIFY(!text->isVisible());
    }

private:
    [[nodiscard]] QModelIndex at(int row) const { return m_list->model()->index(row, 0); }
    [[nodiscard]] QPoint center(int row) const {
        return ConversationRowDelegate::rowRect(m_list->visualRect(at(row)), at(row)).center();
    }
    void click(int row, Qt::KeyboardModifiers modifiers = {}) const {
        QTest::mouseClick(m_list->viewport(), Qt::LeftButton, modifiers, center(row));
    }
    void openMenu(int row) const {
        for (QMenu* menu : m_list->findChildren<QMenu*>(Qt::FindDirectChildrenOnly)) delete menu;
        const QPoint place = center(row);
        QContextMenuEvent event(QContextMenuEvent::Mouse, place, m_list->viewport()->mapToGlobal(place));
        QCoreApplication::sendEvent(m_list->viewport(), &event);
    }
    [[nodiscard]] QAction* menuAction(const QString& text) const {
        for (QAction* action : m_list->findChildren<QAction*>())
            if (action->text() == text) return action;
        qFatal("no such action: %s", qPrintable(text));
    }
    void appendFolder(qint64 id, const char* name, bool collapsed) const {
        auto* item = new QStandardItem(QString::fromUtf8(name));
        item->setData(id, FolderIdRole);
        item->setData(QString::fromUtf8(name), TitleRole);
        item->setData(int(RowKind::Folder), RowKindRole);
        item->setData(collapsed, CollapsedRole);
        m_model->appendRow(item);
    }

    std::unique_ptr<QStandardItemModel> m_model;
    std::unique_ptr<Sidebar> m_sidebar;
    ConversationList* m_list = nullptr;
};

QTEST_MAIN(SidebarTest)
#include "sidebar_test.moc"
