// SPDX-License-Identifier: Apache-2.0
#include "ui/models/message_item.h"

#include "ui/models/message_attachments.h"

#include <QCoreApplication>
#include <QLocale>
#include <QRegularExpression>
#include <QStringList>
#include <QTextBoundaryFinder>

namespace hearth::ui {

namespace {

constexpr int kTitleCharacters = 40;
constexpr const char* kTokenLimit = "tokenLimit";
constexpr const char* kContextFull = "contextFull";

QString tr(const char* text) {
    return QCoreApplication::translate("MessageItem", text);
}

const char* finishName(core::FinishReason reason) {
    switch (reason) {
    case core::FinishReason::EndOfText:
        return "endOfText";
    case core::FinishReason::StopString:
        return "stopString";
    case core::FinishReason::TokenLimit:
        return kTokenLimit;
    case core::FinishReason::ContextFull:
        return kContextFull;
    case core::FinishReason::Cancelled:
        return "cancelled";
    }
    return "";
}

} // namespace

MessageItem fromRow(const core::MessageRow& row) {
    MessageItem item;
    item.id = row.id;
    item.role = row.role;
    item.state = row.state;
    item.text = QString::fromStdString(row.text);
    item.model = QString::fromStdString(row.model);
    item.errorText = QString::fromStdString(row.errorText);
    item.stats = row.stats;
    item.siblingIndex = row.siblingIndex;
    item.siblingCount = row.siblingCount;
    return item;
}

QString quietLine(const MessageItem& item) {
    if (!item.isReply() || item.state == core::MessageState::Generating) return {};
    QStringList parts;
    if (!item.model.isEmpty()) parts << item.model;
    if (item.stats && item.stats->generatedTokens > 0) {
        const core::ReplyStats& stats = *item.stats;
        const QLocale locale;
        if (!stats.backend.empty()) parts << QString::fromStdString(stats.backend);
        if (stats.generationSeconds > 0) {
            parts << tr("%1 tokens/s").arg(locale.toString(stats.generatedTokens / stats.generationSeconds, 'f', 1));
        }
        parts << tr("first token %1 s")
                     .arg(locale.toString(stats.firstTokenSeconds, 'f', stats.firstTokenSeconds < 10 ? 2 : 0));
        parts << (stats.generatedTokens == 1 ? tr("1 token") : tr("%L1 tokens").arg(stats.generatedTokens));
    }
    return parts.join(QStringLiteral(" · "));
}

QString notice(const MessageItem& item) {
    QStringList parts;
    switch (item.state) {
    case core::MessageState::Complete:
    case core::MessageState::Generating:
        break;
    case core::MessageState::Interrupted:
        parts << tr("Interrupted: Hearth ended while this was being written.");
        break;
    case core::MessageState::Cancelled:
        parts << tr("Stopped.");
        break;
    case core::MessageState::Failed:
        parts << (item.errorText.isEmpty() ? tr("The reply failed.") : item.errorText);
        break;
    }
    if (item.stats && item.state == core::MessageState::Complete) {
        if (item.stats->finishReason == kTokenLimit) parts << tr("Cut off at the limit of tokens per reply.");
        if (item.stats->finishReason == kContextFull) {
            parts << tr("Cut off: the context of %L1 tokens is full.").arg(item.stats->contextLength);
        }
    }
    if (item.stats && item.stats->droppedMessages > 0) {
        parts << tr("The context was full, so the model did not see the oldest %L1 messages.")
                     .arg(item.stats->droppedMessages);
    }
    return parts.join(u' ');
}

core::ReplyStats replyStats(const core::GenerationResult& result, const core::ModelInfo& model) {
    const core::GenerationStats& from = result.stats;
    core::ReplyStats stats;
    stats.promptTokens = from.promptTokens;
    stats.cachedTokens = from.cachedTokens;
    stats.generatedTokens = from.generatedTokens;
    stats.promptSeconds = from.promptSeconds;
    stats.generationSeconds = from.generationSeconds;
    stats.firstTokenSeconds = from.firstTokenSeconds;
    stats.contextUsed = from.contextUsed;
    stats.contextLength = from.contextLength;
    stats.droppedMessages = from.droppedMessages;
    stats.seed = from.seed;
    stats.backend = model.backend;
    stats.finishReason = finishName(result.reason);
    return stats;
}

std::vector<core::ChatMessage> promptMessages(const std::vector<MessageItem>& items, std::size_t last,
                                              const QString& systemPrompt) {
    std::vector<core::ChatMessage> messages;
    if (!systemPrompt.trimmed().isEmpty()) messages.push_back({core::Role::System, systemPrompt.toStdString()});
    for (std::size_t i = 0; i <= last && i < items.size(); ++i) {
        const MessageItem& item = items[i];
        if (item.isReply() && item.text.isEmpty()) {
            // What made a reply fail (a text longer than the context) must not spoil the ones after it.
            const bool failed = item.state == core::MessageState::Failed && i < last;
            if (failed && !messages.empty() && messages.back().role == core::Role::User) messages.pop_back();
            continue;
        }
        const core::Role role = item.isReply() ? core::Role::Assistant : core::Role::User;
        if (!messages.empty() && messages.back().role == role) {
            messages.back().text += "\n\n" + item.text.toStdString();
        } else {
            messages.push_back({role, item.text.toStdString()});
        }
    }
    return messages;
}

QString withoutThought(const QString& text) {
    if (!QStringView(text).trimmed().startsWith(u"<think>")) return text;
    const qsizetype end = text.indexOf(u"</think>");
    return end < 0 ? text : text.mid(end + 8).trimmed();
}

QString titleFrom(const QString& text) {
    static const QRegularExpression spaces(QStringLiteral("\\s+"));
    const TurnText turn = splitAttachments(text);
    const QString typed = turn.text.isEmpty() && !turn.attachments.empty() ? turn.attachments.front().name : turn.text;
    QString line = typed.left(kTitleCharacters * 8).replace(spaces, QStringLiteral(" ")).trimmed();
    if (line.isEmpty()) return tr("New chat");
    if (line.size() <= kTitleCharacters) return line;
    // At the last word boundary that fits; scripts without spaces are cut between characters, never inside one.
    QTextBoundaryFinder words(QTextBoundaryFinder::Word, line);
    words.setPosition(kTitleCharacters);
    qsizetype cut = words.isAtBoundary() ? kTitleCharacters : words.toPreviousBoundary();
    if (cut < kTitleCharacters / 2) {
        QTextBoundaryFinder characters(QTextBoundaryFinder::Grapheme, line);
        characters.setPosition(kTitleCharacters);
        cut = characters.isAtBoundary() ? kTitleCharacters : characters.toPreviousBoundary();
    }
    return line.left(cut).trimmed() + u'…';
}

} // namespace hearth::ui
