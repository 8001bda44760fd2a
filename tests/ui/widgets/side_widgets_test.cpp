// SPDX-License-Identifier: Apache-2.0
//
// The small widgets: notice bar, toast, model button, chip, empty state.
#include "ui/style/theme.h"
#include "ui/widgets/chip.h"
#include "ui/widgets/empty_state.h"
#include "ui/widgets/model_button.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/toast.h"

#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>

using namespace hearth::ui;

class SideWidgetsTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { Theme::instance().choose(ThemeChoice::Light); }

    void notice_showsOnlyWhatThereIs() {
        QWidget window;
        NoticeBar bar(&window);
        window.show();
        QVERIFY(bar.isHidden());
        bar.showNotice(NoticeBar::Kind::Error, QStringLiteral("It failed"), QStringLiteral("<b>file</b> is short"));
        QVERIFY(bar.isVisible());
        QCOMPARE(bar.findChild<QLabel*>(QStringLiteral("title"))->text(), "It failed");
        const auto* body = bar.findChild<QLabel*>(QStringLiteral("body"));
        QCOMPARE(body->textFormat(), Qt::PlainText);
        QVERIFY(body->textInteractionFlags().testFlag(Qt::TextSelectableByMouse));
        QVERIFY(!bar.findChild<QLabel*>(QStringLiteral("remedy"))->isVisible());
        QVERIFY(!bar.findChild<QPushButton*>(QStringLiteral("action"))->isVisible());
        QCOMPARE(bar.accessibleName(), "It failed");
    }

    void notice_closesAndSaysSoOnce() {
        QWidget window;
        NoticeBar bar(&window);
        window.show();
        bar.showNotice(NoticeBar::Kind::Info, QStringLiteral("A"), QStringLiteral("B"));
        QSignalSpy dismissed(&bar, &NoticeBar::dismissed);
        bar.findChild<QToolButton*>(QStringLiteral("close"))->click();
        QVERIFY(bar.isHidden());
        bar.dismiss();
        QCOMPARE(dismissed.size(), 1);
    }

    void notice_actionMayShowTheNextNotice() {
        QWidget window;
        NoticeBar bar(&window);
        window.show();
        int runs = 0;
        bar.showNotice(NoticeBar::Kind::Warning, QStringLiteral("A"), {}, {}, QStringLiteral("Again"), [&] {
            ++runs;
            bar.showNotice(NoticeBar::Kind::Info, QStringLiteral("Next"), {});
        });
        auto* button = bar.findChild<QPushButton*>(QStringLiteral("action"));
        QCOMPARE(button->text(), "Again");
        button->click();
        QCOMPARE(runs, 1);
        QVERIFY(bar.isVisible());
        QCOMPARE(bar.findChild<QLabel*>(QStringLiteral("title"))->text(), "Next");
        button->click();
        QCOMPARE(runs, 1);
    }

    void toast_undoesOnceAndGoes() {
        QWidget window;
        window.resize(600, 400);
        Toast toast(&window);
        window.show();
        int undone = 0;
        toast.offerUndo(QStringLiteral("Deleted"), [&] { ++undone; });
        QVERIFY(toast.isVisible());
        QVERIFY(window.rect().contains(toast.geometry()));
        auto* button = toast.findChild<QPushButton*>(QStringLiteral("undo"));
        button->click();
        button->click();
        QCOMPARE(undone, 1);
        QVERIFY(toast.isHidden());
    }

    void toast_goesByItselfWithoutUndoing() {
        QWidget window;
        window.setFocusPolicy(Qt::StrongFocus); // else Undo is the only place for the focus, and the toast waits
        window.setFocus();
        Toast toast(&window);
        window.show();
        int undone = 0;
        toast.offerUndo(QStringLiteral("Deleted"), [&] { ++undone; }, 20);
        QTRY_VERIFY(toast.isHidden());
        QCOMPARE(undone, 0);
    }

    void modelButton_names() {
        ModelButton button;
        QVERIFY(!button.isLoading());
        QCOMPARE(button.accessibleName(), "Choose a model");
        button.setModel(QStringLiteral("TinyLlama"), QStringLiteral("Q4_0"));
        QCOMPARE(button.accessibleName(), "Model: TinyLlama Q4_0");
        button.setLoading(QStringLiteral("TinyLlama"), 0.437);
        QVERIFY(button.isLoading());
        QCOMPARE(button.accessibleName(), "Loading TinyLlama, 43 %");
        const int width = button.sizeHint().width();
        button.setLoading(QStringLiteral("TinyLlama"), 7.0);
        QCOMPARE(button.accessibleName(), "Loading TinyLlama, 100 %");
        QCOMPARE(button.sizeHint().width(), width);
    }

    void modelButton_crossCancelsAndTheRestDoesNot() {
        ModelButton button;
        button.setLoading(QStringLiteral("TinyLlama"), 0.5);
        button.resize(button.sizeHint());
        button.show();
        QSignalSpy cancelled(&button, &ModelButton::cancelRequested);
        QSignalSpy clicked(&button, &QToolButton::clicked);
        QTest::mouseClick(&button, Qt::LeftButton, {}, QPoint(button.width() - 16, button.height() / 2));
        QCOMPARE(cancelled.size(), 1);
        QCOMPARE(clicked.size(), 0);
        QTest::mouseClick(&button, Qt::LeftButton, {}, QPoint(20, button.height() / 2));
        QCOMPARE(cancelled.size(), 1);
        QTest::keyClick(&button, Qt::Key_Escape);
        QCOMPARE(cancelled.size(), 2);
        button.setModel(QStringLiteral("TinyLlama"), {});
        QTest::mouseClick(&button, Qt::LeftButton, {}, QPoint(button.width() - 16, button.height() / 2));
        QCOMPARE(cancelled.size(), 2);
    }

    void chip_hidesWithoutAFact() {
        QWidget window;
        Chip chip(&window);
        window.show();
        chip.setFact({});
        QVERIFY(!chip.isVisible());
        chip.setFact(QStringLiteral("CPU"), Chip::Dot::Good);
        QVERIFY(chip.isVisible());
        QCOMPARE(chip.accessibleName(), "CPU");
    }

    void emptyState_offersTheOneThingToDo() {
        EmptyState empty;
        empty.show();
        auto* button = empty.findChild<QPushButton*>(QStringLiteral("action"));
        QSignalSpy opens(&empty, &EmptyState::openFileRequested);
        QSignalSpy chooses(&empty, &EmptyState::chooseModelRequested);
        empty.setNoModel();
        button->click();
        QCOMPARE(opens.size(), 1);
        empty.setNoModel(3);
        button->click();
        QCOMPARE(chooses.size(), 1);
        QCOMPARE(opens.size(), 1);
        empty.setReady(QStringLiteral("TinyLlama"));
        QVERIFY(!button->isVisible());
        QCOMPARE(empty.accessibleName(), "TinyLlama");
    }

    void everythingPaintsInBothThemes() {
        for (const ThemeChoice choice : {ThemeChoice::Dark, ThemeChoice::Light}) {
            Theme::instance().choose(choice);
            NoticeBar bar;
            bar.resize(500, 100);
            bar.showNotice(NoticeBar::Kind::Warning, QStringLiteral("A"), QStringLiteral("B"));
            const QImage image = bar.grab().toImage();
            QCOMPARE(image.pixelColor(image.width() / 2, image.height() - 4), Theme::current().panel);
        }
    }
};

QTEST_MAIN(SideWidgetsTest)
#include "side_widgets_test.moc"
