// SPDX-License-Identifier: Apache-2.0
//
// FilesClient: work on files that takes its time and is not the store's: reading an export, writing a document, making a
// backup. In the order of the calls, on a thread of its own; the Result comes back to the GUI thread, to `then`, unless
// `context` has died meanwhile. The work captures values only. Thread: GUI.
#pragma once

#include "core/base/error.h"
#include "ui/bridge/task_event.h"

#include <QObject>
#include <QPointer>
#include <QThread>

#include <exception>
#include <type_traits>
#include <utility>

namespace hearth::ui {

class FilesClient : public TaskReceiver {
    Q_OBJECT
public:
    explicit FilesClient(QObject* parent = nullptr);
    ~FilesClient() override;

    template <class Work, class Then>
    void run(QObject* context, Work work, Then then) {
        using Answer = std::invoke_result_t<Work&>; // a core::Result<...>
        if (!m_thread.isRunning()) m_thread.start(QThread::LowPriority);
        auto task = [this, guard = QPointer<QObject>(context), work = std::move(work), then = std::move(then)]() mutable {
            Answer answer = core::fail(core::ErrorCode::Internal, "nothing was done");
            try {
                answer = work();
            } catch (const std::exception& exception) {
                answer = core::fail(core::ErrorCode::Internal, exception.what());
            }
            postTask(this, [guard = std::move(guard), then = std::move(then), answer = std::move(answer)] {
                if (guard) then(answer);
            });
        };
        postTask(m_worker, std::move(task));
    }

    /// Ends what runs, forgets what waits.
    void shutdown();

private:
    QThread m_thread; ///< begins with the first work: none at a start
    TaskReceiver* m_worker;
};

} // namespace hearth::ui
