// SPDX-License-Identifier: Apache-2.0
#include "ui/models/reply_writer.h"

namespace hearth::ui {

ReplyWriter::ReplyWriter(StoreClient& store, QObject* parent)
    : QObject(parent)
    , m_store(store) {
    m_timer.setSingleShot(true);
    m_timer.setInterval(kIntervalMs);
    connect(&m_timer, &QTimer::timeout, this, &ReplyWriter::flush);
}

void ReplyWriter::setMessage(core::MessageId id, qsizetype savedLength, Mode mode) {
    m_id = id;
    m_sentLength = savedLength;
    m_wholeAlways = mode == Mode::Whole;
    if (m_final) {
        flush();
    } else if (m_text.size() > m_sentLength && !m_timer.isActive()) {
        m_timer.start();
    }
}

void ReplyWriter::setText(const QString& text) {
    m_text = text;
    if (m_id > 0 && !m_timer.isActive()) m_timer.start();
}

void ReplyWriter::finish(core::MessageState state, const std::optional<core::ReplyStats>& stats,
                         const QString& errorText) {
    m_final = Final{state, stats, errorText};
    flush();
}

void ReplyWriter::flush() {
    m_timer.stop();
    if (m_id <= 0) return;
    const bool whole = m_rewrite || m_wholeAlways;
    const std::string text = (whole ? m_text : m_text.mid(m_sentLength)).toStdString();
    const bool textChanged = m_rewrite || m_text.size() > m_sentLength;
    if (!textChanged && !m_final) return;
    m_sentLength = m_text.size();
    m_rewrite = false;

    m_store.chats(
        this,
        [id = m_id, whole, textChanged, text, final = m_final](core::ChatStore& chats) -> core::Result<void> {
            if (textChanged) {
                const auto written = whole ? chats.setText(id, text) : chats.appendText(id, text);
                if (!written) return written;
            }
            if (!final) return {};
            return chats.finishReply(id, final->state, final->stats, final->errorText.toStdString());
        },
        [this, wasFinal = m_final.has_value()](const core::Result<void>& result) {
            if (result) {
                if (m_rewrite) return; // an earlier chunk is missing; the timer mends it
                emit saved();
                if (wasFinal) emit finished();
                return;
            }
            m_rewrite = true; // whatever else is under way, the whole text mends it
            m_timer.start(kRetryMs);
            emit failed(result.error());
        });
}

} // namespace hearth::ui
