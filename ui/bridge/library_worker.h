// SPDX-License-Identifier: Apache-2.0
//
// LibraryWorker looks for model files; LibraryClient owns its thread. A newer scan stops the one that runs.
// Thread: library (worker), GUI (client).
#pragma once

#include "ui/bridge/meta_types.h"
#include "ui/bridge/task_event.h"

#include <QObject>
#include <QStringList>
#include <QThread>

#include <stop_token>

namespace hearth::ui {

class LibraryWorker : public TaskReceiver {
    Q_OBJECT
public:
    void scan(RequestId id, const QStringList& places, bool otherStores, const std::stop_token& stop);
    void inspect(const QString& path);

signals:
    void inspected(const hearth::core::ModelCard& card);
    void scanned(hearth::ui::RequestId id, const hearth::ui::ModelCards& cards);
};

class LibraryClient : public TaskReceiver {
    Q_OBJECT
public:
    explicit LibraryClient(QObject* parent = nullptr);
    ~LibraryClient() override;

    enum class OtherStores { Use, Ignore };
    /// Of folders and single files. Ends in `scanned`, unless a newer scan replaces it. OtherStores: also where other programs keep their models.
    void scan(const QStringList& places, OtherStores otherStores = OtherStores::Ignore);
    /// One file, wherever it is. Ends in `inspected`.
    void inspect(const QString& path);
    void shutdown();

    /// Where the starter model is put; always among the folders that are searched.
    [[nodiscard]] static QString defaultFolder();

signals:
    void scanStarted();
    void scanned(const hearth::ui::ModelCards& cards);
    void inspected(const hearth::core::ModelCard& card);

private:
    QThread m_thread;
    LibraryWorker* m_worker; ///< lives on m_thread and is deleted there
    std::stop_source m_stop;
    RequestId m_current = 0;
};

} // namespace hearth::ui
