// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/composer.h"

#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"
#include "ui/widgets/composer_button.h"
#include "ui/widgets/composer_input.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QTextBlock>
#include <QVBoxLayout>

namespace hearth::ui {

Composer::Composer(QWidget* parent)
    : QWidget(parent), m_input(new ComposerInput(this)), m_status(new QLabel(this)), m_button(new ComposerButton(ComposerButton::Look::Accent, this))
{
    setObjectName(QStringLiteral("composer"));
    setCursor(Qt::IBeamCursor);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Maximum);
    m_input->setObjectName(QStringLiteral("composerInput"));
    m_input->setAccessibleName(tr("Message"));
    m_button->setObjectName(QStringLiteral("composerButton"));
    m_status->setObjectName(QStringLiteral("composerStatus"));
    m_status->setTextInteractionFlags(Qt::NoTextInteraction);

    auto* row = new QHBoxLayout;
    row->setSpacing(12);
    row->addWidget(m_status, 1);
    row->addWidget(m_button, 0, Qt::AlignBottom);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 14, 12, 12);
    column->setSpacing(10);
    column->addWidget(m_input);
    column->addLayout(row);
    setFocusProxy(m_input);
    setTabOrder(m_input, m_button);

    connect(m_input, &ComposerInput::submitPressed, this, &Composer::submit);
    connect(m_input, &ComposerInput::textChanged, this, &Composer::refresh);
    connect(m_input, &ComposerInput::focusChanged, this, qOverload<>(&QWidget::update));
    connect(m_input, &ComposerInput::escapePressed, this, [this] {
        if (m_busy)
            emit stopRequested();
    });
    connect(m_button, &ComposerButton::clicked, this, [this] {
        if (m_busy)
            emit stopRequested();
        else
            submit();
    });
    connect(&Theme::instance(), &Theme::themeChanged, this, &Composer::refresh);
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

void Composer::submit()
{
    const QString message = text().trimmed();
    if (m_busy || !m_sendEnabled || message.isEmpty())
        return;
    m_input->replaceText({});
    emit submitted(message);
}

void Composer::refresh()
{
    // isEmpty first: of a text of 1 MB only the beginning matters here.
    bool hasText = false;
    for (QTextBlock block = m_input->document()->begin(); block.isValid() && !hasText; block = block.next())
        hasText = !block.text().trimmed().isEmpty();
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
