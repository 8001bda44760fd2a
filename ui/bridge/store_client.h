// SPDX-License-Identifier: Apache-2.0
//
// StoreClient: the window's hand on the store thread. A call takes a piece of work that runs there, on the one writer's
// connection, in the order of the calls; its Result comes back to the GUI thread, to `then`, unless `context` has died
// meanwhile.
//
//     store.chats(this, [id](core::ChatStore& chats) { return chats.activePath(id); },
//                 [this](const core::Result<std::vector<core::MessageRow>>& path) { ... });
//
// The work captures values only: never the window's objects. After shutdown calls do nothing.
// Thread: GUI.
#pragma once

#include "ui/bridge/store_worker.h"

#include <QObject>
#include <QPointer>
#include <QThread>

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace hearth::ui {

class StoreClient : public TaskReceiver {
    Q_OBJECT
public:
    /// `path` empty: in memory.
    explicit StoreClient(std::filesystem::path path, QObject* parent = nullptr);
    ~StoreClient() override;

    template <class Work, class Then>
    void chats(QObject* context, Work work, Then then) {
        post(
            context, [work = std::move(work)](StoreWorker& worker) mutable { return work(worker.chats()); },
            std::move(then));
    }

    template <class Work, class Then>
    void settings(QObject* context, Work work, Then then) {
        post(
            context, [work = std::move(work)](StoreWorker& worker) mutable { return work(worker.settings()); },
            std::move(then));
    }

    /// For what needs more than one of the stores: work(StoreWorker&).
    template <class Work, class Then>
    void run(QObject* context, Work work, Then then) {
        post(context, std::move(work), std::move(then));
    }

    /// Runs what waits, closes the database, joins the thread; answers are still delivered. The destructor does it too.
    void shutdown();

signals:
    void opened(const hearth::ui::StoreOpening& opening);

private:
    template <class Work, class Then>
    void post(QObject* context, Work work, Then then);

    QThread m_thread;
    StoreWorker* m_worker; ///< lives on m_thread and is deleted there
};

template <class Work, class Then>
void StoreClient::post(QObject* context, Work work, Then then) {
    using Answer = std::invoke_result_t<Work&, StoreWorker&>; // a core::Result<...>
    if (!m_thread.isRunning()) return;
    auto task = [this, worker = m_worker, guard = QPointer<QObject>(context), work = std::move(work),
                 then = std::move(then)]() mutable {
        Answer answer = core::fail(core::ErrorCode::Internal, "the store is not open");
        try {
            if (worker->isOpen()) answer = work(*worker);
        } catch (const std::exception& exception) {
            answer = core::fail(core::ErrorCode::Internal, exception.what());
        }
        // Delivered through the client, which outlives the thread; the guard is looked at on the GUI thread only.
        postTask(this, [guard = std::move(guard), then = std::move(then), answer = std::move(answer)] {
            if (guard) then(answer);
        });
    };
    postTask(m_worker, std::move(task));
}

} // namespace hearth::ui
