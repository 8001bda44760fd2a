// SPDX-License-Identifier: Apache-2.0
#include "core/chat/jinja/text_format.h"

#include "core/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

namespace hearth::core::jinja {

std::string formatFloat(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (value == 0.0) return std::signbit(value) ? "-0.0" : "0.0";
    // Shortest digits, then Python's choice of notation: scientific below 1e-4 and from 1e16 on.
    char buffer[64];
    const auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    const std::string text(buffer, scientific.ptr);
    const int exponent = std::atoi(text.c_str() + text.find('e') + 1);
    if (exponent < -4 || exponent >= 16) return text;
    const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
    std::string plain(buffer, fixed.ptr);
    if (plain.find('.') == std::string::npos) plain += ".0";
    return plain;
}

std::string quotedText(std::string_view text) {
    const bool doubles = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
    const char quote = doubles ? '"' : '\'';
    std::string out(1, quote);
    for (std::size_t at = 0; at < text.size();) {
        const utf8::Decoded decoded = utf8::decodeAt(text, at);
        const char32_t c = decoded.codePoint;
        if (c == static_cast<char32_t>(quote) || c == U'\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c == U'\n') {
            out += "\\n";
        } else if (c == U'\r') {
            out += "\\r";
        } else if (c == U'\t') {
            out += "\\t";
        } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && c < 0xA1) || c == 0xAD) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
        } else if ((c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) || c == 0xFEFF || c == 0x3000) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c)); // spaces and format characters do not print
        } else {
            out.append(text, at, decoded.length);
        }
        at += decoded.length;
    }
    out += quote;
    return out;
}

namespace {

void appendJsonText(std::string& out, std::string_view text, bool ensureAscii) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const utf8::Decoded decoded = utf8::decodeAt(text, at);
        const char32_t c = decoded.codePoint;
        switch (c) {
        case U'"': out += "\\\""; break;
        case U'\\': out += "\\\\"; break;
        case U'\b': out += "\\b"; break;
        case U'\f': out += "\\f"; break;
        case U'\n': out += "\\n"; break;
        case U'\r': out += "\\r"; break;
        case U'\t': out += "\\t"; break;
        default:
            if (c < 0x20 || (ensureAscii && c >= 0x7F && c < 0x10000)) {
                out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
            } else if (ensureAscii && c >= 0x10000) {
                const unsigned pair = static_cast<unsigned>(c) - 0x10000;
                out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (pair >> 10), 0xDC00 + (pair & 0x3FF));
            } else {
                utf8::append(out, c);
            }
        }
        at += decoded.length;
    }
    out += '"';
}

class JsonWriter {
public:
    explicit JsonWriter(const JsonStyle& style) : m_style(style) {}

    void write(const Value& value, int level) {
        if (value.isString()) {
            appendJsonText(out, value.text(), m_style.ensureAscii);
        } else if (value.isNone()) {
            out += "null";
        } else if (value.isBool()) {
            out += value.integer() != 0 ? "true" : "false";
        } else if (value.isFloat()) {
            const double number = value.number();
            out += std::isnan(number) ? "NaN" : std::isinf(number) ? (number > 0 ? "Infinity" : "-Infinity") : formatFloat(number);
        } else if (value.isInteger()) {
            out += value.repr();
        } else if (const SequenceObject* object = value.sequenceObject(); object != nullptr && object->kind <= SequenceKind::Tuple) {
            writeAll('[', ']', object->items.size(), level, [&](std::size_t i) { write(object->items[i], level + 1); });
        } else if (const DictObject* dict = value.dict()) {
            std::vector<std::pair<Value, Value>> entries = dict->entries;
            if (m_style.sortKeys) std::ranges::stable_sort(entries, [](const auto& a, const auto& b) { return a.first.compare(b.first) < 0; });
            writeAll('{', '}', entries.size(), level, [&](std::size_t i) {
                writeKey(entries[i].first);
                out += m_style.keySeparator;
                write(entries[i].second, level + 1);
            });
        } else {
            raise(fmt::format("Object of type {} is not JSON serializable", value.typeName()));
        }
    }

    std::string out;

private:
    void writeKey(const Value& key) {
        if (key.isString()) return appendJsonText(out, key.text(), m_style.ensureAscii);
        if (!key.isNumber() && !key.isNone()) raise(fmt::format("keys must be str, int, float, bool or None, not {}", key.typeName()));
        const std::string text = key.isNone() ? "null" : key.isBool() ? (key.truthy() ? "true" : "false") : key.repr();
        appendJsonText(out, text, m_style.ensureAscii);
    }

    void newLine(int level) {
        if (!m_style.indent) return;
        out += '\n';
        out.append(static_cast<std::size_t>(*m_style.indent) * static_cast<std::size_t>(level), ' ');
    }

    void writeAll(char open, char close, std::size_t count, int level, const auto& element) {
        out += open;
        for (std::size_t i = 0; i < count; ++i) {
            if (i > 0) out += m_style.itemSeparator;
            newLine(level + 1);
            element(i);
        }
        if (count > 0) newLine(level);
        out += close;
    }

    const JsonStyle& m_style;
};

/// %-directives take the next of the arguments (a tuple) or the one argument.
class PercentArguments {
public:
    explicit PercentArguments(const Value& value) : m_value(value) {
        const SequenceObject* object = value.sequenceObject();
        if (object != nullptr && object->kind == SequenceKind::Tuple) m_items = &object->items;
    }
    const Value& next() {
        const std::size_t count = m_items != nullptr ? m_items->size() : 1;
        if (m_used >= count) raise("not enough arguments for format string");
        return m_items != nullptr ? (*m_items)[m_used++] : (++m_used, m_value);
    }

private:
    const Value& m_value;
    const std::vector<Value>* m_items = nullptr;
    std::size_t m_used = 0;
};

std::string padded(std::string text, int width, bool left, char fill) {
    const auto count = static_cast<int>(characterCount(text));
    if (width <= count) return text;
    if (width > 10'000) throw Failure{ErrorCode::TemplateLimit, "a field wider than 10,000 characters"};
    const std::string space(static_cast<std::size_t>(width - count), fill);
    if (left) return text + space;
    const bool negative = fill == '0' && !text.empty() && text.front() == '-';
    return negative ? "-" + space + text.substr(1) : space + text;
}

int readNumber(std::string_view format, std::size_t& at) {
    int number = 0;
    while (at < format.size() && format[at] >= '0' && format[at] <= '9' && number < 100'000) number = number * 10 + (format[at++] - '0');
    return number;
}

} // namespace

std::string toJson(const Value& value, const JsonStyle& style) {
    JsonWriter writer(style);
    writer.write(value, 0);
    return std::move(writer.out);
}

std::string formatTime(std::string_view format, std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm local = {};
    ::localtime_r(&seconds, &local);
    std::string out;
    for (std::size_t at = 0; at < format.size(); ++at) {
        if (format[at] != '%' || at + 1 >= format.size()) {
            out += format[at];
            continue;
        }
        char directive[4] = {'%', format[++at], 0, 0};
        if (directive[1] == '-' && at + 1 < format.size()) directive[2] = format[++at]; // glibc: no padding
        char buffer[256];
        const std::size_t length = std::strftime(buffer, sizeof buffer, directive, &local);
        out.append(buffer, length);
    }
    return out;
}

std::string percentFormat(std::string_view format, const Value& arguments) {
    PercentArguments values(arguments);
    std::string out;
    for (std::size_t at = 0; at < format.size();) {
        if (format[at] != '%') {
            out += format[at++];
            continue;
        }
        ++at;
        bool left = false;
        char fill = ' ';
        while (at < format.size() && (format[at] == '-' || format[at] == '0' || format[at] == '+' || format[at] == ' ')) {
            if (format[at] == '-') left = true;
            if (format[at] == '0') fill = '0';
            ++at;
        }
        const int width = readNumber(format, at);
        int precision = -1;
        if (at < format.size() && format[at] == '.') precision = readNumber(format, ++at);
        if (at >= format.size()) raise("incomplete format");
        switch (const char kind = format[at++]; kind) {
        case '%': out += '%'; break;
        case 's': out += padded(values.next().str(), width, left, ' '); break;
        case 'r': out += padded(values.next().repr(), width, left, ' '); break;
        case 'd':
        case 'i': out += padded(fmt::format("{}", static_cast<std::int64_t>(values.next().number())), width, left, left ? ' ' : fill); break;
        case 'x': out += padded(fmt::format("{:x}", values.next().integer()), width, left, left ? ' ' : fill); break;
        case 'f': out += padded(fmt::format("{:.{}f}", values.next().number(), precision < 0 ? 6 : std::min(precision, 100)), width, left, left ? ' ' : fill); break;
        default: raise(fmt::format("unsupported format character '{}'", kind));
        }
    }
    return out;
}

std::string braceFormat(std::string_view format, const Arguments& arguments) {
    std::string out;
    std::size_t automatic = 0;
    for (std::size_t at = 0; at < format.size(); ++at) {
        const char c = format[at];
        if ((c == '{' || c == '}') && at + 1 < format.size() && format[at + 1] == c) {
            out += c;
            ++at;
            continue;
        }
        if (c == '}') raise("Single '}' encountered in format string");
        if (c != '{') {
            out += c;
            continue;
        }
        const std::size_t end = format.find('}', at);
        if (end == std::string_view::npos) raise("expected '}' before end of string");
        const std::string_view field = format.substr(at + 1, end - at - 1);
        const std::size_t colon = field.find(':');
        const std::string name(field.substr(0, colon));
        const bool numbered = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos && name.size() < 5;
        const std::size_t place = name.empty() ? automatic++ : numbered ? static_cast<std::size_t>(std::stoi(name)) : arguments.positional.size();
        const Value* value = arguments.find(place, name);
        if (value == nullptr) raise(fmt::format("no value for the format field '{}'", name));
        const std::string_view spec = colon == std::string_view::npos ? std::string_view() : field.substr(colon + 1);
        if (spec.empty()) {
            out += value->str();
        } else if (spec.back() == 'f' || spec.back() == 'd') {
            out += percentFormat(std::string("%") + std::string(spec), *value);
        } else {
            raise(fmt::format("the format specification '{}' is not supported", spec));
        }
        at = end;
    }
    return out;
}

} // namespace hearth::core::jinja
