// SPDX-License-Identifier: Apache-2.0
//
// ReplyWriter: carries one streaming reply into the store: what came since the last time, several times a second, and
// at the end the state and the statistics. When a write fails it keeps everything and tries again with the whole text
// until it succeeds, so that a full disk that is freed loses nothing. Thread: GUI.
#pragma once

#include "core/store/chat_store.h"
#include "ui/bridge/store_client.h"

#include <QObject>
#include <QTimer>

#include <optional>

namespace hearth::ui {

class ReplyWriter : public QObject {
    Q_OBJECT
public:
    static constexpr int kIntervalMs = 250; ///< at most 500 ms of text may be lost to kill -9
    static constexpr int kRetryMs = 3000;

    /// Append: the row holds `savedText` characters and is being generated. Whole: a finished reply that is carried on.
    enum class Mode { Append, Whole };

    explicit ReplyWriter(StoreClient& store, QObject* parent = nullptr);

    /// The row exists from now on, with the first `savedLength` characters in it. Until then nothing is written.
    void setMessage(core::MessageId id, qsizetype savedLength, Mode mode);
    [[nodiscard]] bool hasMessage() const { return m_id > 0; }

    /// All the text so far.
    void setText(const QString& text);
    /// Ends in `finished` when it is in the store.
    void finish(core::MessageState state, const std::optional<core::ReplyStats>& stats, const QString& errorText);
    /// Queues what is not yet written, without waiting for the timer. Used at shutdown.
    void flush();

signals:
    void failed(const hearth::core::Error& error);
    void saved();
    void finished();

private:
    struct Final {
        core::MessageState state;
        std::optional<core::ReplyStats> stats;
        QString errorText;
    };

    StoreClient& m_store;
    QTimer m_timer;
    core::MessageId m_id = 0;
    QString m_text;
    qsizetype m_sentLength = 0; ///< given to the store, in the order of its queue
    bool m_rewrite = false;     ///< the next write replaces the text: an append failed, or Mode::Whole
    bool m_wholeAlways = false;
    std::optional<Final> m_final;
};

} // namespace hearth::ui
