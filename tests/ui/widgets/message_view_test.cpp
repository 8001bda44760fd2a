// SPDX-License-Identifier: Apache-2.0
//
// MessageView over a small model: what is painted where, what pointer and keyboard do, and that the window keeps its place.
#include "core/store/chat_store.h"
#include "ui/models/message_attachments.h"
#include "ui/models/message_roles.h"
#include "ui/style/theme.h"
#include "ui/widgets/message_layout.h"
#include "ui/widgets/message_view.h"

#include <QAbstractButton>
#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QtTest>

using namespace hearth::ui;
using hearth::core::MessageState;
using hearth::core::StoredRole;

namespace {

QStandardItem* message(StoredRole author, const QString& text, MessageState state = MessageState::Complete)
{
    auto* item = new QStandardItem;
    item->setData(int(author), AuthorRole);
    item->setData(text, TextRole);
    item->setData(int(state), StateRole);
    item->setData(author == StoredRole::Assistant && state != MessageState::Generating ? QStringLiteral("Model · CPU") : QString(), QuietLineRole);
    item->setData(0, SiblingIndexRole);
    item->setData(1, SiblingCountRole);
    return item;
}

/// `count` turns, user and reply in alternation.
void fill(QStandardItemModel& model, int count)
{
    for (int i = 0; i < count; ++i) {
        const bool user = i % 2 == 0;
        model.appendRow(message(user ? StoredRole::User : StoredRole::Assistant,
                                user ? QStringLiteral("Question %1").arg(i) : QStringLiteral("Answer %1\n\n- one\n- two\n\n```cpp\nint x;\n```\n").arg(i)));
    }
}

void settleEvents()
{
    QTest::qWait(80); // longer than the view gathers changes
}

} // namespace

class MessageViewTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void emptyAndWithoutModel();
    void rowsArePaintedInTheColumn();
    void buttonsEmitTheirSignals_data();
    void buttonsEmitTheirSignals();
    void buttonsOfOtherRowsNeedHover();
    void siblingArrowsStopAtTheEnds();
    void codeIsCopied();
    void thoughtFoldsAndOpens();
    void linksAreReported();
    void tenThousandRowsOpenAndScroll();
    void showMessageJumpsToAnyRow();
    void followsTheEndWhileStreaming();
    void keepsItsPlaceWhenScrolledUp();
    void ownMessageScrollsToTheEnd();
    void placeSurvivesRowsBeforeIt();
    void selectionByMouse();
    void selectAllAndCopyByKeyboard();
    void tabWalksMessagesAndActions();
    void keysScroll();
    void editInPlace();
    void replyIsEditedOrCarriedOn();
    void findsWhatIsShown();
    void findFollowsWhatChanges();
    void selectionAsMarkdown_data();
    void selectionAsMarkdown();
    void attachmentsAreFolded();
    void codeIsOfferedForSaving();
    void thoughtSaysHowLong_data();
    void thoughtSaysHowLong();
    void wideCodeScrollsSideways();
    void statesShowTheirButtons_data();
    void statesShowTheirButtons();
    void widthsAndFontsLayOut_data();
    void widthsAndFontsLayOut();
    void themeChangeRepaints();
    void removedRows();
    void accessibleChildren();
};

namespace {

/// A shown view over `model`.
struct Shown {
    explicit Shown(QAbstractItemModel* model, QSize size = {800, 600})
    {
        view.resize(size);
        view.setModel(model);
        view.show();
        settleEvents();
    }

    /// Where a target is, found by laying the same message out.
    [[nodiscard]] QPoint target(int row, MessageAction action) const
    {
        const QRect rect = view.messageRect(row);
        const int column = std::min(660, view.viewport()->width() - 48);
        const int left = (view.width() - column) / 2;
        MessageLayout layout(MessageStyle(view.font()), column);
        layout.setData(MessageData::fromIndex(view.model()->index(row, 0)));
        layout.settle(0, 1'000'000);
        for (const MessageTarget& t : layout.targets()) {
            if (t.action == action)
                return t.rect.center() + QPoint(left, rect.top());
        }
        return {-1, -1};
    }

    void moveTo(QPoint point) { QTest::mouseMove(view.viewport(), point); }

    void click(QPoint point)
    {
        moveTo(point);
        QTest::mouseClick(view.viewport(), Qt::LeftButton, Qt::NoModifier, point);
    }

    [[nodiscard]] QImage image() { return view.viewport()->grab().toImage(); }

    /// How many pixels of a part differ from the page.
    [[nodiscard]] int inkIn(QRect part)
    {
        const QImage picture = image();
        int ink = 0;
        for (int y = std::max(0, part.top()); y <= std::min(part.bottom(), picture.height() - 1); ++y) {
            for (int x = std::max(0, part.left()); x <= std::min(part.right(), picture.width() - 1); ++x)
                ink += picture.pixelColor(x, y) != Theme::current().page;
        }
        return ink;
    }

    MessageView view;
};

} // namespace

void MessageViewTest::initTestCase()
{
    Theme::instance().choose(ThemeChoice::Light);
}

void MessageViewTest::emptyAndWithoutModel()
{
    Shown none(nullptr);
    QVERIFY(none.view.followsEnd());
    QCOMPARE(none.inkIn(none.view.viewport()->rect()), 0);
    QTest::keyClick(&none.view, Qt::Key_PageDown);
    QTest::keyClick(&none.view, Qt::Key_A, Qt::ControlModifier);
    QStandardItemModel empty;
    none.view.setModel(&empty);
    QCOMPARE(none.view.messageAt({10, 10}), -1);
    QCOMPARE(none.view.selectedText(), QString());
    {
        QStandardItemModel gone;
        gone.appendRow(message(StoredRole::User, QStringLiteral("x")));
        none.view.setModel(&gone);
    }
    QCOMPARE(none.view.model(), nullptr);
    QCOMPARE(none.inkIn(none.view.viewport()->rect()), 0);
}

void MessageViewTest::rowsArePaintedInTheColumn()
{
    QStandardItemModel model;
    fill(model, 2);
    Shown shown(&model, {900, 600});
    const QRect user = shown.view.messageRect(0);
    const QRect reply = shown.view.messageRect(1);
    QVERIFY(user.height() > 20 && reply.top() == user.bottom() + 1);
    QVERIFY(shown.inkIn(user) > 500);
    QVERIFY(shown.inkIn(reply) > 500);
    QCOMPARE(shown.inkIn({0, 0, 119, 600}), 0);                 // left of the 660-px column
    QCOMPARE(shown.inkIn({120, user.top(), 400, user.height()}), 0); // the short turn stands at the right
    QCOMPARE(shown.view.messageAt(reply.center()), 1);
}

void MessageViewTest::buttonsEmitTheirSignals_data()
{
    QTest::addColumn<int>("row");
    QTest::addColumn<MessageAction>("action");
    QTest::addColumn<QByteArray>("signal");
    QTest::newRow("copy a turn") << 0 << MessageAction::Copy << QByteArray(SIGNAL(copyRequested(int)));
    QTest::newRow("copy a reply") << 1 << MessageAction::Copy << QByteArray(SIGNAL(copyRequested(int)));
    QTest::newRow("regenerate") << 1 << MessageAction::Regenerate << QByteArray(SIGNAL(regenerateRequested(int)));
    QTest::newRow("continue") << 3 << MessageAction::Continue << QByteArray(SIGNAL(continueRequested(int)));
    QTest::newRow("version before") << 3 << MessageAction::PreviousSibling << QByteArray(SIGNAL(siblingRequested(int, int)));
    QTest::newRow("version after") << 3 << MessageAction::NextSibling << QByteArray(SIGNAL(siblingRequested(int, int)));
}

void MessageViewTest::buttonsEmitTheirSignals()
{
    QFETCH(const int, row);
    QFETCH(const MessageAction, action);
    QFETCH(const QByteArray, signal);
    QStandardItemModel model;
    fill(model, 3);
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("half"), MessageState::Cancelled));
    model.item(3)->setData(1, SiblingIndexRole);
    model.item(3)->setData(3, SiblingCountRole);
    Shown shown(&model, {800, 900});
    QSignalSpy spy(&shown.view, signal.constData());
    QVERIFY(spy.isValid());
    shown.click(shown.target(row, action));
    QCOMPARE(spy.size(), 1);
    QCOMPARE(spy[0][0].toInt(), row);
    if (spy[0].size() > 1)
        QCOMPARE(spy[0][1].toInt(), action == MessageAction::PreviousSibling ? -1 : 1);
}

void MessageViewTest::buttonsOfOtherRowsNeedHover()
{
    QStandardItemModel model;
    fill(model, 4);
    Shown shown(&model, {800, 900});
    shown.moveTo({5, 890});
    const auto inkAt = [&](int row) {
        const QPoint centre = shown.target(row, MessageAction::Copy);
        return shown.inkIn({centre - QPoint(20, 10), QSize(40, 20)});
    };
    QCOMPARE(inkAt(1), 0);
    QVERIFY(inkAt(3) > 0); // the last reply's are always there
    shown.moveTo(shown.view.messageRect(1).center());
    QVERIFY(inkAt(1) > 0);
    shown.moveTo(shown.view.messageRect(0).center());
    QCOMPARE(inkAt(1), 0);
}

void MessageViewTest::siblingArrowsStopAtTheEnds()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("a")));
    model.item(0)->setData(0, SiblingIndexRole);
    model.item(0)->setData(2, SiblingCountRole);
    Shown shown(&model);
    QSignalSpy spy(&shown.view, &MessageView::siblingRequested);
    shown.click(shown.target(0, MessageAction::PreviousSibling));
    QCOMPARE(spy.size(), 0);
    shown.click(shown.target(0, MessageAction::NextSibling));
    QCOMPARE(spy.size(), 1);
}

void MessageViewTest::codeIsCopied()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("Text\n\n```py\nx = 1\n\ty\n```\nmore")));
    Shown shown(&model);
    QApplication::clipboard()->clear();
    shown.click(shown.target(0, MessageAction::CopyCode));
    QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("x = 1\n\ty"));
}

void MessageViewTest::thoughtFoldsAndOpens()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("<think>\none\n\ntwo\n\nthree\n</think>\n\nanswer")));
    Shown shown(&model);
    const int folded = shown.view.messageRect(0).height();
    const QPoint line = shown.target(0, MessageAction::Thought);
    shown.click(line);
    QVERIFY(shown.view.messageRect(0).height() > folded + 60);
    shown.click(line);
    QCOMPARE(shown.view.messageRect(0).height(), folded);
    QTest::keyClick(&shown.view, Qt::Key_A, Qt::ControlModifier);
    QCOMPARE(shown.view.selectedText(), QStringLiteral("answer"));
}

void MessageViewTest::linksAreReported()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("[a link that is long](https://example.org/x) <a href='file:///x'>y</a> [z](file:///etc/passwd)")));
    Shown shown(&model);
    QSignalSpy spy(&shown.view, &MessageView::linkActivated);
    const int y = shown.view.messageRect(0).top() + 10;
    shown.click({(800 - 660) / 2 + 30, y});
    QCOMPARE(spy.size(), 1);
    QCOMPARE(spy[0][0].toUrl(), QUrl(QStringLiteral("https://example.org/x")));
    for (int x = 300; x < 740; x += 20)
        shown.click({x, y});
    QCOMPARE(spy.size(), 1);
}

void MessageViewTest::tenThousandRowsOpenAndScroll()
{
    QStandardItemModel model;
    fill(model, 10'000);
    Shown shown(&model);
    QScrollBar* bar = shown.view.verticalScrollBar();
    QVERIFY(shown.view.followsEnd());
    QCOMPARE(bar->value(), bar->maximum());
    QVERIFY(shown.view.messageRect(9'999).intersects(shown.view.viewport()->rect()));
    // Upwards into rows with estimated heights: what is in sight moves by exactly the step.
    for (int i = 0; i < 30; ++i) {
        const int row = shown.view.messageAt({400, 100});
        const int before = shown.view.messageRect(row).top();
        bar->setValue(bar->value() - 100);
        QCOMPARE(shown.view.messageRect(row).top(), before + 100);
    }
    QVERIFY(!shown.view.followsEnd());
    bar->setValue(0);
    QVERIFY(shown.view.messageRect(0).intersects(shown.view.viewport()->rect()));
    QVERIFY(shown.inkIn(shown.view.viewport()->rect()) > 1000);
    bar->setValue(bar->maximum() / 2);
    QVERIFY(shown.inkIn(shown.view.viewport()->rect()) > 1000);
}

void MessageViewTest::showMessageJumpsToAnyRow()
{
    QStandardItemModel model;
    fill(model, 2'000);
    for (int row = 0; row < model.rowCount(); ++row)
        model.item(row)->setData(qint64(10'000 + 3 * row), MessageIdRole);
    Shown shown(&model);
    // Never laid out before, at both ends and in the middle: its top stands near the top of the window.
    for (const int row : {1000, 0, 3, 1702, 999}) {
        QVERIFY(shown.view.showMessage(10'000 + 3 * row));
        const int top = shown.view.messageRect(row).top();
        QVERIFY2(top >= 0 && top <= 40, qPrintable(QStringLiteral("row %1 at %2").arg(row).arg(top)));
        QVERIFY(!shown.view.followsEnd());
    }
    // It is marked, and only for a moment.
    const QRect place = shown.view.messageRect(999);
    const QImage marked = shown.view.viewport()->grab(place).toImage();
    QTRY_VERIFY(shown.view.viewport()->grab(place).toImage() != marked);
    QVERIFY(shown.view.showMessage(10'000 + 3 * 1999));
    QVERIFY(shown.view.messageRect(1999).intersects(shown.view.viewport()->rect()));
    const int value = shown.view.verticalScrollBar()->value();
    QVERIFY(!shown.view.showMessage(10'001));
    QCOMPARE(shown.view.verticalScrollBar()->value(), value);
}

void MessageViewTest::followsTheEndWhileStreaming()
{
    QStandardItemModel model;
    fill(model, 9);
    model.appendRow(message(StoredRole::Assistant, {}, MessageState::Generating));
    model.item(9)->setData(QStringLiteral("Reading the prompt"), ProgressRole);
    Shown shown(&model);
    QString text;
    for (int i = 0; i < 60; ++i) {
        text += QStringLiteral("word %1 **bold** `code`\n").arg(i);
        model.item(9)->setData(text, TextRole);
        if (i % 10 == 9) {
            settleEvents();
            QCOMPARE(shown.view.verticalScrollBar()->value(), shown.view.verticalScrollBar()->maximum());
            // What was repainted in parts equals what is painted whole.
            const QImage parts = shown.image();
            shown.view.viewport()->update();
            settleEvents();
            QCOMPARE(shown.image(), parts);
        }
    }
    const int height = shown.view.messageRect(9).height();
    model.item(9)->setData(int(MessageState::Complete), StateRole);
    model.item(9)->setData(QStringLiteral("Model · CPU"), QuietLineRole);
    settleEvents();
    QCOMPARE(shown.view.messageRect(9).height(), height); // nothing jumps when it ends
}

void MessageViewTest::keepsItsPlaceWhenScrolledUp()
{
    QStandardItemModel model;
    fill(model, 20);
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("start"), MessageState::Generating));
    Shown shown(&model);
    shown.view.verticalScrollBar()->setValue(shown.view.verticalScrollBar()->maximum() - 400);
    QVERIFY(!shown.view.followsEnd());
    auto* jump = shown.view.findChild<QAbstractButton*>(QStringLiteral("newBelow"));
    QVERIFY(jump && jump->isVisible() && jump->text().isEmpty()); // far from the end: a way back, nothing new
    const int value = shown.view.verticalScrollBar()->value();
    const QImage before = shown.view.viewport()->grab(QRect(0, 0, 800, 150)).toImage();
    model.item(20)->setData(QString(QStringLiteral("more text\n\n")).repeated(50), TextRole);
    settleEvents();
    QCOMPARE(shown.view.verticalScrollBar()->value(), value);
    QCOMPARE(shown.view.viewport()->grab(QRect(0, 0, 800, 150)).toImage(), before);
    QVERIFY(jump->isVisible() && !jump->text().isEmpty()); // "New below"
    QTest::mouseClick(jump, Qt::LeftButton);
    QVERIFY(shown.view.followsEnd());
    QVERIFY(!jump->isVisible());
    QCOMPARE(shown.view.verticalScrollBar()->value(), shown.view.verticalScrollBar()->maximum());
}

void MessageViewTest::ownMessageScrollsToTheEnd()
{
    QStandardItemModel model;
    fill(model, 20);
    Shown shown(&model);
    shown.view.verticalScrollBar()->setValue(0);
    QVERIFY(!shown.view.followsEnd());
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("not mine")));
    QVERIFY(!shown.view.followsEnd());
    model.appendRow(message(StoredRole::User, QStringLiteral("mine")));
    QVERIFY(shown.view.followsEnd());
}

void MessageViewTest::placeSurvivesRowsBeforeIt()
{
    QStandardItemModel model;
    fill(model, 40);
    Shown shown(&model);
    shown.view.verticalScrollBar()->setValue(shown.view.verticalScrollBar()->maximum() / 2);
    const int row = shown.view.messageAt({400, 300});
    const int top = shown.view.messageRect(row).top();
    model.insertRow(0, message(StoredRole::User, QString(QStringLiteral("long\n")).repeated(40)));
    QCOMPARE(shown.view.messageRect(row + 1).top(), top);
    model.removeRow(0);
    QCOMPARE(shown.view.messageRect(row).top(), top);
    model.item(1)->setData(QString(QStringLiteral("long\n\n")).repeated(40), TextRole);
    settleEvents();
    QCOMPARE(shown.view.messageRect(row).top(), top);
}

void MessageViewTest::selectionByMouse()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("First **bold** line\n\n1. one\n2. two\n\n```\ncode a\ncode b\n```\n\n|h|i|\n|-|-|\n|j|k|")));
    model.appendRow(message(StoredRole::User, QStringLiteral("turn\nof two lines")));
    Shown shown(&model, {800, 700});
    const QRect row = shown.view.messageRect(0);
    const int left = (800 - 660) / 2;
    const auto dragOver = [&](QPoint from, QPoint to) {
        QTest::mousePress(shown.view.viewport(), Qt::LeftButton, Qt::NoModifier, from);
        QMouseEvent move(QEvent::MouseMove, to, shown.view.viewport()->mapToGlobal(to), Qt::LeftButton, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(shown.view.viewport(), &move);
        QTest::mouseRelease(shown.view.viewport(), Qt::LeftButton, Qt::NoModifier, to);
    };
    dragOver({left, row.top() + 10}, {left + 600, row.top() + 10});
    QCOMPARE(shown.view.selectedText(), QStringLiteral("First bold line"));
    QTest::keyClick(&shown.view, Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("First bold line"));
    dragOver({left, row.top() + 2}, {left + 650, shown.view.messageRect(1).top() + 50}); // into the turn below
    QCOMPARE(shown.view.selectedText(), QStringLiteral("First bold line\n\n1. one\n2. two\n\ncode a\ncode b\n\nh\ti\nj\tk\n\nturn\nof two lines"));
    dragOver({left + 600, row.top() + 10}, {left, row.top() + 10}); // backwards
    QCOMPARE(shown.view.selectedText(), QStringLiteral("First bold line"));
    QTest::mouseDClick(shown.view.viewport(), Qt::LeftButton, Qt::NoModifier, {left + 50, row.top() + 10});
    QCOMPARE(shown.view.selectedText(), QStringLiteral("bold"));
    QTest::keyClick(&shown.view, Qt::Key_Escape);
    QCOMPARE(shown.view.selectedText(), QString());
}

void MessageViewTest::selectAllAndCopyByKeyboard()
{
    QStandardItemModel model;
    fill(model, 2);
    Shown shown(&model);
    QTest::keyClick(&shown.view, Qt::Key_A, Qt::ControlModifier);
    QCOMPARE(shown.view.selectedText(), QStringLiteral("Answer 1\n\n- one\n- two\n\nint x;"));
    QTest::keyClick(&shown.view, Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(QApplication::clipboard()->text(), shown.view.selectedText());
}

void MessageViewTest::tabWalksMessagesAndActions()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::User, QStringLiteral("a")));
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("b")));
    QWidget window;
    auto* first = new QPlainTextEdit(&window);
    auto* view = new MessageView(&window);
    view->setGeometry(0, 40, 700, 400);
    view->setModel(&model);
    first->setTabChangesFocus(true);
    window.resize(700, 440);
    window.show();
    window.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&window));
    first->setFocus();
    QSignalSpy copied(view, &MessageView::copyRequested);
    QSignalSpy regenerated(view, &MessageView::regenerateRequested);
    const auto tab = [](bool back = false) {
        QTest::keyClick(QApplication::focusWidget(), back ? Qt::Key_Backtab : Qt::Key_Tab, back ? Qt::ShiftModifier : Qt::NoModifier);
    };
    const QImage unfocused = view->viewport()->grab().toImage();
    tab(); // the first message
    QVERIFY(view->hasFocus());
    QVERIFY(view->viewport()->grab().toImage() != unfocused);
    tab(); // its Copy
    QTest::keyClick(view, Qt::Key_Space);
    QCOMPARE(copied.size(), 1);
    QCOMPARE(copied[0][0].toInt(), 0);
    tab(); // Edit
    tab(); // More
    tab(); // the second message
    QTest::keyClick(view, Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(copied.size(), 2);
    QCOMPARE(copied[1][0].toInt(), 1);
    tab(); // Copy
    tab(); // Regenerate
    QTest::keyClick(view, Qt::Key_Return);
    QCOMPARE(regenerated.size(), 1);
    tab(true);
    QTest::keyClick(view, Qt::Key_Return);
    QCOMPARE(copied.size(), 3);
    tab();
    tab(); // Edit
    tab(); // More
    tab(); // out of it
    QVERIFY(!view->hasFocus());
}

void MessageViewTest::keysScroll()
{
    QStandardItemModel model;
    fill(model, 60);
    Shown shown(&model);
    const QScrollBar* bar = shown.view.verticalScrollBar();
    QTest::keyClick(&shown.view, Qt::Key_Home);
    QCOMPARE(bar->value(), 0);
    QTest::keyClick(&shown.view, Qt::Key_PageDown);
    const int page = bar->value();
    QVERIFY(page > 300);
    QTest::keyClick(&shown.view, Qt::Key_Down);
    QVERIFY(bar->value() > page);
    QTest::keyClick(&shown.view, Qt::Key_Up);
    QTest::keyClick(&shown.view, Qt::Key_PageUp);
    QCOMPARE(bar->value(), 0);
    QTest::keyClick(&shown.view, Qt::Key_End);
    QCOMPARE(bar->value(), bar->maximum());
    QVERIFY(shown.view.followsEnd());
}

void MessageViewTest::editInPlace()
{
    QStandardItemModel model;
    fill(model, 6);
    Shown shown(&model);
    QSignalSpy spy(&shown.view, &MessageView::editSubmitted);
    const auto input = [&] { return shown.view.findChild<QPlainTextEdit*>(QStringLiteral("editInput")); };
    model.item(5)->setData(int(MessageState::Generating), StateRole);
    settleEvents();
    shown.view.beginEdit(5); // not while it is written
    QVERIFY(!input());
    model.item(5)->setData(int(MessageState::Complete), StateRole);
    settleEvents();
    shown.click(shown.target(4, MessageAction::Edit));
    QVERIFY(input());
    QCOMPARE(input()->toPlainText(), QStringLiteral("Question 4"));
    QTest::keyClick(input(), Qt::Key_Escape);
    QTRY_VERIFY(!input());
    QCOMPARE(spy.size(), 0);
    shown.view.beginEdit(4);
    QTest::keyClicks(input(), QStringLiteral(" again"));
    model.removeRow(0); // the row moves while it is edited
    auto* save = shown.view.findChild<QAbstractButton*>(QStringLiteral("saveEdit"));
    QVERIFY(save && save->isEnabled());
    QTest::mouseClick(save, Qt::LeftButton);
    QCOMPARE(spy.size(), 1);
    QCOMPARE(spy[0][0].toInt(), 3);
    QCOMPARE(spy[0][1].toString(), QStringLiteral("Question 4 again"));
    QTRY_VERIFY(!input());
    shown.view.beginEdit(3);
    model.removeRow(3); // and may go
    QTRY_VERIFY(!input());
}

void MessageViewTest::replyIsEditedOrCarriedOn()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::User, QStringLiteral("q")));
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("Answer  ")));
    Shown shown(&model);
    QSignalSpy edited(&shown.view, &MessageView::editSubmitted);
    QSignalSpy carriedOn(&shown.view, &MessageView::prefillSubmitted);
    shown.click(shown.target(1, MessageAction::Edit));
    auto* input = shown.view.findChild<QPlainTextEdit*>(QStringLiteral("editInput"));
    QVERIFY(input);
    QTest::keyClicks(input, QStringLiteral("and"));
    QTest::mouseClick(shown.view.findChild<QAbstractButton*>(QStringLiteral("continueEdit")), Qt::LeftButton);
    QCOMPARE(carriedOn.size(), 1);
    QCOMPARE(carriedOn[0][1].toString(), QStringLiteral("Answer  and")); // its spaces are the model's
    shown.view.beginEdit(1);
    QTest::mouseClick(shown.view.findChild<QAbstractButton*>(QStringLiteral("saveEdit")), Qt::LeftButton);
    QCOMPARE(edited.size(), 1);
    shown.view.beginEdit(0); // of a user's turn there is nothing to carry on
    QTRY_VERIFY(!shown.view.findChild<QAbstractButton*>(QStringLiteral("continueEdit")));
}

void MessageViewTest::findsWhatIsShown()
{
    QStandardItemModel model;
    fill(model, 400);
    model.item(7)->setData(QStringLiteral("a **nee**dle in bold, NEEDLE\n\n```\nneedle\n```\n\n|needle|b|\n|-|-|\n|1|$x$|"), TextRole);
    model.item(300)->setData(QStringLiteral("not a need le but a needle"), TextRole);
    model.item(301)->setData(QStringLiteral("<think>\nneedle\n</think>\n\nyes"), TextRole);
    Shown shown(&model);
    QSignalSpy found(&shown.view, &MessageView::foundChanged);
    const auto last = [&] { return QList<int>{found.back()[0].toInt(), found.back()[1].toInt()}; };
    shown.view.setFindText(QStringLiteral("needle"));
    QTRY_VERIFY(!found.isEmpty() && found.back()[2].toBool());
    // From the end, where one reads, the last one is the nearest; it stands in sight, its fold opened.
    QCOMPARE(last(), QList<int>({6, 6}));
    QVERIFY(shown.view.messageRect(301).intersects(shown.view.viewport()->rect()));
    QVERIFY(!shown.view.followsEnd());
    shown.view.findNext(-1);
    QCOMPARE(last(), QList<int>({5, 6}));
    QVERIFY(shown.view.messageRect(300).intersects(shown.view.viewport()->rect()));
    shown.view.findNext(+1);
    shown.view.findNext(+1); // round to the first
    QCOMPARE(last(), QList<int>({1, 6}));
    const QRect row = shown.view.messageRect(7);
    QVERIFY(row.intersects(shown.view.viewport()->rect()));
    const QImage marked = shown.view.viewport()->grab(row).toImage();
    shown.view.findNext(+1);
    QVERIFY(shown.view.viewport()->grab(shown.view.messageRect(7)).toImage() != marked); // another place is the current one
    found.clear();
    shown.view.setFindText(QStringLiteral("nowhere"));
    QTRY_VERIFY(!found.isEmpty() && found.back()[2].toBool());
    QCOMPARE(last(), QList<int>({0, 0}));
    shown.view.setFindText({});
    QVERIFY(shown.view.viewport()->grab(shown.view.messageRect(7)).toImage() != marked);
}

void MessageViewTest::findFollowsWhatChanges()
{
    QStandardItemModel model;
    fill(model, 10);
    Shown shown(&model);
    QSignalSpy found(&shown.view, &MessageView::foundChanged);
    shown.view.setFindText(QStringLiteral("needle"));
    QTRY_VERIFY(!found.isEmpty() && found.back()[2].toBool());
    QCOMPARE(found.back()[1].toInt(), 0);
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("needle"), MessageState::Generating));
    QTRY_COMPARE(found.back()[1].toInt(), 1);
    model.item(10)->setData(QStringLiteral("needle needle"), TextRole); // it streams
    QTRY_COMPARE(found.back()[1].toInt(), 2);
    model.removeRow(10);
    QTRY_COMPARE(found.back()[1].toInt(), 0);
}

void MessageViewTest::selectionAsMarkdown_data()
{
    QTest::addColumn<QString>("source");
    for (const char* source : {"# Title\n\nText with **bold**, `code` and $x^2$.", "1. one\n2. two\n   - deep\n   - [x] done\n\nafter", "> quoted\n>\n> twice",
                               "```cpp\nint x;\n\nint y;\n```", "|a|b|\n|-|:-:|\n|1|2|", "$$\n\\frac{a}{b}\n$$", "one\ntwo\n\n---\n\nthree", "- a\n\n  ```\n  x\n  ```\n- b"})
        QTest::newRow(source) << QString::fromUtf8(source);
}

/// Copied as Markdown and read again it is the same.
void MessageViewTest::selectionAsMarkdown()
{
    QFETCH(const QString, source);
    MessageLayout layout(MessageStyle(QApplication::font()), 660);
    MessageData data;
    data.author = int(StoredRole::Assistant);
    data.text = source;
    layout.setData(data);
    const QString copied = layout.selectedMarkdown({}, layout.endPosition());
    const auto again = MessageLayout::blocksOf(data.author, copied);
    const auto before = MessageLayout::blocksOf(data.author, source);
    QCOMPARE(again.size(), before.size());
    for (std::size_t i = 0; i < again.size(); ++i)
        QVERIFY2(again[i].kind == before[i].kind && again[i].text == before[i].text && again[i].containers == before[i].containers
                     && again[i].markers == before[i].markers,
                 qPrintable(copied));
}

void MessageViewTest::attachmentsAreFolded()
{
    QStandardItemModel model;
    const QString file = QString(QStringLiteral("day,visits\n")).repeated(500);
    model.appendRow(message(StoredRole::User, joinAttachments({{{QStringLiteral("report.csv"), QStringLiteral("csv"), file}}, QStringLiteral("What is in it?")})));
    Shown shown(&model);
    const int folded = shown.view.messageRect(0).height();
    QVERIFY(folded < 200);
    shown.click(shown.target(0, MessageAction::Attachment));
    QVERIFY(shown.view.messageRect(0).height() > 5000);
    shown.click(shown.target(0, MessageAction::Attachment));
    QCOMPARE(shown.view.messageRect(0).height(), folded);
    QTest::keyClick(&shown.view, Qt::Key_A, Qt::ControlModifier);
    QCOMPARE(shown.view.selectedText(), QStringLiteral("What is in it?")); // what is folded is not copied
}

void MessageViewTest::codeIsOfferedForSaving()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("```python\nprint(1)\n```")));
    Shown shown(&model);
    QSignalSpy spy(&shown.view, &MessageView::saveCodeRequested);
    shown.click(shown.target(0, MessageAction::SaveCode));
    QCOMPARE(spy.size(), 1);
    QCOMPARE(spy[0][0].toString(), QStringLiteral("code.py"));
    QCOMPARE(spy[0][1].toString(), QStringLiteral("print(1)"));
}

void MessageViewTest::thoughtSaysHowLong_data()
{
    QTest::addColumn<int>("ms");
    QTest::addColumn<MessageState>("state");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("label");
    const QString done = QStringLiteral("<think>\nhm\n</think>\n\nyes");
    QTest::newRow("seconds") << 2140 << MessageState::Complete << done << QStringLiteral("Thought for 2.1 s");
    QTest::newRow("many") << 12'400 << MessageState::Complete << done << QStringLiteral("Thought for 12 s");
    QTest::newRow("minutes") << 125'000 << MessageState::Complete << done << QStringLiteral("Thought for 2 min 5 s");
    QTest::newRow("unknown") << 0 << MessageState::Complete << done << QStringLiteral("Thought");
    QTest::newRow("live") << 0 << MessageState::Generating << QStringLiteral("<think>\nhm") << QStringLiteral("Thinking…");
    QTest::newRow("stopped in it") << 0 << MessageState::Cancelled << QStringLiteral("<think>\nhm") << QStringLiteral("Thought");
}

void MessageViewTest::thoughtSaysHowLong()
{
    QFETCH(const int, ms);
    QFETCH(const MessageState, state);
    QFETCH(const QString, text);
    QFETCH(const QString, label);
    MessageLayout layout(MessageStyle(QApplication::font()), 660);
    MessageData data;
    data.author = int(StoredRole::Assistant);
    data.state = int(state);
    data.text = text;
    data.thoughtMs = ms;
    layout.setData(data);
    QVERIFY(!layout.targets().empty());
    QCOMPARE(layout.targets().front().action, MessageAction::Thought);
    QCOMPARE(layout.targets().front().label, label);
}

void MessageViewTest::wideCodeScrollsSideways()
{
    QStandardItemModel model;
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("```\n%1\n```").arg(QString(400, u'x'))));
    Shown shown(&model);
    const QPoint inside(400, shown.view.messageRect(0).top() + 50);
    const QImage before = shown.image();
    QWheelEvent wheel(inside, shown.view.viewport()->mapToGlobal(inside), {}, {0, -240}, Qt::NoButton, Qt::ShiftModifier, Qt::NoScrollPhase, false);
    QApplication::sendEvent(shown.view.viewport(), &wheel);
    QVERIFY(shown.image() != before);
    QCOMPARE(shown.view.verticalScrollBar()->value(), 0);
}

void MessageViewTest::statesShowTheirButtons_data()
{
    QTest::addColumn<StoredRole>("author");
    QTest::addColumn<MessageState>("state");
    QTest::addColumn<QList<int>>("expected");
    const auto list = [](std::initializer_list<MessageAction> actions) {
        QList<int> out;
        for (const MessageAction action : actions)
            out += int(action);
        return out;
    };
    using A = MessageAction;
    QTest::newRow("turn") << StoredRole::User << MessageState::Complete << list({A::Copy, A::Edit, A::More});
    QTest::newRow("reply") << StoredRole::Assistant << MessageState::Complete << list({A::Copy, A::Regenerate, A::Edit, A::More});
    QTest::newRow("streaming") << StoredRole::Assistant << MessageState::Generating << QList<int>();
    QTest::newRow("interrupted") << StoredRole::Assistant << MessageState::Interrupted << list({A::Copy, A::Regenerate, A::Edit, A::Continue, A::More});
    QTest::newRow("cancelled") << StoredRole::Assistant << MessageState::Cancelled << list({A::Copy, A::Regenerate, A::Edit, A::Continue, A::More});
    QTest::newRow("failed") << StoredRole::Assistant << MessageState::Failed << list({A::Copy, A::Regenerate, A::Edit, A::More});
    QTest::newRow("system") << StoredRole::System << MessageState::Complete << list({A::Copy, A::More});
}

void MessageViewTest::statesShowTheirButtons()
{
    QFETCH(const StoredRole, author);
    QFETCH(const MessageState, state);
    QFETCH(const QList<int>, expected);
    MessageLayout layout(MessageStyle(QApplication::font()), 660);
    MessageData data;
    data.author = int(author);
    data.state = int(state);
    data.text = QStringLiteral("text");
    data.notice = QStringLiteral("notice");
    layout.setData(data);
    layout.settle(0, 1000);
    QList<int> actions;
    for (const MessageTarget& target : layout.targets()) {
        actions += int(target.action);
        QVERIFY(target.rect.left() >= 0 && target.rect.right() < 660 && target.rect.bottom() < layout.height());
    }
    QCOMPARE(actions, expected);
}

void MessageViewTest::widthsAndFontsLayOut_data()
{
    QTest::addColumn<int>("width");
    QTest::addColumn<int>("fontPx");
    for (const int width : {60, 200, 380, 720, 2000}) {
        for (const int px : {9, 14, 28})
            QTest::addRow("%d px wide, font %d", width, px) << width << px;
    }
}

void MessageViewTest::widthsAndFontsLayOut()
{
    QFETCH(const int, width);
    QFETCH(const int, fontPx);
    QStandardItemModel model;
    model.appendRow(message(StoredRole::User, QStringLiteral("A turn that is long enough to wrap in a narrow window\n\nمرحبا بالعالم")));
    model.appendRow(message(StoredRole::Assistant, QStringLiteral("> > > - - 1. deep\n\n|a|b|c|\n|-|-|-|\n|some words|unbreakablewordunbreakableword|x|\n\n## مرحبا\n\n```\nx\n```\n")));
    MessageView view;
    QFont font = QApplication::font();
    font.setPixelSize(fontPx);
    view.setFont(font);
    view.resize(width, 500);
    view.setModel(&model);
    view.show();
    settleEvents();
    view.grab();
    QVERIFY(view.messageRect(0).height() >= fontPx * 2);
    QVERIFY(view.messageRect(1).height() >= fontPx * 8);
}

void MessageViewTest::themeChangeRepaints()
{
    QStandardItemModel model;
    fill(model, 2);
    Shown shown(&model);
    const QImage light = shown.image();
    Theme::instance().choose(ThemeChoice::Dark);
    settleEvents();
    QCOMPARE(shown.image().pixelColor(2, 2), darkColors().page);
    Theme::instance().choose(ThemeChoice::Light);
    settleEvents();
    QCOMPARE(shown.image(), light);
}

void MessageViewTest::removedRows()
{
    QStandardItemModel model;
    fill(model, 30);
    Shown shown(&model);
    QTest::keyClick(&shown.view, Qt::Key_A, Qt::ControlModifier);
    model.removeRows(10, 20);
    QCOMPARE(shown.view.selectedText(), QString());
    settleEvents();
    QVERIFY(shown.view.messageRect(9).intersects(shown.view.viewport()->rect()));
    model.removeRows(0, 10);
    settleEvents();
    shown.moveTo({400, 300});
    QCOMPARE(shown.inkIn(shown.view.viewport()->rect()), 0);
}

void MessageViewTest::accessibleChildren()
{
    QStandardItemModel model;
    fill(model, 3);
    Shown shown(&model);
    QAccessibleInterface* list = QAccessible::queryAccessibleInterface(&shown.view);
    QVERIFY(list);
    QCOMPARE(list->role(), QAccessible::List);
    QCOMPARE(list->text(QAccessible::Name), QStringLiteral("Conversation"));
    QCOMPARE(list->childCount(), 3);
    QAccessibleInterface* item = list->child(0);
    QVERIFY(item);
    QCOMPARE(item->text(QAccessible::Name), QStringLiteral("You: Question 0"));
    QCOMPARE(list->child(0), item);
    QCOMPARE(list->indexOfChild(item), 0);
    QVERIFY(!item->rect().isEmpty());
    QVERIFY(list->child(1)->text(QAccessible::Name).startsWith(QStringLiteral("Reply: Answer 1")));
    QCOMPARE(list->child(3), nullptr);
}

QTEST_MAIN(MessageViewTest)
#include "message_view_test.moc"
