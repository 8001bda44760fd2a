// SPDX-License-Identifier: Apache-2.0
//
// Composer: what Enter, Escape, input methods, pasting and the button do.
#include "ui/style/theme.h"
#include "ui/models/message_attachments.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/composer_input.h"

#include <QAbstractButton>
#include <QApplication>
#include <QClipboard>
#include <QLabel>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QToolButton>
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
    void hugeTextKeepsItsText_data();
    void hugeTextKeepsItsText();
    void undoRestoresTheText();
    void longPasteBecomesAnAttachment();
    void filesBecomeAttachments();
    void whatIsNoTextIsRefused();
    void draftHoldsAll();
    void upBringsBackWhatWasSent();
    void replyCanBeBegun();
    void tokensAreShown();
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

void ComposerTest::hugeTextKeepsItsText_data()
{
    QTest::addColumn<QString>("text");
    QTest::newRow("one line") << QString(1'000'000, u'x');
    QTest::newRow("words") << QString(QStringLiteral("some words ")).repeated(90'000).trimmed();
    QTest::newRow("lines") << QString(QStringLiteral("a line of a log\n")).repeated(60'000).trimmed();
    QTest::newRow("surrogates") << QString(QString::fromUtf8("a😀")).repeated(20'000);
    QTest::newRow("just at the limit") << QString(4000, u'y') + u'\n' + QString(4001, u'z') + u'\n' + QString(8000, u'w');
}

/// Without the cuts the first row takes minutes.
void ComposerTest::hugeTextKeepsItsText()
{
    QFETCH(const QString, text);
    m_composer->setText(text); // pasted it would become an attachment
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
    const QString text(7'000, u'q');
    paste(text);
    m_composer->setText({});
    input()->undo();
    QVERIFY(m_composer->text() == text);
}

void ComposerTest::longPasteBecomesAnAttachment()
{
    const QString text = QString(QStringLiteral("a line of a log\n")).repeated(1000).trimmed();
    QTest::keyClicks(input(), QStringLiteral("Why?"));
    paste(text);
    QCOMPARE(m_composer->text(), QStringLiteral("Why?"));
    const TurnText turn = splitAttachments(m_composer->draft());
    QCOMPARE(turn.attachments.size(), 1u);
    QVERIFY(turn.attachments[0].text == text);
    auto* chip = m_composer->findChild<QToolButton*>(QStringLiteral("attachmentChip"));
    QVERIFY(chip && !chip->accessibleName().isEmpty());
    QTest::mouseClick(chip, Qt::LeftButton);
    QCOMPARE(m_composer->draft(), QStringLiteral("Why?"));
}

void ComposerTest::filesBecomeAttachments()
{
    const QTemporaryDir folder;
    const auto write = [&](const QString& name, const QByteArray& bytes) {
        QFile file(folder.filePath(name));
        if (file.open(QFile::WriteOnly))
            file.write(bytes);
        return QUrl::fromLocalFile(file.fileName());
    };
    auto* data = new QMimeData;
    data->setUrls({write(QStringLiteral("a.csv"), "day,visits\r\n1,2\r\n"), write(QStringLiteral("b.py"), "print(1)\n")});
    QApplication::clipboard()->setMimeData(data);
    input()->paste();
    const TurnText turn = splitAttachments(m_composer->draft());
    QCOMPARE(turn.attachments.size(), 2u);
    QCOMPARE(turn.attachments[0], (Attachment{QStringLiteral("a.csv"), QStringLiteral("csv"), QStringLiteral("day,visits\n1,2")}));
    QCOMPARE(turn.attachments[1], (Attachment{QStringLiteral("b.py"), QStringLiteral("py"), QStringLiteral("print(1)")}));
    // Files alone can be sent.
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    QTest::keyClick(input(), Qt::Key_Return);
    QCOMPARE(spy.size(), 1);
    QCOMPARE(splitAttachments(spy[0][0].toString()).attachments, turn.attachments);
    QVERIFY(m_composer->draft().isEmpty());
}

void ComposerTest::whatIsNoTextIsRefused()
{
    const QTemporaryDir folder;
    const auto problemWith = [&](const QString& name, const QByteArray& bytes) {
        QFile file(folder.filePath(name));
        if (file.open(QFile::WriteOnly))
            file.write(bytes);
        file.close();
        m_composer->attachFiles({file.fileName()});
        return m_composer->findChild<QLabel*>(QStringLiteral("attachmentProblem"))->text();
    };
    QVERIFY(problemWith(QStringLiteral("a.pdf"), "%PDF-1.7 ...").contains(QLatin1String("PDF")));
    QVERIFY(problemWith(QStringLiteral("a.png"), QByteArray("\x89PNG\r\n\x1a\n\0\0", 10)).contains(QLatin1String("not a text file")));
    QVERIFY(problemWith(QStringLiteral("a.bin"), "\xfd\x80 latin").contains(QLatin1String("not a text file")));
    QVERIFY(problemWith(QStringLiteral("a.log"), QByteArray(2 * kMaxAttachmentBytes, 'x')).contains(QLatin1String("larger")));
    QVERIFY(problemWith(QStringLiteral("a.txt"), "\n\n").contains(QLatin1String("empty")));
    m_composer->attachFiles({folder.path()});
    QVERIFY(m_composer->findChild<QLabel*>(QStringLiteral("attachmentProblem"))->text().contains(QLatin1String("folder")));
    QVERIFY(m_composer->draft().isEmpty());
    QTest::keyClicks(input(), QStringLiteral("x")); // who types on has read it
    QVERIFY(m_composer->findChild<QLabel*>(QStringLiteral("attachmentProblem"))->text().isEmpty());
}

void ComposerTest::draftHoldsAll()
{
    QSignalSpy changed(m_composer.get(), &Composer::draftChanged);
    const QString draft = joinAttachments({{{QStringLiteral("a.md"), QStringLiteral("md"), QStringLiteral("```\nfenced\n```")}}, QStringLiteral("typed\ntext")});
    m_composer->setDraft(draft);
    QCOMPARE(m_composer->draft(), draft);
    QCOMPARE(m_composer->text(), QStringLiteral("typed\ntext"));
    QVERIFY(!changed.isEmpty());
    m_composer->setDraft({});
    QVERIFY(m_composer->draft().isEmpty());
}

void ComposerTest::upBringsBackWhatWasSent()
{
    m_composer->setHistory({QStringLiteral("first"), QStringLiteral("second\nof two lines"), QStringLiteral("third")});
    QTest::keyClick(input(), Qt::Key_Up);
    QCOMPARE(m_composer->text(), QStringLiteral("third"));
    QTest::keyClick(input(), Qt::Key_Up);
    QCOMPARE(m_composer->text(), QStringLiteral("second\nof two lines"));
    QTest::keyClick(input(), Qt::Key_Up); // within the two lines first
    QTest::keyClick(input(), Qt::Key_Up);
    QCOMPARE(m_composer->text(), QStringLiteral("first"));
    QTest::keyClick(input(), Qt::Key_Up);
    QCOMPARE(m_composer->text(), QStringLiteral("first"));
    QTest::keyClick(input(), Qt::Key_Down);
    QCOMPARE(m_composer->text(), QStringLiteral("second\nof two lines"));
    // What is typed is never replaced.
    m_composer->setText(QStringLiteral("mine"));
    QTest::keyClick(input(), Qt::Key_Up);
    QCOMPARE(m_composer->text(), QStringLiteral("mine"));
}

void ComposerTest::replyCanBeBegun()
{
    QSignalSpy spy(m_composer.get(), &Composer::submitted);
    auto* start = m_composer->findChild<QPlainTextEdit*>(QStringLiteral("replyStartInput"));
    QVERIFY(!start->isVisible());
    QTest::keyClicks(input(), QStringLiteral("List three"));
    m_composer->beginReplyStart();
    QVERIFY(start->isVisible());
    QTest::keyClicks(start, QStringLiteral("1. "));
    QTest::keyClick(start, Qt::Key_Return);
    QCOMPARE(spy.size(), 1);
    QCOMPARE(spy[0][1].toString(), QStringLiteral("1. "));
    QVERIFY(!start->isVisible());
    QTest::keyClicks(input(), QStringLiteral("next"));
    QTest::keyClick(input(), Qt::Key_Return);
    QVERIFY(spy[1][1].toString().isEmpty());
}

void ComposerTest::tokensAreShown()
{
    const auto* label = m_composer->findChild<QLabel*>(QStringLiteral("composerTokens"));
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates)); // as the program does
    m_composer->setTokens(1234, 4096);
    QVERIFY(label->text().contains(QLatin1String("1,234")) && label->text().contains(QLatin1String("4,096")));
    m_composer->setTokens(-1, 4096);
    QVERIFY(label->text().isEmpty());
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
