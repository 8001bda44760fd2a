// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/text_stream_decoder.h"

#include "core/base/utf8.h"

namespace hearth::core {

std::string TextStreamDecoder::feed(std::string_view bytes) {
    m_pending += bytes;
    const std::size_t complete = m_pending.size() - utf8::incompleteTail(m_pending);
    std::string text = utf8::sanitized(std::string_view(m_pending).substr(0, complete));
    m_pending.erase(0, complete);
    return text;
}

std::string TextStreamDecoder::finish() {
    const bool unfinished = !m_pending.empty();
    m_pending.clear();
    return unfinished ? "\xEF\xBF\xBD" : "";
}

} // namespace hearth::core
