// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/sidebar.h"

#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"
#include "ui/widgets/conversation_list.h"

#include <QAbstractButton>
#include <QAction>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QKeySequence>
#include <QLabel>
#include <QLineEdit>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>

namespace hearth::ui {

namespace {

constexpr int kMargin = 12;
constexpr int kButtonHeight = 40;
constexpr int kMinimumWidth = 180;

/// "New chat" and, at its right end, the keys that do the same.
class NewChatButton : public QAbstractButton {
public:
    explicit NewChatButton(QWidget* parent) : QAbstractButton(parent) {
        setText(Sidebar::tr("New chat"));
        setAccessibleName(text());
        setFocusPolicy(Qt::StrongFocus);
        setAttribute(Qt::WA_Hover);
        setFixedHeight(kButtonHeight);
        setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    }
    [[nodiscard]] QSize sizeHint() const override { return {200, kButtonHeight}; }

protected:
    void paintEvent(QPaintEvent*) override {
        const ThemeColors& colors = Theme::current();
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(hasFocus() ? colors.accent : colors.line);
        painter.setBrush(underMouse() || isDown() ? colors.soft : colors.panel);
        painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), metrics::kFieldRadius, metrics::kFieldRadius);

        painter.setFont(textFont(metrics::kTextPx, QFont::DemiBold));
        painter.setPen(colors.text);
        painter.drawText(rect().adjusted(kMargin, 0, -kMargin, 0), Qt::AlignVCenter | Qt::AlignLeft, text());

        const QString keys = QKeySequence(QKeySequence::New).toString(QKeySequence::NativeText);
        painter.setFont(textFont(11));
        const int keysWidth = painter.fontMetrics().horizontalAdvance(keys) + 12;
        const QRectF cap(width() - kMargin - keysWidth + 0.5, (height() - 18) / 2.0 + 0.5, keysWidth - 1, 17);
        if (keys.isEmpty() || cap.left() < width() / 2.0) return;
        painter.setPen(colors.line);
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(cap, 4, 4);
        painter.setPen(colors.mute);
        painter.drawText(cap, Qt::AlignCenter, keys);
    }
};

} // namespace

Sidebar::Sidebar(QWidget* parent)
    : QWidget(parent), m_search(new QLineEdit(this)), m_list(new ConversationList(this)), m_emptyText(new QLabel(m_list)) {
    setMinimumWidth(kMinimumWidth);
    auto* newChat = new NewChatButton(this);
    newChat->setObjectName(QStringLiteral("newChat"));
    m_search->setObjectName(QStringLiteral("search"));
    m_search->setPlaceholderText(tr("Search all chats"));
    m_search->setAccessibleName(tr("Search all chats"));
    m_search->setFixedHeight(kButtonHeight - 4);
    m_search->installEventFilter(this);
    m_clearSearch = m_search->addAction(icon(IconName::Close, IconTone::Mute), QLineEdit::TrailingPosition);
    m_clearSearch->setText(tr("Clear the search"));
    m_clearSearch->setVisible(false);
    m_emptyText->setObjectName(QStringLiteral("emptyText"));
    m_emptyText->setFont(textFont(13));
    m_emptyText->setAlignment(Qt::AlignHCenter);
    m_emptyText->setAttribute(Qt::WA_TransparentForMouseEvents);
    auto* listColumn = new QVBoxLayout(m_list);
    listColumn->setContentsMargins(kMargin, 48, kMargin, 0);
    listColumn->addWidget(m_emptyText, 0, Qt::AlignTop);

    auto* head = new QVBoxLayout;
    head->setContentsMargins(kMargin, kMargin, kMargin, 8);
    head->setSpacing(8);
    head->addWidget(newChat);
    head->addWidget(m_search);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(head);
    column->addWidget(m_list, 1);
    column->addWidget(makeFoot());

    connect(newChat, &QAbstractButton::clicked, this, &Sidebar::newChatRequested);
    connect(m_clearSearch, &QAction::triggered, m_search, &QLineEdit::clear);
    connect(m_search, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_clearSearch->setVisible(!text.isEmpty());
        updateEmptyText();
        emit searchChanged(text);
    });
    connect(m_list, &ConversationList::opened, this, &Sidebar::conversationActivated);
    connect(m_list, &ConversationList::renamed, this, &Sidebar::renameRequested);
    connect(m_list, &ConversationList::hitOpened, this, &Sidebar::hitActivated);
    connect(m_list, &ConversationList::commanded, this, &Sidebar::commandRequested);
    connect(m_list, &ConversationList::moveAsked, this, &Sidebar::moveRequested);
    connect(m_list, &ConversationList::folderRenamed, this, &Sidebar::folderRenameRequested);
    connect(m_list, &ConversationList::folderToggled, this, &Sidebar::folderToggleRequested);
    connect(m_list, &ConversationList::folderRemovalAsked, this, &Sidebar::folderRemovalRequested);
    connect(m_list, &ConversationList::rowCountChanged, this, &Sidebar::updateEmptyText);
    connect(&Theme::instance(), &Theme::themeChanged, this, &Sidebar::colorEmptyText);
    colorEmptyText();
    updateEmptyText();
}

void Sidebar::setModel(QAbstractItemModel* model) { m_list->setModel(model); }

void Sidebar::setCurrent(qint64 id) { m_list->setCurrentConversation(id); }

std::vector<qint64> Sidebar::selectedConversations() const { return m_list->selectedConversations(); }

QWidget* Sidebar::makeFoot() {
    auto* foot = new QWidget(this);
    auto* row = new QHBoxLayout(foot);
    row->setContentsMargins(8, 6, 8, 8);
    row->setSpacing(4);
    const auto button = [&](const char* name, IconName image, const QString& text) {
        auto* made = new QToolButton(foot);
        made->setObjectName(QLatin1String(name));
        made->setIcon(icon(image, IconTone::Mute));
        made->setIconSize({16, 16});
        made->setText(text);
        made->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        made->setAutoRaise(true);
        made->setFont(textFont(metrics::kCaptionPx));
        made->setFocusPolicy(Qt::TabFocus);
        made->setAccessibleName(text);
        row->addWidget(made);
        return made;
    };
    m_archive = button("archive", IconName::Archive, tr("Archive"));
    m_bin = button("bin", IconName::Trash, tr("Bin"));
    row->addStretch(1);
    m_emptyBin = button("emptyBin", IconName::Close, tr("Empty bin"));
    m_emptyBin->setVisible(false);
    m_archive->setCheckable(true);
    m_bin->setCheckable(true);
    connect(m_archive, &QToolButton::clicked, this, [this](bool on) { choosePlace(on ? ConversationPlace::Archive : ConversationPlace::List); });
    connect(m_bin, &QToolButton::clicked, this, [this](bool on) { choosePlace(on ? ConversationPlace::Bin : ConversationPlace::List); });
    connect(m_emptyBin, &QToolButton::clicked, this, &Sidebar::emptyBinRequested);
    return foot;
}

void Sidebar::choosePlace(ConversationPlace place) {
    m_place = place;
    m_archive->setChecked(place == ConversationPlace::Archive);
    m_bin->setChecked(place == ConversationPlace::Bin);
    m_list->setPlace(place);
    m_search->clear();
    emit placeChosen(place);
    updateEmptyText();
}

void Sidebar::focusSearch() {
    m_search->setFocus(Qt::ShortcutFocusReason);
    m_search->selectAll();
}

QSize Sidebar::sizeHint() const { return {metrics::kSidebarWidth, 400}; }

void Sidebar::updateEmptyText() {
    const bool empty = !m_list->model() || m_list->model()->rowCount() == 0;
    m_emptyText->setText(!m_search->text().isEmpty()             ? tr("Nothing found")
                         : m_place == ConversationPlace::Archive ? tr("The archive is empty")
                         : m_place == ConversationPlace::Bin     ? tr("The bin is empty")
                                                                 : tr("No chats yet"));
    if (m_emptyBin) m_emptyBin->setVisible(m_place == ConversationPlace::Bin && !empty);
    m_emptyText->setVisible(empty);
}

void Sidebar::colorEmptyText() {
    QPalette quiet = palette();
    quiet.setColor(QPalette::WindowText, Theme::current().mute);
    m_emptyText->setPalette(quiet);
}

bool Sidebar::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_search && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        if (key == Qt::Key_Escape && !m_search->text().isEmpty()) {
            m_search->clear();
            return true;
        }
        if (key == Qt::Key_Down || key == Qt::Key_Return || key == Qt::Key_Enter) {
            m_list->setFocus(Qt::TabFocusReason);
            if (!m_list->currentIndex().isValid() && m_list->model()) m_list->setCurrentIndex(m_list->model()->index(0, 0));
            return true;
        }
    }
    return QWidget::eventFilter(watched, event);
}

void Sidebar::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), Theme::current().side);
    painter.fillRect(QRect(0, m_list->geometry().bottom() + 1, width(), 1), Theme::current().line); // above the foot
}

} // namespace hearth::ui
