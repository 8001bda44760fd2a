// SPDX-License-Identifier: Apache-2.0
//
// ConversationPane: the middle of the window, top to bottom: header row (model button, back end, context), notice,
// messages or the empty state, composer. Lays out and keeps the width of the reading column; decides nothing.
// Thread: GUI.
#pragma once

#include "core/engine/generation.h"

#include <QString>
#include <QWidget>

#include <optional>

class QStackedWidget;
class QToolButton;

namespace hearth::ui {

class Chip;
class Composer;
class EmptyState;
class FindBar;
class MessageView;
class ModelButton;
class NoticeBar;

class ConversationPane : public QWidget {
    Q_OBJECT
public:
    explicit ConversationPane(QWidget* parent = nullptr);

    [[nodiscard]] ModelButton& modelButton() { return *m_modelButton; }
    [[nodiscard]] QToolButton& sidebarButton() { return *m_sidebarButton; }
    [[nodiscard]] NoticeBar& notice() { return *m_notice; }
    [[nodiscard]] FindBar& findBar() { return *m_findBar; }
    [[nodiscard]] MessageView& messages() { return *m_messages; }
    [[nodiscard]] EmptyState& emptyState() { return *m_emptyState; }
    [[nodiscard]] Composer& composer() { return *m_composer; }

    /// What floats over the messages goes here.
    [[nodiscard]] QWidget& overlayArea();

    enum class Page { Empty, Messages };
    void showPage(Page page);
    /// The back end in use and why; none = no model.
    void setBackend(const std::optional<core::ModelInfo>& model);
    void setContext(int used, int total); ///< total 0 hides it

signals:
    void backendReasonRequested();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* buildHeader();
    QWidget* buildFooter();
    void fillChips();
    void writeChips();

    QWidget* m_header = nullptr;
    QToolButton* m_sidebarButton;
    ModelButton* m_modelButton;
    Chip* m_backend;
    Chip* m_context;
    QWidget* m_noticeRow = nullptr;
    NoticeBar* m_notice;
    FindBar* m_findBar;
    QStackedWidget* m_stack;
    EmptyState* m_emptyState;
    MessageView* m_messages;
    Composer* m_composer;
    QString m_backendName;   ///< "CPU"
    QString m_backendDetail; ///< "AVX2"; left out where there is little room
    int m_contextUsed = 0;
    int m_contextTotal = 0;
    bool m_compact = false;
};

} // namespace hearth::ui
