// SPDX-License-Identifier: Apache-2.0
//
// How work and answers cross threads: a functor that owns its values travels in an event, Qt's queue carries it. The
// one place, so that ThreadSanitizer can be told of the order that Qt's own (uninstrumented) queue establishes, and
// reports real races only. Thread: postTask from any; the task runs on the receiver's.
#pragma once

#include <QEvent>
#include <QObject>

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace hearth::ui {

/// Runs the tasks that are posted to it, in order.
class TaskReceiver : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    /// Runs what waits now, on this thread. For the time after the sending thread was joined.
    void runPostedTasks();

protected:
    bool event(QEvent* event) override;
};

/// `receiver` is alive until its thread has ended. The task holds values, no references to the sender's objects.
void postTask(TaskReceiver* receiver, std::function<void()> task);

/// Turns a signal that `sender` emits on its own thread into a task for `receiver`: handler(arguments...).
template <class Sender, class... Args, class Handler>
void relay(Sender* sender, void (Sender::*signal)(Args...), TaskReceiver* receiver, Handler handler) {
    const auto post = [receiver, handler = std::move(handler)](Args... args) {
        postTask(receiver,
                 [handler, values = std::tuple<std::decay_t<Args>...>(args...)] { std::apply(handler, values); });
    };
    QObject::connect(sender, signal, sender, post, Qt::DirectConnection);
}

} // namespace hearth::ui
