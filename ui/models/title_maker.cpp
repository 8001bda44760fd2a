// SPDX-License-Identifier: Apache-2.0
#include "ui/models/title_maker.h"

#include "core/base/log.h"

#include <QRegularExpression>

#include <algorithm>
#include <utility>

namespace hearth::ui {

namespace {

constexpr int kPauseMs = 1500;
constexpr int kMostTokens = 48;
constexpr int kMostCharacters = 60;
constexpr int kMostOfReply = 4000; ///< characters; more would only cost time

const QString& settingKey() {
    static const QString kKey = QStringLiteral("chat.titles");
    return kKey;
}

} // namespace

TitleMaker::TitleMaker(EngineClient& engine, StoreClient& store, SettingsModel& settings, QObject* parent)
    : QObject(parent)
    , m_engine(engine)
    , m_store(store)
    , m_settings(settings) {
    m_pause.setSingleShot(true);
    m_pause.setInterval(kPauseMs);
    connect(&m_pause, &QTimer::timeout, this, &TitleMaker::begin);
    connect(&engine, &EngineClient::textGenerated, this, [this](RequestId id, const QString& text) {
        if (isOwn(id)) m_words += text;
    });
    connect(&engine, &EngineClient::generationFinished, this, [this](RequestId id, const core::GenerationResult& result) {
        if (isOwn(id) && result.reason != core::FinishReason::Cancelled) finished(id);
        if (isOwn(id)) m_request = 0;
    });
    connect(&engine, &EngineClient::generationFailed, this, [this](RequestId id, const core::Error& error) {
        if (!isOwn(id)) return;
        m_request = 0;
        if (error.code != core::ErrorCode::Cancelled) spdlog::warn("title: {}", error.message);
    });
    connect(&settings, &SettingsModel::changed, this, [this](const QString& key) {
        if (key == settingKey() && !isWanted()) cancel();
    });
}

bool TitleMaker::isWanted() const { return m_settings.value(settingKey()).toString() == u"model"; }

void TitleMaker::suggest(core::ConversationId conversation, const QString& question, const QString& reply) {
    if (conversation <= 0 || !isWanted() || !m_engine.model()) return;
    if (question.trimmed().isEmpty() || reply.trimmed().isEmpty()) return;
    m_waiting.push_back({conversation, question, reply, false});
    m_pause.start();
}

void TitleMaker::begin() {
    if (m_request != 0 || m_waiting.empty() || !m_engine.model() || m_engine.isLoading()) return;
    m_current = m_waiting.front();
    m_waiting.erase(m_waiting.begin());
    m_words.clear();
    core::GenerationRequest request;
    // The conversation itself and one question more: the engine keeps what it has computed of it, and the next real
    // question finds that still there.
    const QString system = m_settings.value(QStringLiteral("chat.systemPrompt")).toString();
    if (!system.trimmed().isEmpty()) request.messages.push_back({core::Role::System, system.toStdString()});
    request.messages.push_back({core::Role::User, m_current.question.toStdString()});
    request.messages.push_back({core::Role::Assistant, m_current.reply.left(kMostOfReply).toStdString()});
    request.messages.push_back({core::Role::User, "Write a title for this conversation, in the language of the conversation, "
                                                  "of at most six words. Answer with the title only."});
    request.sampling.temperature = 0.0f;
    request.maxTokens = kMostTokens;
    m_request = m_engine.generate(std::move(request));
}

void TitleMaker::finished(RequestId) {
    const QString title = cleaned(m_words);
    const core::ConversationId conversation = m_current.conversation;
    if (!title.isEmpty()) {
        m_store.chats(
            this,
            [conversation, title = title.toStdString()](core::ChatStore& chats) { return chats.renameConversation(conversation, title, false); },
            [this, conversation, title](const core::Result<void>& renamed) {
                if (renamed) emit titled(conversation, title);
            });
    }
    if (!m_waiting.empty()) m_pause.start();
}

void TitleMaker::giveWay() {
    m_pause.stop();
    if (m_request != 0) {
        m_engine.cancel(std::exchange(m_request, 0));
        if (!std::exchange(m_current.triedBefore, true)) m_waiting.insert(m_waiting.begin(), m_current);
    }
    if (!m_waiting.empty()) m_pause.start();
}

void TitleMaker::cancel() {
    m_pause.stop();
    m_waiting.clear();
    if (m_request != 0) m_engine.cancel(std::exchange(m_request, 0));
}

QString TitleMaker::cleaned(const QString& words) {
    static const QRegularExpression kThought(QStringLiteral("<think>.*?</think>"), QRegularExpression::DotMatchesEverythingOption);
    static const QRegularExpression kLabel(QStringLiteral("^(title|titel|titre|título|标题|標題|タイトル)\\s*[:：]\\s*"), QRegularExpression::CaseInsensitiveOption);
    static const QString kEdges = QStringLiteral("\"'`*_#“”„«»「」『』《》‘’ ");
    QString text = QString(words).remove(kThought);
    if (text.contains(QStringLiteral("<think>"))) return {}; // it thought until its tokens were gone
    const QStringList lines = text.split(u'\n', Qt::SkipEmptyParts);
    const auto first = std::ranges::find_if(lines, [](const QString& line) { return !line.trimmed().isEmpty(); });
    if (first == lines.end()) return {};
    const auto trim = [](QString line) {
        while (!line.isEmpty() && kEdges.contains(line.front())) line.remove(0, 1);
        while (!line.isEmpty() && (kEdges.contains(line.back()) || line.endsWith(u'.') || line.endsWith(u'。'))) line.chop(1);
        return line;
    };
    QString line = trim(trim(first->simplified()).remove(kLabel));
    if (line.size() <= kMostCharacters) return line;
    const qsizetype blank = line.lastIndexOf(u' ', kMostCharacters);
    return line.left(blank > kMostCharacters / 2 ? blank : kMostCharacters).trimmed() + u'…';
}

} // namespace hearth::ui
