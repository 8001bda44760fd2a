// SPDX-License-Identifier: Apache-2.0
//
// Composer: what Enter, Escape, input methods, pasting and the button do.
#include "ui/style/theme.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/composer_input.h"

#include <QAbstractButton>
#include <QApplication>
#include <QClipboard>
#include <QLabel>
#include <QMimeData>
#include <QSignalSpy>
#include <QtTest>

using namespace hearth::ui;

class ComposerTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { Theme::instance().choose(ThemeChoice::Light); }
    void init();
    void cleanup() { m_composer.reset(); }

    void enterSends();
    void shiftEnterMakesALine();
    void blankIsNotSent();
    void enterOfAnInputMethodDoesNotSend();
    void busyTurnsSendIntoStop();
    void disabledSaysWhy();
    void growsToTenLines();
    void pasteIsPlainText();
    void hugePasteKeepsItsText_data();
    void hugePasteKeepsItsText();
    void undoRestoresTheText();
    void clickAnywhereFocuses();

private:
    [[nodiscard]] ComposerInput* input() const { return m_composer->findChild<ComposerInput*>(); }
    [[nodiscard]] QAbstractButton* button() const { return m_composer->findChild<QAbstractButton*>(QStringLiteral("composerButton")); }
    void paste(const QString& text);

    std::unique_ptr<Composer> m_composer;
};

void ComposerTest::init()
{
    m_composer = std::make_unique<Composer>();
    m_composer->resize(600, m_composer->sizeHint().height());
    m_composer->show();
    m_composer->activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(m_composer.get()));
    m_composer->focusInput();
}

void ComposerTest::paste(const QString& text)
{
    QApplication::clipboard()->setText(text);
    input()->paste();
}

void ComposerTest::enterSends()
{
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    QVERIFY(input()->hasFocus());
    QVERIFY(!button()->isEnabled());
    QTest::keyClicks(input(), QStringLiteral(" hello "));
    QVERIFY(button()->isEnabled());
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(spy.size(), 1);
    QCOMPARE(spy[0][0].toString(), QStringLiteral("hello"));
    QCOMPARE(m_composer->text(), QString());
    m_composer->setText(QStringLiteral("two"));
    QTest::mouseClick(button(), Qt::LeftButton);
    QCOMPARE(spy.size(), 2);
    QTest::keyClick(input(), Qt::Key_Enter, Qt::KeypadModifier);
    QCOMPARE(spy.size(), 2);
}

void ComposerTest::shiftEnterMakesALine()
{
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    QTest::keyClicks(input(), QStringLiteral("a"));
    QTest::keyClick(input(), Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClicks(input(), QStringLiteral("b"));
    QCOMPARE(spy.size(), 0);
    QCOMPARE(m_composer->text(), QStringLiteral("a\nb"));
    QCOMPARE(input()->document()->blockCount(), 2);
}

void ComposerTest::blankIsNotSent()
{
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    m_composer->setText(QStringLiteral(" \n\t\n"));
    QVERIFY(!button()->isEnabled());
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(spy.size(), 0);
}

void ComposerTest::enterOfAnInputMethodDoesNotSend()
{
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    QInputMethodEvent composing(QStringLiteral("に"), {});
    QApplication::sendEvent(input(), &composing);
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(spy.size(), 0);
    QInputMethodEvent committed;
    committed.setCommitString(QStringLiteral("日"));
    QApplication::sendEvent(input(), &committed);
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(spy.size(), 1);
    QCOMPARE(spy[0][0].toString(), QStringLiteral("日"));
}

void ComposerTest::busyTurnsSendIntoStop()
{
    QSignalSpy sent(m_composer.get(), &Composer::submitted);
    QSignalSpy stopped(m_composer.get(), &Composer::stopRequested);
    m_composer->setText(QStringLiteral("next"));
    QTest::keyClick(input(), Qt::Key_Escape);
    QCOMPARE(stopped.size(), 0);
    m_composer->setBusy(true, QStringLiteral("Replying…"));
    QCOMPARE(m_composer->findChild<QLabel*>(QStringLiteral("composerStatus"))->text(), QStringLiteral("Replying…"));
    QCOMPARE(button()->text(), QStringLiteral("Stop"));
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(sent.size(), 0);
    QTest::keyClick(input(), Qt::Key_Escape);
    QTest::mouseClick(button(), Qt::LeftButton);
    QCOMPARE(stopped.size(), 2);
    QCOMPARE(m_composer->text(), QStringLiteral("next"));
    m_composer->setBusy(false);
    QCOMPARE(button()->text(), QStringLiteral("Send"));
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(sent.size(), 1);
}

void ComposerTest::disabledSaysWhy()
{
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    m_composer->setText(QStringLiteral("x"));
    m_composer->setSendEnabled(false, QStringLiteral("Choose a model first."));
    QVERIFY(!button()->isEnabled());
    QCOMPARE(button()->toolTip(), QStringLiteral("Choose a model first."));
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(spy.size(), 0);
    m_composer->setBusy(true); // what runs can be stopped in any case
    QVERIFY(button()->isEnabled());
    m_composer->setBusy(false);
    m_composer->setSendEnabled(true);
    QVERIFY(button()->isEnabled());
    QCOMPARE(button()->toolTip(), QString());
}

void ComposerTest::growsToTenLines()
{
    const int one = input()->sizeHint().height();
    m_composer->setText(QStringLiteral("a\nb\nc"));
    const int three = input()->sizeHint().height();
    QVERIFY(three > 2 * one);
    m_composer->setText(QString(QStringLiteral("line\n")).repeated(9) + QStringLiteral("line"));
    const int ten = input()->sizeHint().height();
    QVERIFY(ten > 9 * (one - 4));
    m_composer->setText(QString(QStringLiteral("line\n")).repeated(100));
    QCOMPARE(input()->sizeHint().height(), ten);
    m_composer->setText(QString(QStringLiteral("word ")).repeated(60)); // wraps
    QVERIFY(input()->sizeHint().height() > one);
    m_composer->setText({});
    QCOMPARE(input()->sizeHint().height(), one);
}

void ComposerTest::pasteIsPlainText()
{
    auto* data = new QMimeData;
    data->setHtml(QStringLiteral("<b>bold</b><img src='file:///etc/passwd'>"));
    data->setText(QStringLiteral("bold"));
    QApplication::clipboard()->setMimeData(data);
    input()->paste();
    QCOMPARE(m_composer->text(), QStringLiteral("bold"));
}

void ComposerTest::hugePasteKeepsItsText_data()
{
    QTest::addColumn<QString>("text");
    QTest::newRow("one line") << QString(1'000'000, u'x');
    QTest::newRow("words") << QString(QStringLiteral("some words ")).repeated(90'000).trimmed();
    QTest::newRow("lines") << QString(QStringLiteral("a line of a log\n")).repeated(60'000).trimmed();
    QTest::newRow("surrogates") << QString(QString::fromUtf8("a😀")).repeated(20'000);
    QTest::newRow("just at the limit") << QString(4000, u'y') + u'\n' + QString(4001, u'z') + u'\n' + QString(8000, u'w');
}

/// Without the cuts the first row takes minutes.
void ComposerTest::hugePasteKeepsItsText()
{
    QFETCH(const QString, text);
    paste(text);
    QVERIFY(m_composer->text() == text);
    QTest::keyClicks(input(), QStringLiteral("!"));
    input()->selectAll();
    input()->copy();
    QVERIFY(QApplication::clipboard()->text() == text + u'!');
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(spy.size(), 1);
    QVERIFY(spy[0][0].toString() == text + u'!');
}

void ComposerTest::undoRestoresTheText()
{
    const QString text(10'000, u'q');
    paste(text);
    m_composer->setText({});
    input()->undo();
    QVERIFY(m_composer->text() == text);
}

void ComposerTest::clickAnywhereFocuses()
{
    input()->clearFocus();
    QVERIFY(!input()->hasFocus());
    QTest::mouseClick(m_composer.get(), Qt::LeftButton, Qt::NoModifier, {100, m_composer->height() - 8});
    QVERIFY(input()->hasFocus());
}

QTEST_MAIN(ComposerTest)
#include "composer_test.moc"
