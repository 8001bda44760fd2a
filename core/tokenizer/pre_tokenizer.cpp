// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/pre_tokenizer.h"

#include "core/base/utf8.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace hearth::core {

namespace {

constexpr std::size_t kFirstJitStackBytes = 32 * 1024;
constexpr std::size_t kLargestJitStackBytes = 4 * 1024 * 1024;
constexpr std::uint32_t kMatchLimit = 10'000'000; ///< steps of one match; megabytes of blanks stay far below
constexpr std::size_t kFallbackWordBytes = 1024;

/// PCRE2's \s counts U+180E, which left White_Space in Unicode 6.3; tokenizers are trained with later versions.
std::string withUnicodeWhiteSpace(std::string_view pattern) {
    constexpr std::string_view kWhiteSpace = R"(\t-\r \x{85}\p{Z})";
    std::string out;
    bool inClass = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            const char escaped = pattern[++i];
            if (escaped == 's') {
                out += inClass ? std::string(kWhiteSpace) : fmt::format("[{}]", kWhiteSpace);
            } else if (escaped == 'S') {
                out += fmt::format("[^{}]", kWhiteSpace);
            } else {
                out += c;
                out += escaped;
            }
            continue;
        }
        if (c == '[') inClass = true;
        if (c == ']') inClass = false;
        out += c;
    }
    return out;
}

/// End of the run of well-formed (or of malformed) UTF-8 that begins at `begin`.
std::size_t runEnd(std::string_view text, std::size_t begin, bool wellFormed) {
    std::size_t at = begin;
    while (at < text.size()) {
        const utf8::Decoded decoded = utf8::decodeAt(text, at);
        if (decoded.valid != wellFormed) break;
        at += decoded.length;
    }
    return at;
}

/// What one thread needs to match; made per call, so that split stays re-entrant.
class Matcher {
public:
    Matcher()
        : m_context(pcre2_match_context_create(nullptr))
        , m_stack(pcre2_jit_stack_create(kFirstJitStackBytes, kLargestJitStackBytes, nullptr))
        , m_data(pcre2_match_data_create(1, nullptr)) {
        if (m_context == nullptr || m_data == nullptr) {
            release();
            throw std::bad_alloc();
        }
        pcre2_set_match_limit(m_context, kMatchLimit);
        if (m_stack != nullptr) pcre2_jit_stack_assign(m_context, nullptr, m_stack);
    }
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;
    ~Matcher() { release(); }

    /// Cuts one well-formed piece: matches, and the text between them.
    void cut(const pcre2_code* stage, std::string_view piece, std::vector<std::string_view>& words) {
        std::size_t taken = 0;
        std::size_t searchFrom = 0;
        while (searchFrom < piece.size()) {
            const int found = pcre2_match(stage, reinterpret_cast<PCRE2_SPTR>(piece.data()), piece.size(), searchFrom,
                                          PCRE2_NO_UTF_CHECK, m_data, m_context);
            if (found == PCRE2_ERROR_NOMATCH) break;
            if (found < 0) {
                cutBlindly(piece.substr(taken), words);
                return;
            }
            const PCRE2_SIZE* span = pcre2_get_ovector_pointer(m_data);
            if (span[1] <= span[0]) { // an empty match cuts nothing and must not be found again
                searchFrom = span[0] < piece.size() ? span[0] + utf8::decodeAt(piece, span[0]).length : piece.size();
                continue;
            }
            if (span[0] > taken) words.push_back(piece.substr(taken, span[0] - taken));
            words.push_back(piece.substr(span[0], span[1] - span[0]));
            taken = searchFrom = span[1];
        }
        if (taken < piece.size()) words.push_back(piece.substr(taken));
    }

private:
    static void cutBlindly(std::string_view piece, std::vector<std::string_view>& words) {
        while (!piece.empty()) {
            std::size_t length = std::min(piece.size(), kFallbackWordBytes);
            length -= utf8::incompleteTail(piece.substr(0, length));
            words.push_back(piece.substr(0, length));
            piece.remove_prefix(length);
        }
    }

    void release() {
        pcre2_match_data_free(m_data);
        pcre2_jit_stack_free(m_stack);
        pcre2_match_context_free(m_context);
    }

    pcre2_match_context* m_context;
    pcre2_jit_stack* m_stack;
    pcre2_match_data* m_data;
};

} // namespace

PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

void PreTokenizer::CodeDeleter::operator()(pcre2_real_code_8* code) const {
    pcre2_code_free(code);
}

Result<PreTokenizer> PreTokenizer::create(const PreTokenizerRecipe& recipe) {
    PreTokenizer preTokenizer;
    for (const std::string_view pattern : recipe.patterns) {
        const std::string expanded = withUnicodeWhiteSpace(pattern);
        int error = 0;
        PCRE2_SIZE errorAt = 0;
        pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expanded.data()), expanded.size(),
                                         PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &error, &errorAt, nullptr);
        if (code == nullptr) {
            return fail(ErrorCode::Internal,
                        fmt::format("pre-tokenizer pattern {}: PCRE2 error {} at {}", expanded, error, errorAt));
        }
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // without it the interpreter does the same, slower
        preTokenizer.m_stages.emplace_back(code);
    }
    return preTokenizer;
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
    std::vector<std::string_view> words;
    std::vector<std::string_view> pieces;
    std::vector<std::string_view> cut;
    Matcher matcher;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t wellFormedEnd = runEnd(text, begin, true);
        if (wellFormedEnd > begin) {
            pieces.assign(1, text.substr(begin, wellFormedEnd - begin));
            for (const auto& stage : m_stages) {
                cut.clear();
                for (const std::string_view piece : pieces)
                    matcher.cut(stage.get(), piece, cut);
                pieces.swap(cut);
            }
            words.insert(words.end(), pieces.begin(), pieces.end());
        }
        const std::size_t malformedEnd = runEnd(text, wellFormedEnd, false);
        if (malformedEnd > wellFormedEnd) words.push_back(text.substr(wellFormedEnd, malformedEnd - wellFormedEnd));
        begin = malformedEnd;
    }
    return words;
}

} // namespace hearth::core
