// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_editor.h"

#include "ui/style/metrics.h"
#include "ui/style/theme.h"
#include "ui/widgets/composer_button.h"
#include "ui/widgets/composer_input.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QPainter>
#include <QVBoxLayout>

namespace hearth::ui {

MessageEditor::MessageEditor(const QString& text, Whose whose, QWidget* parent)
    : QWidget(parent), m_whose(whose), m_input(new ComposerInput(this)), m_save(new ComposerButton(ComposerButton::Look::Accent, this))
{
    setObjectName(QStringLiteral("messageEditor"));
    auto* cancel = new ComposerButton(ComposerButton::Look::Quiet, this);
    cancel->setText(tr("Cancel"));
    cancel->setObjectName(QStringLiteral("cancelEdit"));
    m_save->setText(whose == Whose::Users ? tr("Save & send") : tr("Save"));
    m_save->setObjectName(QStringLiteral("saveEdit"));
    m_input->setObjectName(QStringLiteral("editInput"));
    m_input->setAccessibleName(tr("Edit message"));
    m_input->replaceText(text);

    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    row->addStretch(1);
    row->addWidget(cancel);
    if (whose == Whose::Models) {
        m_continue = new ComposerButton(ComposerButton::Look::Quiet, this);
        m_continue->setText(tr("Save & continue"));
        m_continue->setToolTip(tr("The model goes on from the end of this text"));
        m_continue->setObjectName(QStringLiteral("continueEdit"));
        row->addWidget(m_continue);
        connect(m_continue, &ComposerButton::clicked, this, [this] {
            if (!this->text().trimmed().isEmpty())
                emit continued(this->text());
        });
    }
    row->addWidget(m_save);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 12, 12, 12);
    column->setSpacing(10);
    column->addWidget(m_input);
    column->addLayout(row);
    setTabOrder(m_input, m_save);
    setTabOrder(m_save, cancel);

    connect(m_input, &ComposerInput::submitPressed, this, &MessageEditor::save);
    connect(m_input, &ComposerInput::escapePressed, this, &MessageEditor::cancelled);
    connect(m_input, &ComposerInput::textChanged, this, [this] { m_save->setEnabled(!this->text().trimmed().isEmpty()); });
    connect(m_save, &ComposerButton::clicked, this, &MessageEditor::save);
    connect(cancel, &ComposerButton::clicked, this, &MessageEditor::cancelled);
}

QString MessageEditor::text() const
{
    return m_input->text();
}

void MessageEditor::focusInput()
{
    m_input->setFocus(Qt::OtherFocusReason);
}

void MessageEditor::save()
{
    const QString trimmed = text().trimmed();
    if (!trimmed.isEmpty())
        emit saved(m_whose == Whose::Users ? trimmed : text());
}

bool MessageEditor::event(QEvent* event)
{
    if (event->type() == QEvent::LayoutRequest)
        emit heightChanged();
    return QWidget::event(event);
}

void MessageEditor::paintEvent(QPaintEvent*)
{
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(colors.accent);
    painter.setBrush(colors.panel);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), metrics::kComposerRadius, metrics::kComposerRadius);
}

} // namespace hearth::ui
