// SPDX-License-Identifier: Apache-2.0
//
// SettingsStore and the table of settings: defaults, ranges, overrides per model, and what a strange file may hold.
#include "core/store/settings_store.h"

#include "core/engine/generation.h"
#include "core/store/database.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>

#include <QTemporaryDir>

#include <limits>
#include <memory>
#include <set>

using namespace hearth::core;

Q_DECLARE_METATYPE(SettingValue)

namespace {

SettingValue text(const char* value) { return std::string(value); }
SettingValue whole(std::int64_t value) { return value; }

} // namespace

class SettingsStoreTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        auto opened = Database::openInMemory();
        QVERIFY(opened.has_value());
        m_database = std::move(*opened);
        m_store = std::make_unique<SettingsStore>(*m_database);
    }

    void schema_hasEveryKeyOnceWithADefaultThatItAllows() {
        std::set<std::string_view> keys;
        for (const SettingSpec& spec : settingsSchema()) {
            QVERIFY2(keys.insert(spec.key).second, spec.key.data());
            QCOMPARE(findSetting(spec.key), &spec);
            const auto value = m_store->value(spec.key);
            HEARTH_SUCCEEDS(value);
            QVERIFY(*value == spec.defaultValue);
            // A default is stored as nothing, an override of it as itself: both pass the same checks.
            HEARTH_SUCCEEDS(m_store->set(spec.key, spec.defaultValue));
            if (spec.scope == SettingScope::Model) HEARTH_SUCCEEDS(m_store->set(spec.key, spec.defaultValue, "m.gguf"));
        }
        QCOMPARE(rows("model = ''"), 0);
        QCOMPARE(findSetting("sampling.unknown"), nullptr);
        for (const char* key : {"ui.theme", "ui.statusPanel", "ui.sidebar", "ui.geometry", "models.folders", "models.last",
                                "engine.threads", "engine.contextLength", "chat.systemPrompt", "sampling.maxTokens"}) {
            QVERIFY2(findSetting(key) != nullptr, key);
        }
    }

    void schema_samplingDefaultsAreTheEngines() {
        const SamplingSettings engine;
        const auto real = [&](const char* key) { return static_cast<float>(std::get<double>(findSetting(key)->defaultValue)); };
        const auto integer = [&](const char* key) { return std::get<std::int64_t>(findSetting(key)->defaultValue); };
        QCOMPARE(real("sampling.temperature"), engine.temperature);
        QCOMPARE(integer("sampling.topK"), engine.topK);
        QCOMPARE(real("sampling.topP"), engine.topP);
        QCOMPARE(real("sampling.minP"), engine.minP);
        QCOMPARE(real("sampling.typicalP"), engine.typicalP);
        QCOMPARE(real("sampling.repeatPenalty"), engine.repeatPenalty);
        QCOMPARE(real("sampling.frequencyPenalty"), engine.frequencyPenalty);
        QCOMPARE(real("sampling.presencePenalty"), engine.presencePenalty);
        QCOMPARE(integer("sampling.penaltyWindow"), engine.penaltyWindow);
        QCOMPARE(real("sampling.dryMultiplier"), engine.dryMultiplier);
        QCOMPARE(real("sampling.xtcProbability"), engine.xtcProbability);
        QCOMPARE(real("sampling.xtcThreshold"), engine.xtcThreshold);
        QCOMPARE(integer("sampling.seed"), engine.seed);
    }

    void set_valueIsThereAfterReopening() {
        QTemporaryDir folder;
        const std::filesystem::path file = folder.filePath("chats.db").toStdString();
        const std::vector<std::pair<std::string, SettingValue>> values{
            {"ui.sidebar", false},
            {"engine.threads", whole(6)},
            {"sampling.temperature", 1.0},
            {"sampling.seed", whole(std::numeric_limits<std::int64_t>::max())},
            {"chat.systemPrompt", text("Sei höflich.\n\"Immer\".")},
            {"ui.theme", text("dark")},
        };
        {
            auto database = Database::open(file);
            HEARTH_SUCCEEDS(database);
            SettingsStore store(**database);
            for (const auto& [key, value] : values) HEARTH_SUCCEEDS(store.set(key, value));
        }
        auto database = Database::open(file);
        HEARTH_SUCCEEDS(database);
        const SettingsStore store(**database);
        for (const auto& [key, value] : values) QVERIFY2(store.value(key).value() == value, key.c_str());
    }

    void set_refusesWhatTheTableDoesNotAllow_data() {
        QTest::addColumn<QString>("key");
        QTest::addColumn<SettingValue>("value");
        QTest::addColumn<QString>("model");
        QTest::newRow("unknown key") << "sampling.magic" << SettingValue(1.0) << "";
        QTest::newRow("integer for a real") << "sampling.temperature" << whole(1) << "";
        QTest::newRow("real for an integer") << "sampling.topK" << SettingValue(1.0) << "";
        QTest::newRow("text for a truth value") << "ui.sidebar" << text("yes") << "";
        QTest::newRow("below") << "sampling.topP" << SettingValue(-0.1) << "";
        QTest::newRow("above") << "sampling.topP" << SettingValue(1.1) << "";
        QTest::newRow("not a number") << "sampling.topP" << SettingValue(std::numeric_limits<double>::quiet_NaN()) << "";
        QTest::newRow("infinite") << "sampling.temperature" << SettingValue(std::numeric_limits<double>::infinity()) << "";
        QTest::newRow("no such theme") << "ui.theme" << text("blue") << "";
        QTest::newRow("two themes") << "ui.theme" << text("light|dark") << "";
        QTest::newRow("program setting for a model") << "ui.theme" << text("dark") << "m.gguf";
    }
    void set_refusesWhatTheTableDoesNotAllow() {
        QFETCH(QString, key);
        QFETCH(SettingValue, value);
        QFETCH(QString, model);
        HEARTH_FAILS_WITH(m_store->set(key.toStdString(), value, model.toStdString()), "InvalidArgument");
        QCOMPARE(rows("1"), 0);
    }

    void overrides_standAboveTheGlobalValue() {
        constexpr const char* kKey = "sampling.temperature";
        HEARTH_SUCCEEDS(m_store->set(kKey, 0.2));
        HEARTH_SUCCEEDS(m_store->set(kKey, 1.5, "a.gguf"));
        QVERIFY(m_store->value(kKey).value() == SettingValue(0.2));
        QVERIFY(m_store->value(kKey, "a.gguf").value() == SettingValue(1.5));
        QVERIFY(m_store->value(kKey, "b.gguf").value() == SettingValue(0.2));
        QVERIFY(m_store->effective("a.gguf")->at(kKey) == SettingValue(1.5));
        QVERIFY(m_store->effective("b.gguf")->at(kKey) == SettingValue(0.2));
        QCOMPARE(m_store->effective("a.gguf")->size(), settingsSchema().size());
        QCOMPARE(m_store->overrides("a.gguf")->size(), 1u);
        QVERIFY(m_store->overrides("b.gguf")->empty());
        QVERIFY(m_store->overrides({})->empty());

        // An override that equals the global value outlives a change of that.
        HEARTH_SUCCEEDS(m_store->set(kKey, 0.2, "a.gguf"));
        HEARTH_SUCCEEDS(m_store->set(kKey, 0.9));
        QVERIFY(m_store->value(kKey, "a.gguf").value() == SettingValue(0.2));

        HEARTH_SUCCEEDS(m_store->reset(kKey, "a.gguf"));
        QVERIFY(m_store->value(kKey, "a.gguf").value() == SettingValue(0.9));
        HEARTH_SUCCEEDS(m_store->reset(kKey));
        QVERIFY(m_store->value(kKey).value() == SettingValue(0.7));
        HEARTH_FAILS_WITH(m_store->reset("ui.theme", "a.gguf"), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->reset("no.such"), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->value("no.such"), "InvalidArgument");
    }

    void set_defaultIsStoredAsNothing() {
        HEARTH_SUCCEEDS(m_store->set("ui.theme", text("dark")));
        QCOMPARE(rows("model = ''"), 1);
        HEARTH_SUCCEEDS(m_store->set("ui.theme", text("system")));
        QCOMPARE(rows("model = ''"), 0);
    }

    void value_strangeRowsCountAsAbsent_data() {
        QTest::addColumn<QString>("row");
        QTest::newRow("unknown key") << "'', 'later.setting', 5";
        QTest::newRow("text for a real") << "'', 'sampling.temperature', 'hot'";
        QTest::newRow("out of range") << "'', 'sampling.temperature', 99.0";
        QTest::newRow("blob") << "'', 'ui.theme', x'00ff'";
        QTest::newRow("no such theme") << "'', 'ui.theme', 'blue'";
        QTest::newRow("override of a program setting") << "'m.gguf', 'ui.theme', 'dark'";
        QTest::newRow("override out of range") << "'m.gguf', 'sampling.topK', -7";
    }
    void value_strangeRowsCountAsAbsent() {
        QFETCH(QString, row);
        m_database->handle().exec("INSERT INTO setting (model, key, value) VALUES (" + row.toStdString() + ")");
        for (const char* model : {"", "m.gguf"}) {
            const auto values = m_store->effective(model);
            HEARTH_SUCCEEDS(values);
            QCOMPARE(values->size(), settingsSchema().size());
            for (const SettingSpec& spec : settingsSchema()) {
                QVERIFY2(values->at(std::string(spec.key)) == spec.defaultValue, spec.key.data());
                QVERIFY2(m_store->value(spec.key, model).value() == spec.defaultValue, spec.key.data());
            }
        }
        QVERIFY(m_store->overrides("m.gguf")->empty());
    }

    void value_wholeNumberIsReadAsReal() {
        m_database->handle().exec("INSERT INTO setting (model, key, value) VALUES ('', 'sampling.temperature', 1)");
        QVERIFY(m_store->value("sampling.temperature").value() == SettingValue(1.0));
    }

private:
    int rows(const std::string& where) {
        return m_database->handle().execAndGet("SELECT count(*) FROM setting WHERE " + where).getInt();
    }

    std::unique_ptr<Database> m_database;
    std::unique_ptr<SettingsStore> m_store;
};

QTEST_GUILESS_MAIN(SettingsStoreTest)
#include "settings_store_test.moc"
