// SPDX-License-Identifier: Apache-2.0
#include "ui/windows/conversation_pane.h"

#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"
#include "ui/widgets/chip.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/empty_state.h"
#include "ui/widgets/message_find_bar.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/model_button.h"
#include "ui/widgets/notice_bar.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QPainter>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

namespace hearth::ui {

namespace {

constexpr int kHeaderHeight = 52;
constexpr int kSideMargin = 24;
constexpr int kGap = 10;
constexpr int kComposerMargin = 18;
constexpr int kNoticeMargin = 12;

/// A row whose one widget stands in the middle, as wide as the reading column and no wider.
QHBoxLayout* readingColumn(QWidget* content) {
    content->setMaximumWidth(metrics::kReadingWidth);
    auto* row = new QHBoxLayout;
    row->setContentsMargins(kSideMargin, 0, kSideMargin, 0);
    row->addStretch(0);
    row->addWidget(content, 1);
    row->addStretch(0);
    return row;
}

} // namespace

ConversationPane::ConversationPane(QWidget* parent)
    : QWidget(parent)
    , m_sidebarButton(new QToolButton(this))
    , m_modelButton(new ModelButton(this))
    , m_backend(new Chip(this))
    , m_context(new Chip(this))
    , m_notice(new NoticeBar(this))
    , m_findBar(new FindBar(this))
    , m_stack(new QStackedWidget(this))
    , m_emptyState(new EmptyState)
    , m_messages(new MessageView)
    , m_composer(new Composer(this)) {
    m_modelButton->setObjectName(QStringLiteral("modelButton"));
    m_notice->setObjectName(QStringLiteral("notice"));
    m_messages->setObjectName(QStringLiteral("messages"));
    m_emptyState->setObjectName(QStringLiteral("emptyState"));
    m_composer->setObjectName(QStringLiteral("composer"));
    m_backend->setObjectName(QStringLiteral("backendChip"));
    m_context->setObjectName(QStringLiteral("contextChip"));
    m_stack->addWidget(m_emptyState);
    m_stack->addWidget(m_messages);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(buildHeader());
    m_noticeRow = new QWidget(this);
    auto* noticeColumn = readingColumn(m_notice);
    noticeColumn->setContentsMargins(kSideMargin, kNoticeMargin, kSideMargin, 0);
    m_noticeRow->setLayout(noticeColumn);
    m_noticeRow->setVisible(false); // with the notice, so that the margin goes too
    m_notice->installEventFilter(this);
    column->addWidget(m_noticeRow);
    auto* findRow = new QWidget(this);
    findRow->setLayout(readingColumn(m_findBar));
    column->addWidget(findRow);
    column->addWidget(m_stack, 1);
    column->addWidget(buildFooter());
    setBackend({});
    setContext(0, 0);
    connect(m_findBar, &FindBar::textChanged, m_messages, &MessageView::setFindText);
    connect(m_findBar, &FindBar::stepRequested, m_messages, &MessageView::findNext);
    connect(m_messages, &MessageView::foundChanged, m_findBar, &FindBar::setFound);
    connect(m_findBar, &FindBar::closed, m_messages, [this] { m_messages->setFocus(); });
}

QWidget* ConversationPane::buildHeader() {
    auto* header = new QWidget(this);
    m_header = header;
    header->setFixedHeight(kHeaderHeight);
    m_sidebarButton->setIcon(icon(IconName::SidebarLeft, IconTone::Mute));
    m_sidebarButton->setAutoRaise(true);
    m_sidebarButton->setIconSize({metrics::kIconPx, metrics::kIconPx});
    m_sidebarButton->setAccessibleName(tr("Show conversations"));
    m_sidebarButton->setVisible(false);
    m_backend->makeButton();
    connect(m_backend, &Chip::clicked, this, &ConversationPane::backendReasonRequested);
    m_context->setToolTip(tr("Tokens of this conversation in the model's context, of all that fit"));

    auto* row = new QHBoxLayout(header);
    row->setContentsMargins(kSideMargin, 0, kSideMargin, 1);
    row->setSpacing(kGap);
    row->addWidget(m_sidebarButton);
    row->addWidget(m_modelButton);
    row->addWidget(m_backend);
    row->addStretch(1);
    row->addWidget(m_context);
    return header;
}

QWidget* ConversationPane::buildFooter() {
    auto* footer = new QWidget(this);
    auto* row = readingColumn(m_composer);
    row->setContentsMargins(kSideMargin, 0, kSideMargin, kComposerMargin);
    footer->setLayout(row);
    return footer;
}

void ConversationPane::showPage(Page page) {
    m_stack->setCurrentWidget(page == Page::Empty ? static_cast<QWidget*>(m_emptyState) : m_messages);
}

QWidget& ConversationPane::overlayArea() {
    return *m_stack;
}

void ConversationPane::setBackend(const std::optional<core::ModelInfo>& model) {
    m_backendName = model ? QString::fromStdString(model->backend) : QString();
    m_backendDetail = model ? QString::fromStdString(model->backendDetail) : QString();
    const QString full =
        m_backendDetail.isEmpty() ? m_backendName : m_backendName + QStringLiteral(" · ") + m_backendDetail;
    const QString reason = model ? QString::fromStdString(model->backendReason) : QString();
    m_backend->setDot(model && model->fallback ? Chip::Dot::Warning : Chip::Dot::Good);
    m_backend->setToolTip(full + u'\n' + reason + (model && model->fallback ? u'\n' + tr("Click for what would help.") : QString()));
    m_backend->setAccessibleName(tr("Runs on %1").arg(full));
    m_backend->setAccessibleDescription(reason);
    fillChips();
}

void ConversationPane::setContext(int used, int total) {
    m_contextUsed = used;
    m_contextTotal = total;
    m_context->setAccessibleName(tr("Context: %L1 of %L2 tokens").arg(used).arg(total));
    fillChips();
}

void ConversationPane::writeChips() {
    m_backend->setText(m_compact || m_backendDetail.isEmpty()
                           ? m_backendName
                           : m_backendName + QStringLiteral(" · ") + m_backendDetail);
    m_context->setText((m_compact ? tr("%L1 / %L2") : tr("context %L1 / %L2")).arg(m_contextUsed).arg(m_contextTotal));
}

/// All of it where there is room, else the short forms: the model's name comes first.
void ConversationPane::fillChips() {
    m_backend->setVisible(!m_backendName.isEmpty());
    m_context->setVisible(m_contextTotal > 0);
    m_compact = false;
    writeChips();
    m_header->layout()->invalidate();
    if (m_header->layout()->sizeHint().width() <= width()) return;
    m_compact = true;
    writeChips();
}

void ConversationPane::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    fillChips();
}

bool ConversationPane::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_notice && (event->type() == QEvent::ShowToParent || event->type() == QEvent::HideToParent)) {
        m_noticeRow->setVisible(event->type() == QEvent::ShowToParent);
    }
    return QWidget::eventFilter(watched, event);
}

void ConversationPane::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), colors.page);
    painter.fillRect(0, kHeaderHeight - 1, width(), 1, colors.line);
}

} // namespace hearth::ui
