// SPDX-License-Identifier: Apache-2.0
//
// Files within a user's turn. They are part of its text, in front of it, each as a fenced block whose first line names the
// file: so they are saved, searched, exported and read by the model like any text, and need no place of their own.
//
//     ```csv name="report.csv"
//     day,visits
//     ```
//
// Thread: any.
#pragma once

#include <QByteArray>
#include <QString>
#include <QStringView>

#include <cstdint>
#include <expected>
#include <vector>

namespace hearth::ui {

inline constexpr qsizetype kMaxAttachmentBytes = 1024 * 1024; ///< of one file
inline constexpr int kMaxAttachments = 20;                    ///< of one turn

struct Attachment {
    QString name;     ///< without folders, one line
    QString language; ///< after the fence: "csv"; empty = none
    QString text;     ///< without a line end at its end

    bool operator==(const Attachment&) const = default;
};

struct TurnText {
    std::vector<Attachment> attachments;
    QString text; ///< what was typed
};

[[nodiscard]] QString joinAttachments(const TurnText& turn);
/// The inverse; a text without attachments comes back as it is.
[[nodiscard]] TurnText splitAttachments(const QString& text);
/// Where the typed text begins; 0 = there are no attachments.
[[nodiscard]] qsizetype attachmentsEnd(QStringView text);

enum class AttachmentProblem : std::uint8_t { TooLarge, NotText, Pdf, Empty };

/// A file's bytes as an attachment: UTF-8, or UTF-16 with its mark. Never what is no text.
[[nodiscard]] std::expected<Attachment, AttachmentProblem> readAttachment(const QString& name, const QByteArray& bytes);
/// For people, with what to do instead.
[[nodiscard]] QString describeProblem(AttachmentProblem problem, const QString& name);

} // namespace hearth::ui
