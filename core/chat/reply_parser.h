// SPDX-License-Identifier: Apache-2.0
//
// ReplyParser: takes a reply apart while it is written. In: the model's text as it comes, with the format's markers spelled
// out. Out: the text that is shown and stored, and the parts.
// The shown text is the model's, but for the markers, which have one spelling whatever the model's: <think> ... </think>
// around reasoning, also where the prompt opened it, and <tool_call>\n{"name": ..., "arguments": ...}\n</tool_call> for a call
// that could be read. What cannot be read as its marker promises stays in the text, and is content.
// The text is a model's: nothing is held but what may be a marker, a call (kLongestCallText) and white space.
// Thread: engine only.
#pragma once

#include "core/chat/reply.h"
#include "core/chat/reply_format.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace hearth::core {

struct ReplySink {
    std::function<void(std::string_view)> text;       ///< never empty
    std::function<void(const ReplyDelta&)> part;
};

/// Where the prompt leaves the reply.
struct ReplyStart {
    bool reasoning = false;  ///< inside the reasoning
    bool tagWritten = false; ///< and the text that is carried on has the tag already
    bool inMessage = false;  ///< the frame's header is written: a message is carried on
    bool tools = false;      ///< tools were given
};

class ReplyParser {
public:
    virtual ~ReplyParser() = default;

    [[nodiscard]] static std::unique_ptr<ReplyParser> create(const ReplyFormat& format, ReplyStart start, ReplySink sink);

    virtual void feed(std::string_view text) = 0; ///< whole UTF-8
    virtual void finish() = 0;                    ///< once, at the end; closes what is open in the parts, not in the text

protected:
    explicit ReplyParser(ReplySink sink)
        : m_sink(std::move(sink)) {}

    void show(std::string_view text);
    /// Content and reasoning come without the white space around them; inside, all of it.
    void addContent(std::string_view text);
    void addReasoning(std::string_view text);
    /// Each with its text.
    void addCalls(const std::vector<ToolCall>& calls);
    [[nodiscard]] bool hasContent() const { return m_contentBegun; }
    void endContent(); ///< the white space at its end goes

private:
    void addTrimmed(ReplyPart part, std::string& space, bool& begun, std::string_view text);

    ReplySink m_sink;
    std::string m_contentSpace; ///< seen and not told: at the end it is dropped
    std::string m_reasoningSpace;
    bool m_contentBegun = false;
    bool m_reasoningBegun = false;
};

} // namespace hearth::core
