// SPDX-License-Identifier: Apache-2.0
#include "ui/models/message_attachments.h"

#include <QCoreApplication>
#include <QLocale>
#include <QStringDecoder>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr QStringView kNameMark = u" name=\"";

QString tr(const char* text) {
    return QCoreApplication::translate("MessageAttachments", text);
}

qsizetype backticks(QStringView line) {
    qsizetype count = 0;
    while (count < line.size() && line[count] == u'`') ++count;
    return count;
}

/// Longer than any run at the beginning of a line of the text.
QString fenceFor(QStringView text) {
    qsizetype longest = 2;
    for (const QStringView line : text.tokenize(u'\n')) longest = std::max(longest, backticks(line.trimmed()));
    return QString(longest + 1, u'`');
}

QString cleanName(const QString& name) {
    QString clean = name.section(u'/', -1).section(u'\\', -1);
    for (QChar& c : clean) {
        if (c == u'"' || c == u'`' || c.category() == QChar::Other_Control || c == QChar::LineSeparator || c == QChar::ParagraphSeparator) c = u'_';
    }
    clean = clean.simplified().left(120);
    return clean.isEmpty() ? QStringLiteral("file.txt") : clean;
}

QString languageOf(const QString& name) {
    const QString suffix = name.contains(u'.') ? name.section(u'.', -1).toLower() : QString();
    const bool plain = suffix.isEmpty() || suffix == u"txt" || suffix == u"text" || suffix == u"log";
    const bool word = std::ranges::all_of(suffix, [](QChar c) { return c.unicode() < 0x80 && (c.isLetterOrNumber() || c == u'+' || c == u'#'); });
    return plain || !word || suffix.size() > 12 ? QString() : suffix;
}

/// One attachment at the beginning of `text`: its length with the line end after it, 0 = none.
qsizetype matchAttachment(QStringView text, Attachment* into) {
    const qsizetype ticks = backticks(text);
    const qsizetype headEnd = text.indexOf(u'\n');
    if (ticks < 3 || headEnd < 0) return 0;
    const QStringView head = text.left(headEnd);
    const qsizetype mark = head.indexOf(kNameMark);
    if (mark < ticks || !head.endsWith(u'"') || head.size() < mark + kNameMark.size() + 1) return 0;
    const QStringView language = head.mid(ticks, mark - ticks);
    if (language.contains(u' ') || language.contains(u'`')) return 0;
    const QString close = u'\n' + QString(ticks, u'`');
    for (qsizetype at = headEnd; (at = text.indexOf(close, at)) >= 0; ++at) {
        const qsizetype end = at + close.size();
        if (end < text.size() && text[end] != u'\n') continue; // a longer run, or text behind it
        if (into) {
            into->name = head.mid(mark + kNameMark.size()).chopped(1).toString();
            into->language = language.toString();
            into->text = text.mid(headEnd + 1, std::max<qsizetype>(0, at - headEnd - 1)).toString();
        }
        return std::min(end + 1, text.size());
    }
    return 0;
}

} // namespace

QString joinAttachments(const TurnText& turn) {
    QString joined;
    for (const Attachment& attachment : turn.attachments) {
        const QString fence = fenceFor(attachment.text);
        joined += fence + attachment.language + kNameMark.toString() + cleanName(attachment.name) + QStringLiteral("\"\n") + attachment.text + u'\n' + fence + u'\n';
    }
    if (!joined.isEmpty() && !turn.text.isEmpty()) joined += u'\n';
    return joined + turn.text;
}

TurnText splitAttachments(const QString& text) {
    TurnText turn;
    const QStringView all(text);
    qsizetype at = 0;
    for (Attachment found; const qsizetype length = matchAttachment(all.mid(at), &found); at += length)
        turn.attachments.push_back(found);
    if (at > 0 && at < all.size() && all[at] == u'\n') ++at;
    turn.text = at == 0 ? text : text.mid(at);
    return turn;
}

qsizetype attachmentsEnd(QStringView text) {
    qsizetype at = 0;
    while (const qsizetype length = matchAttachment(text.mid(at), nullptr)) at += length;
    if (at > 0 && at < text.size() && text[at] == u'\n') ++at;
    return at;
}

std::expected<Attachment, AttachmentProblem> readAttachment(const QString& name, const QByteArray& bytes) {
    if (bytes.startsWith("%PDF-")) return std::unexpected(AttachmentProblem::Pdf);
    if (bytes.size() > kMaxAttachmentBytes) return std::unexpected(AttachmentProblem::TooLarge);
    const auto encoding = QStringConverter::encodingForData(bytes).value_or(QStringConverter::Utf8);
    QStringDecoder decoder(encoding);
    QString text = decoder(bytes);
    // A text holds no null and hardly a control character; a picture or a program holds many.
    const auto control = std::ranges::count_if(text, [](QChar c) { return c.unicode() < 0x20 && c != u'\n' && c != u'\r' && c != u'\t' && c != u'\f' && c.unicode() != 0x1B; });
    const bool half = encoding != QStringConverter::Utf8 && bytes.size() % 2 != 0;
    if (half || decoder.hasError() || text.contains(QChar(u'\0')) || control > text.size() / 100) return std::unexpected(AttachmentProblem::NotText);
    text.replace(QStringLiteral("\r\n"), QStringLiteral("\n"));
    while (text.endsWith(u'\n')) text.chop(1);
    if (text.trimmed().isEmpty()) return std::unexpected(AttachmentProblem::Empty);
    const QString clean = cleanName(name);
    return Attachment{clean, languageOf(clean), text};
}

QString describeProblem(AttachmentProblem problem, const QString& name) {
    switch (problem) {
    case AttachmentProblem::TooLarge:
        return tr("%1 is larger than %2. Attach the part that matters.").arg(name, QLocale().formattedDataSize(kMaxAttachmentBytes, 0));
    case AttachmentProblem::NotText:
        return tr("%1 is not a text file, so the model could not read it. Save it as text, Markdown or CSV and attach that.").arg(name);
    case AttachmentProblem::Pdf:
        return tr("%1 is a PDF, which Hearth does not read. Copy its text and paste it here, or save it as text (pdftotext does that).").arg(name);
    case AttachmentProblem::Empty:
        return tr("%1 is empty.").arg(name);
    }
    return {};
}

} // namespace hearth::ui
