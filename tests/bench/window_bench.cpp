// SPDX-License-Identifier: Apache-2.0
//
// window_bench: what a very long conversation costs the window. Opens the real window over a database with one
// conversation of 10,000 messages (5 million characters) and one of a few, plays a reply at 200 tokens/s, and prints a
// Markdown table for docs/window-performance.md.
//
//     window_bench [--messages N] [--characters N]      (QT_QPA_PLATFORM=xcb or offscreen, the default)
//
// Times are of the GUI thread: from the click to the end of the first paint, one frame of scrolling, processor time while
// a reply streams. Memory is resident memory of the process above the same window with an empty chat.
#include "app/application.h"
#include "core/engine/scripted_generator.h"
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "ui/models/message_roles.h"
#include "ui/widgets/message_view.h"
#include "ui/windows/main_window.h"

#include <SQLiteCpp/Database.h>

#include <QAbstractItemView>
#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QFile>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <malloc.h>

using namespace hearth;

namespace {

constexpr int kTokensPerSecond = 200;
constexpr int kStreamSeconds = 10;

/// A reply as models write them: prose with emphasis, a list, now and then code or a table.
QString reply(int number, int characters) {
    QString text = QStringLiteral("**Answer %1.** The value in the *left* half is never less, so `first` moves on.\n\n").arg(number);
    if (number % 3 == 0) text += QStringLiteral("1. Read the file.\n2. Sort the rows by `date`.\n   - keep the head\n\n");
    if (number % 4 == 0) {
        text += QStringLiteral("```cpp\nint lowerBound(int n) {\n    // halve it\n    return n / 2 + %1;\n}\n```\n\n").arg(number);
    }
    if (number % 10 == 0) text += QStringLiteral("| name | size |\n|---|---:|\n| a | %1 |\n| b | 2 |\n\n").arg(number);
    const QString sentence = QStringLiteral("It keeps a half-open range that must contain the answer and halves it until it is empty. ");
    while (text.size() < characters) text += sentence;
    return text;
}

void writeHistory(const QString& path, int messages, int characters) {
    auto database = core::Database::open(path.toStdString());
    if (!database) qFatal("%s", database.error().message.c_str());
    (*database)->handle().exec("PRAGMA synchronous=OFF");
    core::ChatStore chats(**database);
    const int each = characters / messages;
    const auto small = chats.createConversation("A short one");
    (void)chats.addMessage(small->id, std::nullopt, core::StoredRole::User, "Hello", core::MessageState::Complete);
    const auto conversation = chats.createConversation("The long one");
    std::optional<core::MessageId> parent;
    for (int i = 0; i < messages; ++i) {
        const bool user = i % 2 == 0;
        const QString text = user ? QStringLiteral("Question %1: why is this so?").arg(i) : reply(i, 2 * each - 28);
        parent = chats.addMessage(conversation->id, parent, user ? core::StoredRole::User : core::StoredRole::Assistant,
                                  text.toStdString(), core::MessageState::Complete, user ? "" : "Bench 1B")->id;
    }
}

double threadSeconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

double residentMb() {
    malloc_trim(0);
    QFile file(QStringLiteral("/proc/self/status"));
    if (!file.open(QFile::ReadOnly)) return 0;
    for (const QByteArray& line : file.readAll().split('\n')) {
        if (line.startsWith("VmRSS:")) return line.mid(6).trimmed().split(' ').front().toDouble() / 1024.0;
    }
    return 0;
}

double percentile(std::vector<double> values, double part) {
    std::ranges::sort(values);
    return values[std::size_t(part * double(values.size() - 1))];
}

class Bench {
public:
    Bench(const QString& database, core::Script script)
        : m_application({database, QString()}, [script] { return std::make_unique<core::ScriptedGenerator>(script); }) {
        m_application.start();
        m_application.window().resize(1360, 860);
        (void)QTest::qWaitForWindowExposed(&m_application.window());
        m_application.window().openModel("/models/bench.gguf");
        (void)QTest::qWaitFor([this] { return !m_application.window().modelPath().isEmpty() && list()->model()->rowCount() == 2; });
        QTest::qWait(300);
    }

    void run(int messages, qsizetype characters) {
        std::printf("%d messages, %lld characters; window 1360 x 860, platform %s\n\n", messages, static_cast<long long>(characters),
                    qPrintable(QGuiApplication::platformName()));
        std::printf("| measure | target | measured |\n|---|---|---|\n");
        openConversation(1);
        QTest::qWait(200);
        const double before = residentMb();
        open();
        scroll();
        stream();
        std::printf("| memory above an empty window | < 150 MB | %.0f MB |\n", residentMb() - before);
    }

private:
    QAbstractItemView* list() { return m_application.window().findChild<QWidget*>("sidebar")->findChild<QAbstractItemView*>(); }
    ui::MessageView& view() { return *m_application.window().findChild<ui::MessageView*>("messages"); }

    void openConversation(int row) {
        const QModelIndex index = list()->model()->index(row, 0);
        QTest::mouseClick(list()->viewport(), Qt::LeftButton, {}, list()->visualRect(index).center());
    }

    void open() {
        std::vector<double> times;
        std::vector<double> blocked;
        for (int i = 0; i < 5; ++i) {
            QElapsedTimer wall;
            wall.start();
            const double cpu = threadSeconds();
            openConversation(0);
            while (view().model()->rowCount() < 100) QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
            view().viewport()->repaint();
            times.push_back(double(wall.nsecsElapsed()) / 1e6);
            blocked.push_back((threadSeconds() - cpu) * 1e3);
            QTest::qWait(100);
            if (i < 4) {
                openConversation(1);
                (void)QTest::qWaitFor([this] { return view().model()->rowCount() < 100; });
                QTest::qWait(100);
            }
        }
        std::printf("| open: click to painted, median of 5 | < 150 ms | %.0f ms (GUI thread %.0f ms) |\n", percentile(times, 0.5),
                    percentile(blocked, 0.5));
    }

    void scroll() {
        QScrollBar* bar = view().verticalScrollBar();
        const auto frames = [&](const char* name, auto step) {
            std::vector<double> times;
            for (int i = 0; i < 600; ++i) {
                QElapsedTimer wall;
                wall.start();
                step(i);
                QCoreApplication::processEvents();
                view().viewport()->repaint();
                times.push_back(double(wall.nsecsElapsed()) / 1e6);
            }
            std::printf("| scroll, %s: a frame, median / 99 %% / worst of 600 | < 16.7 ms | %.1f / %.1f / %.1f ms |\n", name,
                        percentile(times, 0.5), percentile(times, 0.99), percentile(times, 1.0));
        };
        bar->setValue(bar->maximum());
        frames("wheel up 120 px into what was never seen", [&](int) { bar->setValue(bar->value() - 120); });
        frames("thumb dragged over all of it", [&](int i) { bar->setValue(int(double(bar->maximum()) * (600 - i) / 600.0)); });
        bar->setValue(bar->maximum());
    }

    void stream() {
        auto* input = m_application.window().findChild<QWidget*>("composer")->findChild<QPlainTextEdit*>();
        input->setFocus();
        QTest::keyClicks(input, "Go on");
        QTest::keyClick(input, Qt::Key_Return);
        QTest::qWait(300);
        QElapsedTimer wall;
        wall.start();
        const double cpu = threadSeconds();
        const int from = int(view().model()->index(view().model()->rowCount() - 1, 0).data(ui::TextRole).toString().size());
        QEventLoop loop;
        QTimer::singleShot(kStreamSeconds * 1000, &loop, &QEventLoop::quit);
        loop.exec();
        const double seconds = double(wall.nsecsElapsed()) / 1e9;
        const double used = threadSeconds() - cpu;
        const QString text = view().model()->index(view().model()->rowCount() - 1, 0).data(ui::TextRole).toString();
        std::printf("| stream %d tokens/s for %d s (%lld characters): GUI thread | < 30 %% of a core | %.1f %% |\n", kTokensPerSecond,
                    kStreamSeconds, static_cast<long long>(text.size() - from), 100.0 * used / seconds);
        QTest::keyClick(input, Qt::Key_Escape);
        QTest::qWait(300);
    }

    app::Application m_application;
};

} // namespace

int main(int argc, char** argv) {
    if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    const QTemporaryDir home; // nothing of the user's own is touched
    qputenv("HOME", home.path().toUtf8());
    qputenv("XDG_DATA_HOME", home.filePath("data").toUtf8());
    QApplication qt(argc, argv);
    QCommandLineParser parser;
    const QCommandLineOption messages("messages", "Messages of the long conversation.", "N", "10000");
    const QCommandLineOption characters("characters", "Their characters together.", "N", "5000000");
    parser.addOptions({messages, characters});
    parser.addHelpOption();
    parser.process(qt);
    const int count = std::max(200, parser.value(messages).toInt());
    const int size = parser.value(characters).toInt();

    core::Script script;
    script.model.name = "Bench 1B";
    script.model.backend = "CPU";
    script.model.contextLength = 8192;
    script.perPiece = std::chrono::milliseconds(1000 / kTokensPerSecond);
    script.pieces.clear();
    for (int number = 0; script.pieces.size() < 20'000; number += 4) {
        const QString text = reply(number, 1500) + QStringLiteral("\n\n");
        for (qsizetype i = 0; i < text.size(); i += 4) script.pieces.push_back(text.mid(i, 4).toStdString());
    }
    const QString database = home.filePath("history.db");
    writeHistory(database, count, size);
    Bench(database, script).run(count, size);
    return 0;
}
