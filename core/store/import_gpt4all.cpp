// SPDX-License-Identifier: Apache-2.0
//
// GPT4All's gpt4all-<id>.chat: a stream of Qt's QDataStream (version Qt 6.2, big endian), one conversation without branches.
// Format versions 8 to 12 (GPT4All 2.8 to 3.10) are read. Sources: https://doc.qt.io/qt-6/datastreamformat.html and the
// fields that GPT4All's Chat, ChatLLM and ChatItem write.
#include "core/base/utf8.h"
#include "core/store/archive_json.h"

#include <fmt/format.h>

namespace hearth::core {

namespace {

constexpr std::uint32_t kMagic = 0xF5D553CC;
constexpr std::int32_t kOldest = 8;
constexpr std::int32_t kNewest = 12;
constexpr std::uint32_t kNull = 0xFFFFFFFF; ///< length of a text that is null
constexpr std::int64_t kMostItems = 1'000'000;

/// Reads on; after the first value that is not there everything reads as empty and isSound() says so.
class Stream {
public:
    explicit Stream(std::string_view bytes) : m_bytes(bytes) {}

    template <class Whole>
    Whole whole() {
        if (!has(sizeof(Whole))) return {};
        std::make_unsigned_t<Whole> value = 0;
        for (std::size_t i = 0; i < sizeof(Whole); ++i) value = static_cast<decltype(value)>((value << 8) | static_cast<unsigned char>(m_bytes[m_at + i]));
        m_at += sizeof(Whole);
        return static_cast<Whole>(value);
    }

    bool truth() { return whole<std::uint8_t>() != 0; }

    std::string text() {
        const auto bytes = whole<std::uint32_t>();
        if (bytes == kNull || !has(bytes)) return {};
        if (bytes % 2 != 0) {
            m_sound = false;
            return {};
        }
        std::string out;
        for (std::uint32_t i = 0; i < bytes; i += 2) {
            char32_t c = unit(m_at + i);
            if (c >= 0xD800 && c < 0xDC00 && i + 2 < bytes) {
                const char32_t low = unit(m_at + i + 2);
                if (low >= 0xDC00 && low < 0xE000) {
                    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                    i += 2;
                }
            }
            utf8::append(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
        }
        m_at += bytes;
        return out;
    }

    void skipBytes() {
        const auto bytes = whole<std::uint32_t>();
        if (bytes != kNull && has(bytes)) m_at += bytes;
    }

    /// A number of things of at least one byte each.
    template <class Whole>
    std::int64_t count() {
        const auto value = static_cast<std::int64_t>(whole<Whole>());
        if (value < 0 || value > kMostItems || static_cast<std::uint64_t>(value) > m_bytes.size() - m_at) m_sound = false;
        return m_sound ? value : 0;
    }

    [[nodiscard]] bool isSound() const { return m_sound; }
    [[nodiscard]] std::size_t place() const { return m_at; }

private:
    [[nodiscard]] char32_t unit(std::size_t at) const {
        return static_cast<char32_t>((static_cast<unsigned char>(m_bytes[at]) << 8) | static_cast<unsigned char>(m_bytes[at + 1]));
    }
    bool has(std::size_t bytes) {
        m_sound = m_sound && bytes <= m_bytes.size() - m_at;
        return m_sound;
    }

    std::string_view m_bytes;
    std::size_t m_at = 0;
    bool m_sound = true;
};

/// Up to the items. What the engine kept of the run is passed over; a saved state of its cache cannot be.
Result<void> skipEngine(Stream& in, std::int32_t version) {
    if (version >= 11) return {};
    const bool withCache = in.truth();
    (void)in.whole<std::int32_t>(); // kind of model
    (void)in.whole<std::int32_t>();
    (void)in.text();
    (void)in.text();
    (void)in.whole<std::uint32_t>();
    if (withCache) return malformed("it holds a saved model state; switch off \"Save Chat Context\" in GPT4All, open the chat there once, and try again");
    return {};
}

void skipSources(Stream& in) {
    for (auto left = in.count<std::int64_t>(); left > 0 && in.isSound(); --left) {
        for (int text = 0; text < 7; ++text) (void)in.text();
        for (int number = 0; number < 3; ++number) (void)in.whole<std::int32_t>();
    }
}

/// The words of the parts of a reply, which may have parts themselves.
Result<std::string> partsOf(Stream& in, int depth) {
    if (depth > 8) return malformed("the parts of a reply nest too deep");
    std::string words;
    for (auto left = in.count<std::int64_t>(); left > 0 && in.isSound(); --left) {
        const std::string kind = in.text();
        if (kind != "Response: " && kind != "Text: " && kind != "Think: ") return malformed("it holds calls of tools, which have no place in a chat here");
        const std::string own = in.text();
        if (kind == "Think: ") (void)in.whole<std::int32_t>(); // how long it took
        auto inner = partsOf(in, depth + 1);
        if (!inner) return inner;
        words += kind == "Think: " && !own.starts_with("<think>") ? fmt::format("<think>{}</think>", own) : own;
        words += *inner;
    }
    return words;
}

Result<std::optional<ArchiveMessage>> itemOf(Stream& in, std::int32_t version) {
    if (version < 12) (void)in.whole<std::int32_t>();
    const std::string kind = in.text();
    ArchiveMessage message;
    if (kind == "Response: ") {
        message.role = StoredRole::Assistant;
    } else if (kind == "System: ") {
        message.role = StoredRole::System;
    } else if (kind != "Prompt: ") {
        return malformed(fmt::format("an entry of an unknown kind before byte {}", in.place()));
    }
    message.text = in.text();
    if (version < 10) (void)in.text();
    (void)in.text();
    (void)in.truth();
    const bool stopped = in.truth();
    (void)in.truth();
    (void)in.truth();
    if (version >= 11 && kind == "Response: " && in.truth()) message.state = MessageState::Failed;
    if (stopped && message.state == MessageState::Complete && kind == "Response: ") message.state = MessageState::Cancelled;
    skipSources(in);
    if (version >= 10) {
        for (auto left = in.count<std::int64_t>(); left > 0 && in.isSound(); --left) {
            in.skipBytes();
            in.skipBytes();
        }
    }
    if (version >= 12) {
        auto parts = partsOf(in, 0);
        if (!parts) return std::unexpected(parts.error());
        message.text = *parts + message.text;
    }
    return message.text.empty() ? std::nullopt : std::optional(std::move(message));
}

} // namespace

bool looksLikeGpt4All(std::string_view bytes) { return Stream(bytes).whole<std::uint32_t>() == kMagic; }

Result<ImportedFile> readGpt4All(std::string_view bytes) {
    Stream in(bytes);
    (void)in.whole<std::uint32_t>();
    const auto version = in.whole<std::int32_t>();
    if (version < kOldest || version > kNewest) {
        return malformed(fmt::format("it is of GPT4All's chat format {}; {} to {} can be read", version, kOldest, kNewest));
    }
    ImportedFile imported{ArchiveFormat::Gpt4All, {}, 0};
    ArchiveConversation conversation;
    const auto created = in.whole<std::int64_t>();
    if (created > 0 && created < 4'102'444'800) conversation.createdMs = created * 1000;
    conversation.updatedMs = conversation.createdMs;
    (void)in.text(); // its id there
    conversation.title = in.text();
    (void)in.text(); // the user's name
    const std::string model = in.text();
    for (auto left = in.count<std::uint32_t>(); left > 0 && in.isSound(); --left) (void)in.text();
    if (const auto skipped = skipEngine(in, version); !skipped) return std::unexpected(skipped.error());
    for (auto left = in.count<std::int32_t>(); left > 0 && in.isSound(); --left) {
        auto message = itemOf(in, version);
        if (!in.isSound()) break;
        if (!message) return std::unexpected(message.error());
        if (!*message) continue;
        (*message)->parent = conversation.activeLeaf;
        (*message)->createdMs = conversation.createdMs;
        if ((*message)->role == StoredRole::Assistant) (*message)->model = model;
        conversation.messages.push_back(std::move(**message));
        conversation.activeLeaf = conversation.messages.size() - 1;
    }
    if (!in.isSound()) return malformed(fmt::format("it ends or contradicts itself at byte {}", in.place()));
    if (!conversation.messages.empty()) imported.conversations.push_back(std::move(conversation));
    return imported;
}

} // namespace hearth::core
