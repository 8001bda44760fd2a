// SPDX-License-Identifier: Apache-2.0
//
// TokenCoalescer: gathers the pieces of a streaming reply so that the window changes at most once per display frame,
// however fast the tokens come. The first piece after a pause goes through at once: slow models lose no time.
// Thread: GUI. (On the engine thread it would have no timer: that thread is busy computing the next token.)
#pragma once

#include "ui/bridge/meta_types.h"

#include <QElapsedTimer>
#include <QObject>
#include <QString>
#include <QTimer>

#include <optional>

namespace hearth::ui {

class TokenCoalescer : public QObject {
    Q_OBJECT
public:
    static constexpr int kIntervalMs = 16;

    explicit TokenCoalescer(QObject* parent = nullptr);

    void addText(RequestId id, const QString& text);
    void addStats(RequestId id, const core::GenerationStats& stats);
    /// Gives out what is held back, now. Called before a reply's final signal.
    void flush();

signals:
    void textReady(hearth::ui::RequestId id, const QString& text);
    void statsReady(hearth::ui::RequestId id, const hearth::core::GenerationStats& stats);

private:
    void hold(RequestId id);
    void schedule();

    RequestId m_id = 0;
    QString m_text;
    std::optional<core::GenerationStats> m_stats;
    QElapsedTimer m_sinceFlush;
    QTimer m_timer;
};

} // namespace hearth::ui
