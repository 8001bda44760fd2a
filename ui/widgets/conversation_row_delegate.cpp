// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/conversation_row_delegate.h"

#include "ui/models/conversation_roles.h"
#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QAbstractItemView>
#include <QFontMetricsF>
#include <QHelpEvent>
#include <QLineEdit>
#include <QPainter>
#include <QPoint>
#include <QTextLayout>
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
constexpr int kFolderHeight = 28;
constexpr int kFolderAbove = 12;
constexpr int kHitLineHeight = 18;
constexpr int kHitLines = 2;
constexpr int kHitTitleHeight = 30;
constexpr int kHitBelow = 8;
constexpr int kChevron = 14;

RowKind kindOf(const QModelIndex& index) { return RowKind(index.data(RowKindRole).toInt()); }

/// One line where the words fit into one; `width` is the item's.
int hitLines(const QModelIndex& index, int width) {
    const qreal room = width - 2 * kSideMargin - 2 * kRowPadding;
    return QFontMetricsF(textFont(metrics::kCaptionPx, QFont::DemiBold)).horizontalAdvance(index.data(SnippetRole).toString()) > room ? kHitLines : 1;
}

int rowHeight(const QModelIndex& index, int width) {
    switch (kindOf(index)) {
    case RowKind::Folder: return kFolderHeight;
    case RowKind::Hit: return kHitTitleHeight + hitLines(index, width) * kHitLineHeight + kHitBelow;
    case RowKind::Conversation: break;
    }
    return kRowHeight;
}

int captionHeight(const QModelIndex& index) {
    if (kindOf(index) == RowKind::Folder) return index.row() == 0 ? 0 : kFolderAbove;
    if (ConversationRowDelegate::caption(index).isEmpty()) return 0;
    return index.row() == 0 ? kFirstCaptionHeight : kCaptionHeight;
}

QString titleOf(const QModelIndex& index) { return index.data(TitleRole).toString().simplified(); }

QFont titleFont(bool chosen) { return textFont(metrics::kTextPx, chosen ? QFont::DemiBold : QFont::Normal); }

QFont ageFont() { return textFont(11); }

/// At most two lines of what was found; the words themselves stand out.
void drawSnippet(QPainter& painter, const QRectF& room, const QModelIndex& index, const QColor& quiet, const QColor& strong) {
    const QFont font = textFont(metrics::kCaptionPx);
    QTextLayout layout(index.data(SnippetRole).toString(), font);
    QList<QTextLayout::FormatRange> formats;
    for (const QPoint& match : index.data(SnippetMatchesRole).value<QList<QPoint>>()) {
        QTextCharFormat found;
        found.setForeground(strong);
        found.setFontWeight(QFont::DemiBold);
        formats << QTextLayout::FormatRange{match.x(), match.y() - match.x(), found};
    }
    QTextOption wrap;
    wrap.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    layout.setTextOption(wrap);
    layout.setFormats(formats);
    layout.beginLayout();
    for (int i = 0; i < kHitLines; ++i) {
        QTextLine line = layout.createLine();
        if (!line.isValid()) break;
        line.setLineWidth(room.width());
        line.setPosition({0, i * double(kHitLineHeight)});
    }
    layout.endLayout();
    painter.setPen(quiet);
    layout.draw(&painter, room.topLeft());
}

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
    return {itemRect.left() + kSideMargin, itemRect.top() + captionHeight(index), itemRect.width() - 2 * kSideMargin,
            rowHeight(index, itemRect.width())};
}

void ConversationRowDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
    const ThemeColors& colors = Theme::current();
    const QRect row = rowRect(option.rect, index);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    if (const QString section = caption(index); !section.isEmpty()) {
        painter->setFont(sectionFont());
        painter->setPen(colors.mute);
        const QRect line(row.left() + 4, row.top() - kCaptionBelow - kCaptionTextHeight, row.width() - 4, kCaptionTextHeight);
        painter->drawText(line, Qt::AlignLeft | Qt::AlignVCenter, painter->fontMetrics().elidedText(section, Qt::ElideRight, line.width()));
    }
    if (kindOf(index) == RowKind::Folder) {
        paintFolder(*painter, option, index, row);
    } else {
        paintRow(*painter, option, index, row);
    }
    painter->restore();
}

void ConversationRowDelegate::paintRow(QPainter& painter, const QStyleOptionViewItem& option, const QModelIndex& index, const QRect& row) const {
    const ThemeColors& colors = Theme::current();
    const bool hit = kindOf(index) == RowKind::Hit;
    const bool selected = option.state.testFlag(QStyle::State_Selected);
    const bool open = !hit && index.data(ConversationIdRole).toLongLong() == m_current;
    const bool chosen = open || selected;
    // The ring shows where the keyboard is; on the open conversation only to whoever uses the keyboard.
    const bool ring = option.state.testFlag(QStyle::State_HasFocus) &&
        (!chosen || option.state.testFlag(QStyle::State_KeyboardFocusChange));
    if (chosen || option.state.testFlag(QStyle::State_MouseOver)) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(chosen ? colors.accentSoft : colors.soft);
        painter.drawRoundedRect(row, metrics::kFieldRadius, metrics::kFieldRadius);
    }
    if (ring) {
        painter.setPen(QPen(colors.accent, 1.5));
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(QRectF(row).adjusted(0.75, 0.75, -0.75, -0.75), metrics::kFieldRadius - 0.75, metrics::kFieldRadius - 0.75);
    }

    const QRect titleRow(row.left(), row.top(), row.width(), hit ? kHitTitleHeight : row.height());
    painter.setFont(ageFont());
    // Mute on the chosen row's ground would be under 4.5 : 1.
    const QColor quiet = chosen ? colors.text : colors.mute;
    painter.setPen(quiet);
    drawFigures(painter, QRectF(titleRow).adjusted(kRowPadding, 0, -kRowPadding, 0), Qt::AlignRight, index.data(AgeRole).toString());
    painter.setFont(hit ? textFont(13, QFont::DemiBold) : titleFont(open));
    painter.setPen(colors.text);
    const qreal room = titleRoom(row, index);
    painter.drawText(QRectF(row.left() + kRowPadding, titleRow.top(), room, titleRow.height()), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                     QFontMetricsF(painter.font()).elidedText(titleOf(index), Qt::ElideRight, room));
    if (!hit) return;
    const QRectF lines(row.left() + kRowPadding, row.top() + kHitTitleHeight - 2, row.width() - 2 * kRowPadding, kHitLines * kHitLineHeight);
    drawSnippet(painter, lines, index, quiet, chosen ? colors.text : colors.accent);
}

void ConversationRowDelegate::paintFolder(QPainter& painter, const QStyleOptionViewItem& option, const QModelIndex& index, const QRect& row) const {
    const ThemeColors& colors = Theme::current();
    const bool dropHere = m_dropFolder != 0 && index.data(FolderIdRole).toLongLong() == m_dropFolder;
    if (dropHere || option.state & (QStyle::State_MouseOver | QStyle::State_HasFocus)) {
        painter.setPen(option.state.testFlag(QStyle::State_HasFocus) || dropHere ? QPen(colors.accent, 1.5) : QPen(Qt::NoPen));
        painter.setBrush(dropHere ? colors.accentSoft : colors.soft);
        painter.drawRoundedRect(QRectF(row).adjusted(0.75, 0.75, -0.75, -0.75), metrics::kFieldRadius - 2, metrics::kFieldRadius - 2);
    }
    const bool collapsed = index.data(CollapsedRole).toBool();
    icon(collapsed ? IconName::ChevronRight : IconName::ChevronDown, IconTone::Mute)
        .paint(&painter, QRect(row.left() + 2, row.top() + (row.height() - kChevron) / 2, kChevron, kChevron));
    painter.setFont(ageFont());
    painter.setPen(colors.mute);
    const QString count = QString::number(index.data(CountRole).toInt());
    drawFigures(painter, QRectF(row).adjusted(0, 0, -kRowPadding, 0), Qt::AlignRight, count);
    const qreal left = row.left() + kChevron + 6;
    const qreal room = row.right() - kRowPadding - figuresWidth(QFontMetricsF(ageFont()), count) - kAgeGap - left;
    painter.setFont(sectionFont());
    painter.drawText(QRectF(left, row.top(), room, row.height()), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                     QFontMetricsF(painter.font()).elidedText(titleOf(index).toUpper(), Qt::ElideRight, room));
}

QSize ConversationRowDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
    const auto* view = qobject_cast<const QAbstractItemView*>(option.widget);
    const int width = view ? view->viewport()->width() : metrics::kSidebarWidth;
    return {80, captionHeight(index) + rowHeight(index, width) + kRowGap};
}

QWidget* ConversationRowDelegate::createEditor(QWidget* parent, const QStyleOptionViewItem&, const QModelIndex& index) const {
    auto* editor = new QLineEdit(parent);
    editor->setMaxLength(kTitleLimit);
    editor->setAccessibleName(kindOf(index) == RowKind::Folder ? tr("Name of the folder") : tr("Title of the chat"));
    return editor;
}

void ConversationRowDelegate::setEditorData(QWidget* editor, const QModelIndex& index) const {
    auto* line = static_cast<QLineEdit*>(editor);
    line->setText(titleOf(index));
    line->selectAll();
}

void ConversationRowDelegate::setModelData(QWidget* editor, QAbstractItemModel*, const QModelIndex& index) const {
    const QString title = static_cast<QLineEdit*>(editor)->text().simplified();
    if (title.isEmpty() || title == titleOf(index)) return;
    if (kindOf(index) == RowKind::Folder) {
        emit folderEdited(index.data(FolderIdRole).toLongLong(), title);
    } else {
        emit titleEdited(index.data(ConversationIdRole).toLongLong(), title);
    }
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
