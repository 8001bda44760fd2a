// SPDX-License-Identifier: Apache-2.0
//
// SettingsDialog: every change is a signal with the schema's key, within its range, for the chosen target.
#include "core/store/settings_schema.h"
#include "ui/settings/models_page.h"
#include "ui/settings/settings_dialog.h"
#include "ui/style/theme.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRadioButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTest>
#include <QToolButton>

using namespace hearth;
using namespace hearth::ui;

namespace {

const auto kTemperature = QStringLiteral("sampling.temperature");

struct Dialog : SettingsDialog {
    explicit Dialog(const QMap<QString, QVariant>& globals = {}, const QString& model = {}, const QMap<QString, QVariant>& overrides = {})
        : SettingsDialog(globals, model, overrides), changed(this, &SettingsDialog::settingChanged), wasReset(this, &SettingsDialog::settingReset) {}

    template <class Field>
    Field* field(const QString& key) const { return findChild<Field*>(key); }
    QToolButton* resetOf(const QString& key) const { return findChild<QToolButton*>(QStringLiteral("reset.") + key); }
    void setForModel() const { findChild<QRadioButton*>(QStringLiteral("forThisModel"))->setChecked(true); }

    QSignalSpy changed;
    QSignalSpy wasReset;
};

} // namespace

class SettingsDialogTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { Theme::instance().choose(ThemeChoice::Light); }

    void openingAndClosing_changesNothing() {
        Dialog dialog({{kTemperature, 0.9}}, QStringLiteral("TinyLlama"), {{QStringLiteral("sampling.topK"), 10}});
        dialog.show();
        for (const char* page : {"Generation", "Performance", "Chat", "Appearance", "Models"}) dialog.showPage(QLatin1String(page));
        dialog.setForModel();
        dialog.close();
        QCOMPARE(dialog.changed.size(), 0);
        QCOMPARE(dialog.wasReset.size(), 0);
    }

    void everySettingOfThePages_hasASchemaRange_data() {
        QTest::addColumn<QString>("key");
        for (const core::SettingSpec& spec : core::settingsSchema()) {
            const std::string key(spec.key);
            if (key.starts_with("sampling.") || key.starts_with("engine.")) QTest::newRow(key.c_str()) << QString::fromStdString(key);
        }
    }

    void everySettingOfThePages_hasASchemaRange() {
        QFETCH(QString, key);
        const core::SettingSpec* spec = core::findSetting(key.toStdString());
        Dialog dialog;
        if (const auto* whole = dialog.field<QSpinBox>(key)) {
            QCOMPARE(whole->minimum(), static_cast<int>(spec->minimum));
            QCOMPARE(whole->maximum(), static_cast<int>(spec->maximum));
            QCOMPARE(whole->value(), static_cast<int>(std::get<std::int64_t>(spec->defaultValue)));
        } else if (const auto* decimal = dialog.field<QDoubleSpinBox>(key)) {
            QCOMPARE(decimal->minimum(), spec->minimum);
            QCOMPARE(decimal->maximum(), spec->maximum);
            QCOMPARE(decimal->value(), std::get<double>(spec->defaultValue));
        } else {
            QVERIFY2(dialog.field<QLineEdit>(key), "the dialog has no field for this setting");
        }
    }

    void number_appliesAtOnceForAllModels() {
        Dialog dialog;
        dialog.field<QDoubleSpinBox>(kTemperature)->setValue(1.25);
        QCOMPARE(dialog.changed.size(), 1);
        QCOMPARE(dialog.changed.first(), (QVariantList{kTemperature, 1.25, false}));
        dialog.field<QSpinBox>(QStringLiteral("engine.threads"))->setValue(4);
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("engine.threads"), qlonglong(4), false}));
    }

    void model_hasItsOwnValues() {
        Dialog dialog({{kTemperature, 0.9}}, QStringLiteral("TinyLlama"), {{kTemperature, 0.3}});
        auto* field = dialog.field<QDoubleSpinBox>(kTemperature);
        QCOMPARE(field->value(), 0.9);
        dialog.setForModel();
        QCOMPARE(field->value(), 0.3);
        field->setValue(0.4);
        QCOMPARE(dialog.changed.first(), (QVariantList{kTemperature, 0.4, true}));
        dialog.findChild<QRadioButton*>(QStringLiteral("forAllModels"))->setChecked(true);
        QCOMPARE(field->value(), 0.9);
        QCOMPARE(dialog.changed.size(), 1);
    }

    void programSetting_isNeverForTheModelOnly() {
        Dialog dialog({}, QStringLiteral("TinyLlama"));
        dialog.setForModel();
        auto* theme = dialog.field<QComboBox>(QStringLiteral("ui.theme"));
        theme->setCurrentIndex(2);
        emit theme->activated(2);
        QCOMPARE(dialog.changed.first(), (QVariantList{QStringLiteral("ui.theme"), QStringLiteral("dark"), false}));
    }

    void withoutAModel_thereIsNoSwitch() {
        Dialog dialog;
        QVERIFY(!dialog.findChild<QRadioButton*>());
    }

    void reset_bringsTheDefaultOrTheGlobalValue() {
        Dialog dialog({{kTemperature, 0.9}}, QStringLiteral("TinyLlama"), {{kTemperature, 0.3}});
        auto* field = dialog.field<QDoubleSpinBox>(kTemperature);
        auto* button = dialog.resetOf(kTemperature);
        dialog.setForModel();
        QVERIFY(!button->isHidden());
        button->click();
        QCOMPARE(dialog.wasReset.first(), (QVariantList{kTemperature, true}));
        QCOMPARE(field->value(), 0.9);
        QVERIFY(button->isHidden());
        dialog.findChild<QRadioButton*>(QStringLiteral("forAllModels"))->setChecked(true);
        QVERIFY(!button->isHidden());
        button->click();
        QCOMPARE(dialog.wasReset.last(), (QVariantList{kTemperature, false}));
        QCOMPARE(field->value(), 0.7);
        QVERIFY(button->isHidden());
        QCOMPARE(dialog.changed.size(), 0);
    }

    void seed_emptyIsRandom() {
        Dialog dialog;
        dialog.show();
        auto* seed = dialog.field<QLineEdit>(QStringLiteral("sampling.seed"));
        QVERIFY(seed->text().isEmpty());
        QTest::keyClicks(seed, QStringLiteral("x42y"));
        QCOMPARE(seed->text(), "42");
        QTest::keyClick(seed, Qt::Key_Return);
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("sampling.seed"), qlonglong(42), false}));
        seed->clear();
        QTest::keyClick(seed, Qt::Key_Return);
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("sampling.seed"), qlonglong(-1), false}));
        QVERIFY(dialog.isVisible());
    }

    void systemPrompt_isSavedWhenTheDialogCloses() {
        Dialog dialog({{QStringLiteral("chat.systemPrompt"), QStringLiteral("Be brief.")}});
        dialog.show();
        dialog.showPage(QStringLiteral("Chat"));
        auto* prompt = dialog.field<QPlainTextEdit>(QStringLiteral("chat.systemPrompt"));
        QCOMPARE(prompt->toPlainText(), "Be brief.");
        prompt->setPlainText(QStringLiteral("Be kind."));
        QCOMPARE(dialog.changed.size(), 0);
        dialog.close();
        QCOMPARE(dialog.changed.size(), 1);
        QCOMPARE(dialog.changed.first(), (QVariantList{QStringLiteral("chat.systemPrompt"), QStringLiteral("Be kind."), false}));
    }

    void systemPrompt_goesToTheTargetItWasTypedFor() {
        Dialog dialog({}, QStringLiteral("TinyLlama"), {{QStringLiteral("chat.systemPrompt"), QStringLiteral("You are tiny.")}});
        auto* prompt = dialog.field<QPlainTextEdit>(QStringLiteral("chat.systemPrompt"));
        prompt->setPlainText(QStringLiteral("For all."));
        dialog.setForModel();
        QCOMPARE(dialog.changed.first(), (QVariantList{QStringLiteral("chat.systemPrompt"), QStringLiteral("For all."), false}));
        QCOMPARE(prompt->toPlainText(), "You are tiny.");
        QCOMPARE(dialog.changed.size(), 1);
    }

    void folders_areAddedAndRemoved() {
        Dialog dialog({{QStringLiteral("models.folders"), QStringLiteral("/models")}});
        auto* page = dialog.findChild<ModelsPage*>();
        auto* list = dialog.field<QListWidget>(QStringLiteral("models.folders"));
        QCOMPARE(list->count(), 1);
        page->addFolder(QStringLiteral("/more/"));
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("models.folders"), QStringLiteral("/models\n/more"), false}));
        page->addFolder(QStringLiteral("/more"));
        page->addFolder(QStringLiteral("/two\nlines"));
        QCOMPARE(dialog.changed.size(), 1);
        list->setCurrentRow(0);
        dialog.findChild<QPushButton*>(QStringLiteral("removeFolder"))->click();
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("models.folders"), QStringLiteral("/more"), false}));
        QCOMPARE(list->count(), 1);
    }
};

QTEST_MAIN(SettingsDialogTest)
#include "settings_dialog_test.moc"
