// SPDX-License-Identifier: Apache-2.0
//
// window_shots: pictures of the window in named situations of reading and writing, to be looked at by people. Scripted
// engine, made-up conversations, nothing of the user's own.
//
//     window_shots OUT_FOLDER [--theme light|dark] [--size 1360x860]      (QT_SCALE_FACTOR=2 for twice the pixels)
#include "app/application.h"
#include "core/engine/scripted_generator.h"
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "ui/models/message_attachments.h"
#include "ui/models/settings_model.h"
#include "ui/style/theme.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/message_view.h"
#include "ui/windows/main_window.h"

#include <QAction>
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QTemporaryDir>
#include <QTest>

#include <cstdio>

using namespace hearth;

namespace {

const char* const kFormulas = R"(<think>
The user wants the quadratic formula. I should derive it by completing the square.
</think>

## The quadratic formula

For $ax^2 + bx + c = 0$ with $a \neq 0$ the solutions are

$$
x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
$$

The discriminant $\Delta = b^2 - 4ac$ says how many there are, since \(\sqrt{\Delta} \in \mathbb{R}\) needs $\Delta \ge 0$. A sum, an integral, a limit:

\[
\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}, \qquad \int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}, \qquad \lim_{x \to 0} \frac{\sin x}{x} = 1
\]

Matrices and cases:

$$
A = \begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}, \qquad |x| = \begin{cases} x & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}
$$

\begin{align}
(a+b)^2 &= a^2 + 2ab + b^2 \\
&= \boxed{c}
\end{align}

It costs $5 or $10, as ever.
)";

const char* const kMarkdown = R"(# Release plan

A **bold** claim, an *italic* one, ~~a withdrawn one~~, `inline code` and [a link](https://example.org/a/long/path).

1. First things first
   - nested, with `code`
   - [x] done
   - [ ] not done
2. Then the rest:

   ```python
   def lower_bound(values, x):
       # halve the range
       first, count = 0, len(values)
       while count > 0:
           half = count // 2
           if values[first + half] < x:
               first += half + 1
       return first
   ```

> Quoted wisdom, which may
> run over lines.
>
> > And deeper.

| name | size | note |
|:-----|-----:|:----:|
| alpha | 1,024 | fine |
| beta | 12 | *see* $x^2$ |

---

שלום עולם, זה טקסט מימין לשמאל עם `code` באמצע.

日本語の段落も、行の途中で折り返されるべきです。長い文章になると、どこで改行されるかが読みやすさを決めます。
)";

QString hostile() {
    return QStringLiteral("Averylongwordwithoutanyspace").repeated(30) + QStringLiteral("\n\n```\n") + QStringLiteral("wide ").repeated(200)
        + QStringLiteral("\n```\n\n") + QString::fromUtf8("Z̸̡͎̟a̷l̶g̵o̴ 👩‍👩‍👧‍👦🏳️‍🌈 \u202Egnihtemos\u202C <script>alert(1)</script>\n\n")
        + QStringLiteral("> ").repeated(20) + QStringLiteral("deep\n\n|") + QStringLiteral("a|").repeated(20) + QStringLiteral("\n|") + QStringLiteral("-|").repeated(20)
        + QStringLiteral("\n|") + QStringLiteral("cell with words|").repeated(20) + QStringLiteral("\n\n$$\n") + QStringLiteral("\\frac{a_1 + b_2}{c} + ").repeated(20) + QStringLiteral("x\n$$\n");
}

core::ConversationId addChat(core::ChatStore& chats, const std::string& title, const QList<QPair<QString, QString>>& turns) {
    const auto chat = chats.createConversation(title);
    std::optional<core::MessageId> parent;
    for (const auto& [question, answer] : turns) {
        parent = chats.addMessage(chat->id, parent, core::StoredRole::User, question.toStdString(), core::MessageState::Complete)->id;
        parent = chats.addMessage(chat->id, parent, core::StoredRole::Assistant, answer.toStdString(), core::MessageState::Complete, "Qwen2.5 7B")->id;
        core::ReplyStats stats;
        stats.generatedTokens = 212;
        stats.generationSeconds = 2.97;
        stats.firstTokenSeconds = 0.18;
        stats.thoughtSeconds = 2.1;
        stats.contextUsed = 1204;
        stats.contextLength = 32768;
        stats.backend = "GPU";
        (void)chats.finishReply(*parent, core::MessageState::Complete, stats, {});
    }
    return chat->id;
}

class Shots {
public:
    Shots(const QString& folder, const QString& database, const QString& theme, QSize size) : m_folder(folder), m_application({database, QString()}, [] {
        core::Script script;
        script.model.name = "Qwen2.5 7B Instruct";
        script.model.quantization = "Q4_K_M";
        script.model.backend = "CPU";
        script.model.backendDetail = "AVX2";
        script.model.contextLength = 32768;
        script.pieces.assign(400, "word after word ");
        script.pieces.front() = "<think>\nLet me see. ";
        script.perPiece = std::chrono::milliseconds(20);
        return std::make_unique<core::ScriptedGenerator>(script);
    }) {
        m_application.start();
        window().resize(size);
        (void)QTest::qWaitForWindowExposed(&window());
        window().openModel("/models/qwen.gguf");
        (void)QTest::qWaitFor([this] { return !window().modelPath().isEmpty(); });
        m_application.settings().set("ui.theme", theme);
        QTest::qWait(300);
    }

    ui::MainWindow& window() { return m_application.window(); }
    ui::MessageView& view() { return *window().findChild<ui::MessageView*>("messages"); }
    ui::Composer& composer() { return *window().findChild<ui::Composer*>("composer"); }
    QAction* action(const QString& text) {
        for (QAction* candidate : window().actions()) {
            if (candidate->text() == text) return candidate;
        }
        qFatal("no such action: %s", qPrintable(text));
    }
    void open(core::ConversationId id) {
        QMetaObject::invokeMethod(window().findChild<QWidget*>("sidebar"), "conversationActivated", Q_ARG(qint64, id));
        QTest::qWait(250);
    }
    void save(const QString& name) {
        QTest::qWait(150);
        window().grab().save(m_folder + '/' + name + ".png");
        std::printf("%s\n", qPrintable(name));
    }

private:
    QString m_folder;
    app::Application m_application;
};

} // namespace

int main(int argc, char** argv) {
    if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    const QTemporaryDir home;
    qputenv("HOME", home.path().toUtf8());
    qputenv("XDG_DATA_HOME", home.filePath("data").toUtf8());
    QApplication qt(argc, argv);
    QCommandLineParser parser;
    const QCommandLineOption theme("theme", "light or dark.", "name", "light");
    const QCommandLineOption size("size", "Of the window.", "WxH", "1360x860");
    parser.addOptions({theme, size});
    parser.addPositionalArgument("folder", "Where the pictures go.");
    parser.addHelpOption();
    parser.process(qt);
    if (parser.positionalArguments().isEmpty()) parser.showHelp(2);
    const QString folder = parser.positionalArguments().front();
    QDir().mkpath(folder);
    const QStringList wh = parser.value(size).split('x');

    core::ConversationId formulas = 0, markdown = 0, nasty = 0, files = 0;
    const QString database = home.filePath("history.db");
    {
        auto opened = core::Database::open(database.toStdString());
        if (!opened) qFatal("%s", opened.error().message.c_str());
        core::ChatStore chats(**opened);
        nasty = addChat(chats, "Hostile content of every kind, with a title that is far too long for the list", {{hostile(), hostile()}});
        files = addChat(chats, "Visits per day", {{ui::joinAttachments({{{"report.csv", "csv", QString("day,visits\n").repeated(40)}, {"notes on the method.md", "md", "# Notes"}}, "What stands out in the report?"}),
                                                  "Sundays are quiet: **40 %** fewer visits."}});
        formulas = addChat(chats, "Quadratic formula", {{"Explain the quadratic formula, please.", QString::fromUtf8(kFormulas)}});
        markdown = addChat(chats, "Release plan", {{"Write the plan.", QString::fromUtf8(kMarkdown)}});
    }
    Shots shots(folder, database, parser.value(theme), {wh.value(0).toInt(), wh.value(1).toInt()});
    shots.open(formulas);
    shots.view().showMessage(shots.view().model()->index(0, 0).data(Qt::UserRole + 1).toLongLong());
    QTest::qWait(1800);
    shots.save("formulas");
    shots.view().scrollToEnd();
    shots.save("formulas-end");
    shots.open(markdown);
    shots.view().verticalScrollBar()->setValue(0);
    shots.save("markdown");
    shots.view().scrollToEnd();
    shots.save("markdown-end");
    shots.action("F&ind in conversation…")->trigger();
    shots.window().findChild<QLineEdit*>("findField")->setText("first");
    QTest::qWait(300);
    shots.save("find");
    shots.window().findChild<QLineEdit*>("findField")->clear();
    QTest::keyClick(shots.window().findChild<QLineEdit*>("findField"), Qt::Key_Escape);
    shots.open(nasty);
    shots.save("hostile-end");
    shots.view().verticalScrollBar()->setValue(0);
    shots.save("hostile");
    shots.open(files);
    shots.composer().setDraft(ui::joinAttachments({{{"budget 2026.csv", "csv", "a,b"}, {"main.cpp", "cpp", "int main() {}"}}, "And how does it compare with last year?\nA second line."}));
    shots.action("&Begin the reply yourself…")->trigger();
    QTest::keyClicks(shots.window().findChild<QPlainTextEdit*>("replyStartInput"), "Compared with last year, ");
    QTest::qWait(200);
    shots.save("composer");
    QTest::keyClick(shots.window().findChild<QPlainTextEdit*>("replyStartInput"), Qt::Key_Escape);
    shots.composer().setDraft({});
    shots.view().beginEdit(1);
    shots.save("edit-reply");
    QTest::keyClick(shots.window().findChild<QPlainTextEdit*>("editInput"), Qt::Key_Escape);
    shots.composer().setText("And now?");
    QTest::keyClick(shots.window().findChild<QPlainTextEdit*>("composerInput"), Qt::Key_Return);
    QTest::qWait(1500);
    shots.save("thinking");
    return 0;
}
