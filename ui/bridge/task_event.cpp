// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/task_event.h"

#include <QCoreApplication>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace hearth::ui {

namespace {

const QEvent::Type kTaskType = QEvent::Type(QEvent::registerEventType());

/// "All that was written before is seen by whoever takes this event": Qt's queue sees to it, these say it.
void noteGiven([[maybe_unused]] QEvent* event) {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(event);
#endif
}

void noteTaken([[maybe_unused]] QEvent* event) {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(event);
#endif
}

class TaskEvent final : public QEvent {
public:
    explicit TaskEvent(std::function<void()> task)
        : QEvent(kTaskType)
        , m_task(std::move(task)) {}

    ~TaskEvent() override { noteTaken(this); } // also when it was never run, because its receiver had gone

    void run() const { m_task(); }

private:
    std::function<void()> m_task;
};

} // namespace

void TaskReceiver::runPostedTasks() {
    QCoreApplication::sendPostedEvents(this, kTaskType);
}

bool TaskReceiver::event(QEvent* event) {
    if (event->type() != kTaskType) return QObject::event(event);
    noteTaken(event);
    static_cast<TaskEvent*>(event)->run();
    return true;
}

void postTask(TaskReceiver* receiver, std::function<void()> task) {
    auto* event = new TaskEvent(std::move(task)); // Qt's queue owns it from here
    noteGiven(event);
    QCoreApplication::postEvent(receiver, event);
}

} // namespace hearth::ui
