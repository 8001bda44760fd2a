// SPDX-License-Identifier: Apache-2.0
//
// TerminationSignals: SIGTERM, SIGINT and SIGHUP (the end of the session, Ctrl+C) as a signal of the event loop, so
// that a reply under way is saved and the threads are joined. A second one ends the program at once. Thread: GUI; one
// object per process.
#pragma once

#include <QObject>
#include <QSocketNotifier>

#include <memory>

namespace hearth::app {

class TerminationSignals : public QObject {
    Q_OBJECT
public:
    TerminationSignals();
    ~TerminationSignals() override;

signals:
    void received();

private:
    std::unique_ptr<QSocketNotifier> m_notifier;
};

} // namespace hearth::app
