// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/conversation_row_delegate.h"

#include "ui/models/conversation_roles.h"
#include "ui/style/fonts.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QAbstractItemView>
#include <QFontMetricsF>
#include <QHelpEvent>
#include <QLineEdit>
#include <QPainter>
#include <QToolTip>

namespace hearth::ui {

namespace {

constexpr int kRowHeight = 36;
constexpr int kRowGap = 4;
constexpr int kSideMargin = 12;
constexpr int kRowPadding = 10;
constexpr int kAgeGap = 8;
constexpr int kCaptionHeight = 40;       ///< with the air above it
constexpr int kFirstCaptionHeight = 32;
constexpr int kCaptionTextHeight = 16;
constexpr int kCaptionBelow = 6;
constexpr int kTitleLimit = 200;         ///< characters

int captionHeight(const QModelIndex& index) {
    if (ConversationRowDelegate::caption(index).isEmpty()) return 0;
    return index.row() == 0 ? kFirstCaptionHeight : kCaptionHeight;
}

QString titleOf(const QModelIndex& index) { return index.data(TitleRole).toString().simplified(); }

QFont titleFont(bool chosen) { return textFont(metrics::kTextPx, chosen ? QFont::DemiBold : QFont::Normal); }

QFont ageFont() { return textFont(11); }

qreal titleRoom(const QRect& row, const QModelIndex& index) {
    const QString age = index.data(AgeRole).toString();
    const qreal ageWidth = age.isEmpty() ? 0 : figuresWidth(QFontMetricsF(ageFont()), age) + kAgeGap;
    return row.width() - 2 * kRowPadding - ageWidth;
}

} // namespace

ConversationRowDelegate::ConversationRowDelegate(QObject* parent) : QStyledItemDelegate(parent) {}

QString ConversationRowDelegate::caption(const QModelIndex& index) {
    const QString section = index.data(SectionRole).toString();
    if (index.row() > 0 && index.siblingAtRow(index.row() - 1).data(SectionRole).toString() == section) return {};
    return section;
}

QRect ConversationRowDelegate::rowRect(const QRect& itemRect, const QModelIndex& index) {
    return {itemRect.left() + kSideMargin, itemRect.top() + captionHeight(index), itemRect.width() - 2 * kSideMargin, kRowHeight};
}

void ConversationRowDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
    const ThemeColors& colors = Theme::current();
    const QRect row = rowRect(option.rect, index);
    const qint64 id = index.data(ConversationIdRole).toLongLong();
    const bool chosen = id == m_current;
    // The ring shows where the keyboard is; on the open conversation only to whoever uses the keyboard.
    const bool ring = option.state.testFlag(QStyle::State_HasFocus) &&
        (!chosen || option.state.testFlag(QStyle::State_KeyboardFocusChange));

    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    if (const QString section = caption(index); !section.isEmpty()) {
        painter->setFont(sectionFont());
        painter->setPen(colors.mute);
        const QRect line(row.left() + 4, row.top() - kCaptionBelow - kCaptionTextHeight, row.width() - 4, kCaptionTextHeight);
        painter->drawText(line, Qt::AlignLeft | Qt::AlignVCenter, painter->fontMetrics().elidedText(section, Qt::ElideRight, line.width()));
    }

    if (chosen || option.state.testFlag(QStyle::State_MouseOver)) {
        painter->setPen(Qt::NoPen);
        painter->setBrush(chosen ? colors.accentSoft : colors.soft);
        painter->drawRoundedRect(row, metrics::kFieldRadius, metrics::kFieldRadius);
    }
    if (ring) {
        painter->setPen(QPen(colors.accent, 1.5));
        painter->setBrush(Qt::NoBrush);
        painter->drawRoundedRect(QRectF(row).adjusted(0.75, 0.75, -0.75, -0.75), metrics::kFieldRadius - 0.75, metrics::kFieldRadius - 0.75);
    }

    painter->setFont(ageFont());
    // Mute on the chosen row's ground would be under 4.5 : 1.
    painter->setPen(chosen ? colors.text : colors.mute);
    drawFigures(*painter, QRectF(row).adjusted(kRowPadding, 0, -kRowPadding, 0), Qt::AlignRight, index.data(AgeRole).toString());
    painter->setFont(titleFont(chosen));
    painter->setPen(colors.text);
    const qreal room = titleRoom(row, index);
    painter->drawText(QRectF(row.left() + kRowPadding, row.top(), room, row.height()), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                      QFontMetricsF(painter->font()).elidedText(titleOf(index), Qt::ElideRight, room));
    painter->restore();
}

QSize ConversationRowDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex& index) const {
    return {80, captionHeight(index) + kRowHeight + kRowGap};
}

QWidget* ConversationRowDelegate::createEditor(QWidget* parent, const QStyleOptionViewItem&, const QModelIndex&) const {
    auto* editor = new QLineEdit(parent);
    editor->setMaxLength(kTitleLimit);
    editor->setAccessibleName(tr("Title of the chat"));
    return editor;
}

void ConversationRowDelegate::setEditorData(QWidget* editor, const QModelIndex& index) const {
    auto* line = static_cast<QLineEdit*>(editor);
    line->setText(titleOf(index));
    line->selectAll();
}

void ConversationRowDelegate::setModelData(QWidget* editor, QAbstractItemModel*, const QModelIndex& index) const {
    const QString title = static_cast<QLineEdit*>(editor)->text().simplified();
    if (!title.isEmpty() && title != titleOf(index)) emit titleEdited(index.data(ConversationIdRole).toLongLong(), title);
}

void ConversationRowDelegate::updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option, const QModelIndex& index) const {
    editor->setGeometry(rowRect(option.rect, index));
}

bool ConversationRowDelegate::helpEvent(QHelpEvent* event, QAbstractItemView* view, const QStyleOptionViewItem& option,
                                        const QModelIndex& index) {
    if (event->type() != QEvent::ToolTip || !index.isValid()) return QStyledItemDelegate::helpEvent(event, view, option, index);
    const bool chosen = index.data(ConversationIdRole).toLongLong() == m_current;
    const QString title = titleOf(index);
    const bool cut = QFontMetricsF(titleFont(chosen)).horizontalAdvance(title) > titleRoom(rowRect(option.rect, index), index);
    // Escaped: a tool tip would take a title with tags in it for rich text.
    QToolTip::showText(event->globalPos(), cut ? title.toHtmlEscaped() : QString(), view);
    return true;
}

} // namespace hearth::ui
