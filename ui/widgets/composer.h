// SPDX-License-Identifier: Apache-2.0
//
// Composer: the card in which a message is written. Grows from 1 to 10 lines. Enter sends, Shift+Enter makes a new line;
// while busy the Send button is a Stop button and Esc stops. Plain text only; files and long pasted texts become
// attachments; Up in an empty field brings back what was sent before; the beginning of the reply can be written, too.
// Thread: GUI.
#pragma once

#include <QStringList>
#include <QWidget>

class QLabel;
class QToolButton;

namespace hearth::ui {

class ComposerAttachments;
class ComposerButton;
class ComposerInput;

class Composer : public QWidget {
    Q_OBJECT
public:
    explicit Composer(QWidget* parent = nullptr);

    /// While busy, Send is Stop and `statusText` ("Replying...") stands left of it.
    void setBusy(bool busy, const QString& statusText = {});
    [[nodiscard]] bool isBusy() const { return m_busy; }
    void setPlaceholder(const QString& text);
    /// False disables sending; `whyNot` is the tooltip of the button and its accessible description.
    void setSendEnabled(bool enabled, const QString& whyNot = {});

    /// What is typed, without attachments.
    [[nodiscard]] QString text() const;
    void setText(const QString& text);
    void focusInput();

    /// All of what would be sent (message_attachments.h), for drafts and for counting.
    [[nodiscard]] QString draft() const;
    void setDraft(const QString& draft);
    /// Earlier messages, oldest first, for Up in an empty field.
    void setHistory(const QStringList& messages);
    void attachFiles(const QStringList& paths);
    /// Shows the field for the beginning of the reply.
    void beginReplyStart();
    /// Tokens of draft and history; `limit` 0 = unknown, -1 for `tokens` = nothing to show.
    void setTokens(int tokens, int limit);

signals:
    /// The text without white space at its ends, attachments in front; the field is already empty again. `replyStart`: what
    /// the reply shall begin with.
    void submitted(const QString& text, const QString& replyStart);
    void draftChanged();
    void attachRequested();
    void stopRequested();

protected:
    void changeEvent(QEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void submit();
    void refresh();
    void changed();
    void recall(int step);
    void endReplyStart();

    ComposerAttachments* m_attachments = nullptr;
    ComposerInput* m_input = nullptr;
    QWidget* m_startRow = nullptr; ///< the beginning of the reply
    ComposerInput* m_start = nullptr;
    QToolButton* m_attach = nullptr;
    QLabel* m_status = nullptr;
    QLabel* m_tokens = nullptr;
    ComposerButton* m_button = nullptr;
    QStringList m_history;
    qsizetype m_recalled = -1; ///< index into m_history; -1 = what is in the field is new
    bool m_recalling = false;
    bool m_changingAll = false;
    bool m_busy = false;
    bool m_sendEnabled = true;
    bool m_tokensOver = false;
    QString m_whyNot;
};

} // namespace hearth::ui
