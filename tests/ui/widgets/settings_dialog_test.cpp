// SPDX-License-Identifier: Apache-2.0
//
// SettingsDialog: every change is a signal with the schema's key, within its range, for the chosen target.
#include "core/store/settings_schema.h"
#include "ui/settings/memory_plan_view.h"
#include "ui/settings/models_page.h"
#include "ui/settings/settings_dialog.h"
#include "ui/style/theme.h"

#include <QAbstractItemView>
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

    void choose(const char* key, const char* value) const {
        auto* choice = field<QComboBox>(QLatin1String(key));
        choice->setCurrentIndex(choice->findData(QLatin1String(value)));
        emit choice->activated(choice->currentIndex());
    }
    [[nodiscard]] ValueRow* planRow(const char* which) const { return findChild<ValueRow*>(QStringLiteral("memoryPlan.") + QLatin1String(which)); }
    [[nodiscard]] QString planValue(const char* which) const { return planRow(which)->value(); }
    [[nodiscard]] QString planSentence() const { return findChild<MuteLabel*>(QStringLiteral("memoryPlan.sentence"))->text(); }
    [[nodiscard]] QString planBadge() const { return findChild<MemoryPlanView*>()->badge(); }
    [[nodiscard]] int plannedLayers() const { return planValue("gpu").section(u' ', 0, 0).toInt(); }

    QSignalSpy changed;
    QSignalSpy wasReset;
};

/// Shaped like a Llama with layers of 300 MB.
core::ModelCard cardNamed(const char* name, std::size_t layers) {
    constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;
    core::MemoryNeeds needs;
    needs.layerWeights.assign(layers, {.onGpu = 300 * kMebi, .inRam = 300 * kMebi});
    needs.embedding = {.onGpu = 290 * kMebi, .inRam = 290 * kMebi};
    needs.output = {.onGpu = 420 * kMebi, .inRam = 420 * kMebi};
    needs.kvHeads = 8;
    needs.headDim = 128;
    needs.trainedContext = 131'072;
    core::ModelCard card;
    card.path = std::string("/models/") + name + ".gguf";
    card.name = name;
    card.usable = true;
    card.needs = needs;
    return card;
}

core::Device radeon(const char* id, const char* name, std::uint64_t gibi) {
    core::Device device;
    device.id = id;
    device.name = name;
    device.totalBytes = gibi << 30;
    device.freeBytes = device.totalBytes;
    return device;
}

PlanRoom roomWith(std::vector<core::Device> gpus) {
    PlanRoom room;
    core::Device cpu;
    cpu.id = core::kCpuDevice;
    room.devices.devices = {cpu};
    room.devices.devices.insert(room.devices.devices.end(), gpus.begin(), gpus.end());
    core::choose(room.devices, {});
    room.ramTotal = std::uint64_t{64} << 30;
    room.ramFree = room.ramTotal;
    return room;
}

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
        } else if (const auto* choice = dialog.field<QComboBox>(key)) {
            QCOMPARE(choice->currentData().toString().toStdString(), std::get<std::string>(spec->defaultValue));
            for (const QString& one : QString::fromUtf8(spec->choices.data(), qsizetype(spec->choices.size())).split(u'|', Qt::SkipEmptyParts)) QVERIFY2(choice->findData(one) >= 0, qPrintable(one));
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

    // --- what fits where ------------------------------------------------------------------------------------------------------

    void plan_followsEveryChangeAtOnce() {
        Dialog dialog;
        dialog.setModels({cardNamed("Big", 32)}, {});
        dialog.setRoom(roomWith({radeon("0000:03:00.0", "Radeon RX 7600", 8)}));
        QCOMPARE(dialog.planBadge(), "partly on the GPU");
        const QString automatic = dialog.planValue("gpu");
        QVERIFY2(automatic.contains(" of 32 layers · ") && automatic.endsWith(" of 8.6 GB"), qPrintable(automatic));
        const int layers = dialog.plannedLayers();
        QVERIFY(layers > 4 && layers < 32);
        QVERIFY2(dialog.planSentence().contains("the CPU computes the rest"), qPrintable(dialog.planSentence()));

        auto* context = dialog.field<QSpinBox>(QStringLiteral("engine.contextLength"));
        context->setValue(131'072); // no click, no close: the plan stands there already
        const int longer = dialog.plannedLayers();
        QVERIFY2(longer < layers, qPrintable(QString("%1 of before %2").arg(longer).arg(layers)));
        dialog.choose("engine.kvType", "q8_0");
        QVERIFY(dialog.plannedLayers() > longer);
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("engine.kvType"), QStringLiteral("q8_0"), false}));
        context->setValue(0);

        dialog.field<QSpinBox>(QStringLiteral("engine.gpuLayers"))->setValue(3);
        QCOMPARE(dialog.plannedLayers(), 3);
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("engine.gpuLayers"), qlonglong(3), false}));
        dialog.field<QSpinBox>(QStringLiteral("engine.gpuLayers"))->setValue(0);
        QCOMPARE(dialog.planBadge(), "on the processor");
        QVERIFY(dialog.planSentence().startsWith("CPU, as chosen"));
        dialog.resetOf(QStringLiteral("engine.gpuLayers"))->click();
        QCOMPARE(dialog.planBadge(), "partly on the GPU");
        dialog.choose("engine.device", "cpu");
        QCOMPARE(dialog.planBadge(), "on the processor");
        QVERIFY(dialog.planRow("gpu")->isHidden()); // no bar for a card that is not to be used
    }

    void plan_followsTheRoom() {
        Dialog dialog;
        QVERIFY(dialog.planBadge().isEmpty() && dialog.planSentence().startsWith("With a model chosen")); // nothing to plan for
        dialog.setModels({cardNamed("Small", 8)}, {});
        QCOMPARE(dialog.planBadge(), "on the processor"); // nobody has looked for GPUs yet
        PlanRoom room = roomWith({radeon("0000:03:00.0", "Radeon RX 7900 XTX", 24)});
        dialog.setRoom(room);
        QCOMPARE(dialog.planBadge(), "fits the GPU");
        QVERIFY(dialog.planValue("gpu").startsWith("8 of 8 layers"));
        // A game fills the card, as the kernel's driver says; what is ours does not count.
        core::GpuSample sample;
        sample.pciAddress = "0000:03:00.0";
        sample.vramTotal = std::uint64_t{24} << 30;
        sample.vramUsed = std::uint64_t{20} << 30;
        sample.vramOurs = 0;
        room.gpus.cards = {sample};
        dialog.setRoom(room);
        QCOMPARE(dialog.planBadge(), "partly on the GPU");
        room.gpus.cards.front().vramOurs = std::uint64_t{19} << 30;
        dialog.setRoom(room);
        QCOMPARE(dialog.planBadge(), "fits the GPU");
        room.ramFree = 1;
        dialog.setRoom(room);
        QCOMPARE(dialog.planBadge(), "fits the GPU");
        dialog.choose("engine.device", "cpu");
        QCOMPARE(dialog.planBadge(), "too large");
    }

    void plan_isForTheChosenModelWithItsOwnValues() {
        Dialog dialog({}, QStringLiteral("Big"), {{QStringLiteral("engine.gpuLayers"), 2}});
        dialog.setModels({cardNamed("Small", 8), cardNamed("Big", 32)}, QStringLiteral("/models/Big.gguf"));
        dialog.setRoom(roomWith({radeon("0000:03:00.0", "Radeon", 64)}));
        QVERIFY(dialog.planValue("gpu").startsWith("32 of 32 layers"));
        dialog.setForModel();
        QVERIFY(dialog.planValue("gpu").startsWith("2 of 32 layers"));
        dialog.field<QComboBox>(QStringLiteral("planModel"))->setCurrentIndex(0);
        QVERIFY(dialog.planValue("gpu").startsWith("2 of 8 layers"));
        QCOMPARE(dialog.changed.size(), 0);
    }

    void devices_areOfferedAndRememberedByTheirAddress() {
        Dialog dialog({{QStringLiteral("engine.device"), QStringLiteral("0000:0b:00.0")}});
        auto* field = dialog.field<QComboBox>(QStringLiteral("engine.device"));
        QCOMPARE(field->currentText(), "0000:0b:00.0 (not there)");
        core::Device failed = radeon("0000:0c:00.0", "Radeon VII", 16);
        failed.reason = core::GpuReason::SelfTestFailed;
        const PlanRoom room = roomWith({radeon("0000:0a:00.0", "Radeon RX 7600", 8), radeon("0000:0b:00.0", "Radeon RX 7900 XTX", 24), failed});
        dialog.setRoom(room);
        QCOMPARE(field->count(), 5); // and Automatic, and the processor
        QCOMPARE(field->currentText(), "Radeon RX 7900 XTX · 25.8 GB");
        QVERIFY(field->itemText(3).endsWith("(cannot be used now)"));
        field->showPopup();
        dialog.setRoom(room); // every second
        QVERIFY(field->view()->isVisible());
        field->hidePopup();
        dialog.choose("engine.device", "0000:0a:00.0");
        QCOMPARE(dialog.changed.last(), (QVariantList{QStringLiteral("engine.device"), QStringLiteral("0000:0a:00.0"), false}));
        QCOMPARE(dialog.changed.size(), 1);
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
