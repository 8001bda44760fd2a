// SPDX-License-Identifier: Apache-2.0
//
// The window's history: searching and jumping, export and import, backups, and the model menu's order; as a person does it.
#include "tests/ui/windows/window_driver.h"
#include "ui/models/conversation_roles.h"
#include "ui/windows/archive_actions.h"
#include "ui/windows/export_document.h"

#include <QFile>
#include <QLineEdit>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace hearth;
using namespace hearth::ui;

namespace {

core::Script script() {
    core::Script made;
    made.model.name = "Scripted 1B";
    made.model.backend = "CPU";
    made.model.contextLength = 4096;
    return made;
}

QByteArray bytesOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class HistoryTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() {
        static const QTemporaryDir home;
        qputenv("HOME", home.path().toUtf8());
        qputenv("XDG_DATA_HOME", home.filePath("data").toUtf8());
        qputenv("XDG_CACHE_HOME", home.filePath("cache").toUtf8());
    }

    void search_jumpsToTheMessage() {
        WindowDriver driver(script());
        driver.openModel("a.gguf");
        driver.send("where is the needle");
        QTRY_VERIFY(driver.isIdle() && driver.texts().size() == 2);
        driver.action("&New chat")->trigger();
        driver.send("something else");
        QTRY_VERIFY(driver.isIdle() && driver.texts().value(0) == "something else");
        auto* search = driver.window().findChild<QLineEdit*>("search");
        search->setText("needl");
        auto* list = driver.window().findChild<QWidget*>("sidebar")->findChild<QAbstractItemView*>();
        QTRY_COMPARE(list->model()->index(1, 0).data(RowKindRole).toInt(), int(RowKind::Hit)); // below the title
        QCOMPARE(list->model()->rowCount(), 2);
        driver.openConversation(1);
        QTRY_COMPARE(driver.texts().value(0), "where is the needle");
        search->clear();
        QTRY_COMPARE(list->model()->index(1, 0).data(RowKindRole).toInt(), int(RowKind::Conversation));
    }

    void export_everyFormatAndBack() {
        const QTemporaryDir folder;
        WindowDriver driver(script());
        driver.openModel("a.gguf");
        driver.send("a **question** <b>&");
        QTRY_VERIFY(driver.isIdle() && driver.texts().size() == 2);
        auto* archive = driver.window().findChild<ArchiveActions*>();
        const auto id = driver.window().findChild<QWidget*>("sidebar")->findChild<QAbstractItemView*>()->model()->index(0, 0).data(ConversationIdRole).toLongLong();
        for (const char* name : {"a.md", "a.html", "a.pdf", "a.json"}) {
            const QString path = folder.filePath(name);
            archive->exportTo(path, {id});
            QTRY_VERIFY(QFile::exists(path));
        }
        QVERIFY(bytesOf(folder.filePath("a.md")).contains("## You\n\na **question** <b>&"));
        const QByteArray html = bytesOf(folder.filePath("a.html"));
        QVERIFY(html.contains("&lt;b&gt;") && !html.contains("<b>&amp;"));
        QVERIFY(bytesOf(folder.filePath("a.pdf")).startsWith("%PDF-"));
        archive->importFrom(folder.filePath("a.json"));
        QTRY_COMPARE(driver.conversationTitles().size(), 2);
        QVERIFY(driver.notice().contains("Imported"));
    }

    void import_brokenFileIsExplained() {
        const QTemporaryDir folder;
        QFile file(folder.filePath("broken.json"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("[{\"mapping\": 5}]");
        file.close();
        WindowDriver driver(script());
        driver.window().findChild<ArchiveActions*>()->importFrom(file.fileName());
        QTRY_VERIFY(driver.notice().contains("Nothing was imported"));
        QVERIFY(driver.notice().contains("ChatGPT")); // what would be right
        QVERIFY(driver.conversationTitles().isEmpty());
    }

    void backup_isRestored() {
        const QTemporaryDir folder;
        const QString database = folder.filePath("chats.db");
        WindowDriver driver(script(), database);
        driver.openModel("a.gguf");
        driver.send("kept");
        QTRY_VERIFY(driver.isIdle() && driver.conversationTitles().size() == 1);
        driver.action("&Back up now")->trigger();
        QTRY_VERIFY(driver.notice().contains("Backed up"));
        driver.action("&New chat")->trigger();
        driver.send("later");
        QTRY_VERIFY(driver.isIdle() && driver.conversationTitles().size() == 2);
        const auto backups = core::backupsOf(database.toStdString());
        QCOMPARE(backups.size(), 1u);
        driver.window().findChild<ArchiveActions*>()->restore(backups.front().file);
        QTRY_COMPARE(driver.conversationTitles(), QStringList{"kept"});
        QVERIFY(driver.texts().isEmpty());
        driver.send("and it goes on");
        QTRY_COMPARE(driver.conversationTitles().size(), 2);
    }

    void pdf_hasItsPages() {
        const QTemporaryDir folder;
        QString markdown = "# Long\n\n";
        for (int i = 0; i < 300; ++i) markdown += "A paragraph of words that goes on for a while, number " + QString::number(i) + ".\n\n";
        const auto written = writePdf(folder.filePath("long.pdf"), "Long", markdown);
        QVERIFY(written.has_value());
        const QByteArray pdf = bytesOf(folder.filePath("long.pdf"));
        QVERIFY(pdf.count("/Type /Page\n") > 5 || pdf.count("/Type /Page") > 6);
        QVERIFY(!writePdf("/nowhere/at/all.pdf", "x", "y").has_value());
    }

    void modelMenu_lastUsedAndFavouritesFirst() {
        WindowDriver driver(script());
        QStringList names;
        for (int i = 0; i < 12; ++i) names << QString("m%1.gguf").arg(i, 2, 10, QChar('0'));
        driver.writeModelFolder(names);
        QTRY_COMPARE(int(driver.modelMenu().modelActions().size()), 12);
        QVERIFY(driver.modelMenu().findChild<QLineEdit*>("modelSearch"));
        const auto order = [&] {
            QStringList all;
            for (const QAction* action : driver.modelMenu().modelActions()) all << action->data().toString().section('/', -1);
            return all;
        };
        const QString folder = driver.modelMenu().modelActions().front()->data().toString().section('/', 0, -2);
        driver.modelMenu().setAtHand({folder + "/m07.gguf", "/gone.gguf"}, {folder + "/m03.gguf", folder + "/m07.gguf"});
        QCOMPARE(order().mid(0, 3), (QStringList{"m07.gguf", "m03.gguf", "m00.gguf"}));
        QCOMPARE(order().size(), 12); // each once
        driver.modelMenu().findChild<QLineEdit*>("modelSearch")->setText("m1");
        int visible = 0;
        for (const QAction* action : driver.modelMenu().modelActions()) visible += action->isVisible();
        QCOMPARE(visible, 2);
    }

    void favourite_isKept() {
        WindowDriver driver(script());
        driver.openModel("a.gguf");
        QVERIFY(!driver.action("Fa&vourite")->isChecked());
        driver.action("Fa&vourite")->trigger();
        QTRY_VERIFY(driver.action("Fa&vourite")->isChecked());
        driver.action("Fa&vourite")->trigger();
        QTRY_VERIFY(!driver.action("Fa&vourite")->isChecked());
    }

    void modelFromElsewhere_isInTheMenu() {
        const QTemporaryDir folder;
        const QString path = folder.filePath("elsewhere.gguf");
        QFile file(path);
        QVERIFY(file.open(QFile::WriteOnly));
        file.write("no model, but the scripted engine does not mind");
        file.close();
        WindowDriver driver(script());
        const auto isListed = [&] {
            const auto actions = driver.modelMenu().actions();
            return std::ranges::any_of(actions, [&](const QAction* action) { return action->data().toString() == path; });
        };
        QVERIFY(!isListed());
        driver.window().openModel(path);
        QTRY_VERIFY(isListed());
    }
};

QTEST_MAIN(HistoryTest)
#include "history_test.moc"
