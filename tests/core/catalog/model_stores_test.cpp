// SPDX-License-Identifier: Apache-2.0
//
// Other programs' stores of models: which folders count, Ollama's manifests, hostile ones.
#include "core/catalog/model_stores.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

using namespace hearth::core;

class ModelStoresTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_environment = {};
        m_environment.home = m_folder->path().toStdString();
        m_environment.dataHome = m_environment.home / ".local" / "share";
        m_environment.cacheHome = m_environment.home / ".cache";
    }

    void stores_onlyThoseThatExist() {
        QVERIFY(modelStores(m_environment).empty());
        for (const char* folder : {".cache/huggingface/hub", ".lmstudio/models", ".local/share/nomic.ai/GPT4All", ".cache/llama.cpp",
                                   ".local/share/Jan/data/llamacpp/models", "elsewhere/hub"}) {
            QVERIFY(QDir(m_folder->path()).mkpath(folder));
        }
        QStringList programs;
        for (const ModelStore& store : modelStores(m_environment)) programs << QString::fromStdString(store.program);
        QCOMPARE(programs, (QStringList{"Hugging Face", "LM Studio", "Jan", "GPT4All", "llama.cpp"}));
        m_environment.huggingFace = m_environment.home / "elsewhere" / "hub";
        QCOMPARE(modelStores(m_environment).front().folder, m_environment.huggingFace);
    }

    void ollama_manifestsNameBlobs() {
        const QByteArray digest(64, 'a');
        write(".ollama/models/blobs/sha256-" + digest, "GGUF");
        write(".ollama/models/blobs/sha256-" + QByteArray(64, 'b'), "GGUF");
        manifest("host.example/library/llama3.2/3b", digest);
        manifest("host.example/library/same/latest", digest); // the same blob under another name
        manifest("host.example/someone/tuned/latest", QByteArray(64, 'b'));
        const auto models = ollamaModels(m_environment);
        QCOMPARE(models.size(), 2u);
        QVERIFY(models[0].name == "llama3.2:3b" || models[0].name == "same");
        QCOMPARE(models[1].name, std::string("someone/tuned"));
        QCOMPARE(models[1].file.filename().string(), "sha256-" + std::string(64, 'b'));
    }

    void ollama_hostileManifestsArePassedOver_data() {
        QTest::addColumn<QByteArray>("manifest");
        QTest::newRow("no JSON") << QByteArray("{");
        QTest::newRow("layers of numbers") << QByteArray("{\"layers\": [1, {\"mediaType\": 5, \"digest\": []}]}");
        QTest::newRow("out of the folder")
            << QByteArray("{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:../../secret\"}]}");
        QTest::newRow("no such blob") << layer(QByteArray(64, 'c'));
        QTest::newRow("other kind") << layer(QByteArray(64, 'a')).replace("image.model", "image.license");
        QTest::newRow("huge") << layer(QByteArray(64, 'a')).prepend(QByteArray(2'000'000, ' '));
    }
    void ollama_hostileManifestsArePassedOver() {
        QFETCH(QByteArray, manifest);
        write(".ollama/models/blobs/sha256-" + QByteArray(64, 'a'), "GGUF");
        write(".ollama/models/manifests/host.example/library/m/latest", manifest);
        QVERIFY(ollamaModels(m_environment).empty());
    }

private:
    static QByteArray layer(const QByteArray& digest) {
        return "{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:" + digest + "\"}]}";
    }
    void manifest(const QByteArray& name, const QByteArray& digest) const { write(".ollama/models/manifests/" + name, layer(digest)); }
    void write(const QString& name, const QByteArray& bytes) const {
        const QString path = m_folder->filePath(name);
        QVERIFY(QDir().mkpath(QFileInfo(path).path()));
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(bytes);
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    StoreEnvironment m_environment;
};

QTEST_GUILESS_MAIN(ModelStoresTest)
#include "model_stores_test.moc"
