// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/composer.h"

#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"
#include "ui/widgets/composer_attachments.h"
#include "ui/widgets/composer_button.h"
#include "ui/widgets/composer_input.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QTextBlock>
#include <QToolButton>
#include <QVBoxLayout>

namespace hearth::ui {

Composer::Composer(QWidget* parent)
    : QWidget(parent), m_attachments(new ComposerAttachments(this)), m_input(new ComposerInput(this)), m_startRow(new QWidget(this)),
      m_start(new ComposerInput(m_startRow)), m_attach(new QToolButton(this)), m_status(new QLabel(this)), m_tokens(new QLabel(this)),
      m_button(new ComposerButton(ComposerButton::Look::Accent, this))
{
    setObjectName(QStringLiteral("composer"));
    setCursor(Qt::IBeamCursor);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Maximum);
    m_input->setObjectName(QStringLiteral("composerInput"));
    m_input->setAccessibleName(tr("Message"));
    m_button->setObjectName(QStringLiteral("composerButton"));
    m_status->setObjectName(QStringLiteral("composerStatus"));
    m_status->setTextInteractionFlags(Qt::NoTextInteraction);
    m_tokens->setObjectName(QStringLiteral("composerTokens"));
    m_tokens->setTextInteractionFlags(Qt::NoTextInteraction);
    m_attach->setObjectName(QStringLiteral("composerAttach"));
    m_attach->setText(tr("Attach"));
    m_attach->setAccessibleName(tr("Attach files"));
    m_attach->setToolTip(tr("Attach text, code, Markdown or CSV files"));
    m_attach->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_attach->setAutoRaise(true);
    m_attach->setCursor(Qt::PointingHandCursor);

    auto* startLabel = new QLabel(tr("The reply begins with"), m_startRow);
    auto* startClose = new QToolButton(m_startRow);
    startClose->setIcon(icon(IconName::Close, IconTone::Mute));
    startClose->setAutoRaise(true);
    startClose->setAccessibleName(tr("Let the model begin the reply"));
    startClose->setToolTip(startClose->accessibleName());
    m_start->setObjectName(QStringLiteral("replyStartInput"));
    m_start->setAccessibleName(tr("The reply begins with"));
    startLabel->setBuddy(m_start);
    auto* startHead = new QHBoxLayout;
    startHead->addWidget(startLabel, 1);
    startHead->addWidget(startClose);
    auto* startColumn = new QVBoxLayout(m_startRow);
    startColumn->setContentsMargins(0, 4, 0, 0);
    startColumn->setSpacing(2);
    startColumn->addLayout(startHead);
    startColumn->addWidget(m_start);
    m_startRow->hide();

    auto* row = new QHBoxLayout;
    row->setSpacing(12);
    row->addWidget(m_attach, 0, Qt::AlignBottom);
    row->addWidget(m_status, 1);
    row->addWidget(m_tokens);
    row->addWidget(m_button, 0, Qt::AlignBottom);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 14, 12, 12);
    column->setSpacing(10);
    column->addWidget(m_attachments);
    column->addWidget(m_input);
    column->addWidget(m_startRow);
    column->addLayout(row);
    setFocusProxy(m_input);
    setTabOrder(m_input, m_start);
    setTabOrder(m_start, m_button);
    setTabOrder(m_button, m_attach);

    connect(m_input, &ComposerInput::submitPressed, this, &Composer::submit);
    connect(m_start, &ComposerInput::submitPressed, this, &Composer::submit);
    connect(m_start, &ComposerInput::escapePressed, this, &Composer::endReplyStart);
    connect(startClose, &QToolButton::clicked, this, &Composer::endReplyStart);
    connect(m_input, &ComposerInput::textChanged, this, [this] {
        if (!m_recalling)
            m_recalled = -1;
        m_attachments->clearProblem();
        changed();
    });
    connect(m_attachments, &ComposerAttachments::changed, this, &Composer::changed);
    connect(m_input, &ComposerInput::focusChanged, this, qOverload<>(&QWidget::update));
    connect(m_input, &ComposerInput::recallRequested, this, &Composer::recall);
    connect(m_input, &ComposerInput::filesPasted, this, &Composer::attachFiles);
    connect(m_input, &ComposerInput::longTextPasted, this,
            [this](const QString& text) { m_attachments->add({tr("Pasted text.txt"), QString(), text}); });
    connect(m_input, &ComposerInput::escapePressed, this, [this] {
        if (m_busy)
            emit stopRequested();
    });
    connect(m_attach, &QToolButton::clicked, this, &Composer::attachRequested);
    connect(m_button, &ComposerButton::clicked, this, [this] {
        if (m_busy)
            emit stopRequested();
        else
            submit();
    });
    connect(&Theme::instance(), &Theme::themeChanged, this, &Composer::refresh);
    m_input->takeFiles();
    refresh();
}

void Composer::setBusy(bool busy, const QString& statusText)
{
    m_busy = busy;
    m_status->setText(statusText);
    refresh();
}

void Composer::setPlaceholder(const QString& text)
{
    m_input->setPlaceholderText(text);
}

void Composer::setSendEnabled(bool enabled, const QString& whyNot)
{
    m_sendEnabled = enabled;
    m_whyNot = whyNot;
    refresh();
}

QString Composer::text() const
{
    return m_input->text();
}

void Composer::setText(const QString& text)
{
    m_input->replaceText(text);
}

void Composer::focusInput()
{
    m_input->setFocus(Qt::OtherFocusReason);
}

QString Composer::draft() const
{
    return joinAttachments({m_attachments->attachments(), text()});
}

void Composer::setDraft(const QString& draft)
{
    const TurnText turn = splitAttachments(draft);
    m_changingAll = true; // half of the old and half of the new is nobody's draft
    m_attachments->setAttachments(turn.attachments);
    if (turn.text != text())
        m_input->replaceText(turn.text);
    m_changingAll = false;
    endReplyStart();
    changed();
}

void Composer::changed()
{
    if (m_changingAll)
        return;
    refresh();
    emit draftChanged();
}

void Composer::setHistory(const QStringList& messages)
{
    m_history = messages;
    m_recalled = -1;
}

void Composer::attachFiles(const QStringList& paths)
{
    m_attachments->addFiles(paths);
}

void Composer::beginReplyStart()
{
    m_startRow->show();
    m_start->setFocus(Qt::OtherFocusReason);
}

void Composer::endReplyStart()
{
    if (m_startRow->isHidden())
        return;
    const bool focused = m_start->hasFocus();
    m_start->replaceText({});
    m_startRow->hide();
    if (focused)
        focusInput();
}

void Composer::setTokens(int tokens, int limit)
{
    m_tokensOver = limit > 0 && tokens > limit;
    m_tokens->setText(tokens < 0 ? QString() : limit > 0 ? tr("%L1 / %L2 tokens").arg(tokens).arg(limit) : tr("%L1 tokens").arg(tokens));
    m_tokens->setToolTip(m_tokensOver ? tr("More than the context holds: the oldest messages will be left out")
                                      : tr("This message and the conversation before it, of all that the context holds"));
    refresh();
}

/// Up in an empty field, and on from there; Down comes back to the empty one.
void Composer::recall(int step)
{
    const bool fresh = m_recalled < 0;
    if (m_history.isEmpty() || (fresh && (step > 0 || !text().isEmpty())))
        return;
    const qsizetype wanted = fresh ? m_history.size() - 1 : m_recalled + step;
    if (wanted < 0)
        return;
    m_recalling = true;
    m_recalled = wanted >= m_history.size() ? -1 : wanted;
    m_input->replaceText(m_recalled < 0 ? QString() : m_history[m_recalled]);
    m_recalling = false;
}

void Composer::submit()
{
    const QString message = joinAttachments({m_attachments->attachments(), text().trimmed()});
    if (m_busy || !m_sendEnabled || message.isEmpty())
        return;
    const QString start = m_startRow->isHidden() ? QString() : m_start->text();
    setDraft({});
    emit submitted(message, start);
}

void Composer::refresh()
{
    // isEmpty first: of a text of 1 MB only the beginning matters here.
    bool hasText = false;
    for (QTextBlock block = m_input->document()->begin(); block.isValid() && !hasText; block = block.next())
        hasText = !block.text().trimmed().isEmpty();
    hasText = hasText || !m_attachments->attachments().empty();
    m_button->setText(m_busy ? tr("Stop") : tr("Send"));
    m_button->setGlyph(m_busy ? std::optional(IconName::Stop) : std::nullopt);
    m_button->setEnabled(m_busy || (m_sendEnabled && hasText));
    const QString reason = !m_busy && !m_sendEnabled ? m_whyNot : QString();
    m_button->setToolTip(m_busy ? tr("Stop the reply (Esc)") : reason);
    m_button->setAccessibleDescription(reason);
    QPalette palette = m_status->palette();
    palette.setColor(QPalette::WindowText, Theme::current().mute);
    m_status->setPalette(palette);
    QFont caption = font();
    if (caption.pixelSize() > 0)
        caption.setPixelSize(caption.pixelSize() * metrics::kCaptionPx / metrics::kTextPx);
    m_status->setFont(caption);
    m_attach->setFont(caption);
    m_attach->setIcon(icon(IconName::Plus, IconTone::Mute));
    m_tokens->setFont(caption);
    palette.setColor(QPalette::WindowText, m_tokensOver ? Theme::current().warning : Theme::current().mute);
    m_tokens->setPalette(palette);
    for (QLabel* label : m_startRow->findChildren<QLabel*>()) {
        label->setFont(caption);
        label->setPalette(m_status->palette());
    }
    update();
}

void Composer::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange && m_status)
        refresh();
}

void Composer::mousePressEvent(QMouseEvent*)
{
    focusInput(); // all of the card is the field
}

void Composer::paintEvent(QPaintEvent*)
{
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(m_input->hasFocus() ? colors.accent : colors.line);
    painter.setBrush(colors.panel);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), metrics::kComposerRadius, metrics::kComposerRadius);
}

} // namespace hearth::ui
