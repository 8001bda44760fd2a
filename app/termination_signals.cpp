// SPDX-License-Identifier: Apache-2.0
#include "app/termination_signals.h"

#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace hearth::app {

namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};

// A signal handler may touch nothing but this: the end of a pipe that it writes to.
int pipeEnds[2] = {-1, -1};

void onSignal(int number) {
    std::signal(number, SIG_DFL);
    const char byte = 1;
    [[maybe_unused]] const auto written = ::write(pipeEnds[1], &byte, 1);
}

} // namespace

TerminationSignals::TerminationSignals() {
    if (::pipe2(pipeEnds, O_CLOEXEC | O_NONBLOCK) != 0) return; // the default action is no disaster
    m_notifier = std::make_unique<QSocketNotifier>(pipeEnds[0], QSocketNotifier::Read);
    connect(m_notifier.get(), &QSocketNotifier::activated, this, [this] {
        char byte = 0;
        if (::read(pipeEnds[0], &byte, 1) == 1) emit received();
    });
    for (const int number : kSignals)
        std::signal(number, onSignal);
}

TerminationSignals::~TerminationSignals() {
    for (const int number : kSignals)
        std::signal(number, SIG_DFL);
    m_notifier.reset();
    for (int& end : pipeEnds) {
        if (end >= 0) ::close(end);
        end = -1;
    }
}

} // namespace hearth::app
