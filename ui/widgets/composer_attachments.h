// SPDX-License-Identifier: Apache-2.0
//
// ComposerAttachments: the files that go with the message that is being written, as chips that can be removed, and why a
// file could not be taken. Hidden while there are none. Thread: GUI.
#pragma once

#include "ui/models/message_attachments.h"

#include <QStringList>
#include <QWidget>

#include <vector>

class QLabel;
class QToolButton;

namespace hearth::ui {

class ComposerAttachments : public QWidget {
    Q_OBJECT
public:
    explicit ComposerAttachments(QWidget* parent = nullptr);

    /// Reads the files; what cannot be taken is said under the chips.
    void addFiles(const QStringList& paths);
    void add(const Attachment& attachment);
    void setAttachments(const std::vector<Attachment>& attachments);
    [[nodiscard]] const std::vector<Attachment>& attachments() const { return m_attachments; }
    void clearProblem();

signals:
    void changed();

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void rebuild();
    void place();
    void addProblem(const QString& words);

    std::vector<Attachment> m_attachments;
    std::vector<QToolButton*> m_chips;
    QLabel* m_problem;
    QStringList m_problems;
};

} // namespace hearth::ui
