// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/token_coalescer.h"

#include <utility>

namespace hearth::ui {

TokenCoalescer::TokenCoalescer(QObject* parent)
    : QObject(parent) {
    m_timer.setSingleShot(true);
    m_timer.setTimerType(Qt::PreciseTimer);
    connect(&m_timer, &QTimer::timeout, this, &TokenCoalescer::flush);
}

void TokenCoalescer::addText(RequestId id, const QString& text) {
    hold(id);
    m_text += text;
    schedule();
}

void TokenCoalescer::addStats(RequestId id, const core::GenerationStats& stats) {
    hold(id);
    m_stats = stats;
    schedule();
}

void TokenCoalescer::hold(RequestId id) {
    if (id != m_id) flush(); // another reply's text is never mixed in
    m_id = id;
}

void TokenCoalescer::schedule() {
    if (m_timer.isActive()) return;
    const qint64 elapsed = m_sinceFlush.isValid() ? m_sinceFlush.elapsed() : kIntervalMs;
    if (elapsed >= kIntervalMs) {
        flush();
    } else {
        m_timer.start(int(kIntervalMs - elapsed));
    }
}

void TokenCoalescer::flush() {
    m_timer.stop();
    if (m_text.isEmpty() && !m_stats) return;
    m_sinceFlush.start();
    const QString text = std::exchange(m_text, {});
    const auto stats = std::exchange(m_stats, std::nullopt);
    if (!text.isEmpty()) emit textReady(m_id, text);
    if (stats) emit statsReady(m_id, *stats);
}

} // namespace hearth::ui
