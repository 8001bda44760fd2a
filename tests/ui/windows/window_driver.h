// SPDX-License-Identifier: Apache-2.0
//
// WindowDriver: opens the real window with a given engine and does what a person would: types, presses, looks.
#pragma once

#include "app/application.h"
#include "core/engine/scripted_generator.h"

#include <QAbstractItemView>
#include <QAction>
#include <QApplication>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "core/store/chat_store.h"
#include "ui/bridge/library_worker.h"
#include "ui/models/message_roles.h"
#include "ui/models/settings_model.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/message_view.h"
#include "ui/windows/main_window.h"
#include "ui/windows/model_menu.h"

namespace hearth {

class WindowDriver {
public:
    explicit WindowDriver(core::Script script, const QString& database = {})
        : WindowDriver([script] { return std::make_unique<core::ScriptedGenerator>(script); }, database) {}

    explicit WindowDriver(ui::EngineFactory factory, const QString& database = {}, const QString& modelPath = {})
        : m_application({database, modelPath}, std::move(factory)) {
        // Titles stay what the tests typed; tests/ui/models/title_maker_test is about the model's.
        m_application.settings().set("chat.titles", "words");
        m_application.start();
        (void)QTest::qWaitForWindowExposed(&window());
    }

    [[nodiscard]] ui::MainWindow& window() { return m_application.window(); }
    [[nodiscard]] app::Application& application() { return m_application; }

    // --- doing ----------------------------------------------------------------------------------------------------
    void openModel(const QString& name) {
        window().openModel("/models/" + name);
        QTRY_COMPARE(loadedPath(), "/models/" + name);
    }
    void type(const QString& text) {
        input()->setFocus();
        QTest::keyClicks(input(), text);
    }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QTest::keyClick(input(), key, modifiers);
    }
    void send(const QString& text) {
        type(text);
        press(Qt::Key_Enter);
    }
    void openConversation(int row) {
        auto* list = window().findChild<QWidget*>("sidebar")->findChild<QAbstractItemView*>();
        const QModelIndex index = list->model()->index(row, 0);
        list->scrollTo(index);
        QTest::mouseClick(list->viewport(), Qt::LeftButton, {}, list->visualRect(index).center());
    }
    void writeModelFolder(const QStringList& names) {
        const QString folder = ui::LibraryClient::defaultFolder();
        QDir().mkpath(folder);
        for (const QString& name : names) {
            QFile file(folder + '/' + name);
            QVERIFY(file.open(QFile::WriteOnly));
            file.write("no model");
        }
        action("&Look for models again")->trigger();
    }

    // --- looking --------------------------------------------------------------------------------------------------
    [[nodiscard]] QWidget* input() {
        return window().findChild<ui::Composer*>("composer")->findChild<QPlainTextEdit*>();
    }
    [[nodiscard]] QString composerText() { return window().findChild<ui::Composer*>("composer")->text(); }
    [[nodiscard]] ui::MessageView& view() { return *window().findChild<ui::MessageView*>("messages"); }
    [[nodiscard]] ui::ModelMenu& modelMenu() { return *window().findChild<ui::ModelMenu*>(); }
    [[nodiscard]] QString loadedPath() { return window().modelPath(); }
    [[nodiscard]] bool isIdle() { return !action("&Stop")->isEnabled(); }
    [[nodiscard]] QVariant row(int row, int role) { return view().model()->index(row, 0).data(role); }
    [[nodiscard]] QStringList texts() {
        QStringList all;
        for (int i = 0; i < view().model()->rowCount(); ++i)
            all << row(i, ui::TextRole).toString();
        return all;
    }
    [[nodiscard]] QStringList conversationTitles() {
        const auto* model = window().findChild<QWidget*>("sidebar")->findChild<QAbstractItemView*>()->model();
        QStringList all;
        for (int i = 0; i < model->rowCount(); ++i)
            all << model->index(i, 0).data().toString();
        return all;
    }
    /// All visible words of the notice bar; empty when it is hidden.
    [[nodiscard]] QString notice() {
        auto* bar = window().findChild<QWidget*>("notice");
        QStringList words;
        if (!bar->isVisible()) return {};
        for (const QLabel* label : bar->findChildren<QLabel*>())
            words << label->text();
        return words.join('\n');
    }
    [[nodiscard]] QPushButton* button(const QString& text) {
        for (QPushButton* candidate : window().findChildren<QPushButton*>()) {
            if (candidate->text().remove('&') == text && candidate->isVisible()) return candidate;
        }
        return nullptr;
    }
    [[nodiscard]] QAction* action(const QString& text) {
        for (QAction* candidate : window().actions()) {
            if (candidate->text() == text) return candidate;
        }
        qFatal("no such action: %s", qPrintable(text));
    }

private:
    app::Application m_application;
};

} // namespace hearth
