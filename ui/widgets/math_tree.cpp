// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/math_tree.h"

#include "ui/widgets/math_symbols.h"

#include <algorithm>
#include <utility>

namespace hearth::ui {
namespace {

constexpr std::size_t kMaxGridRows = 64;
constexpr std::size_t kMaxGridColumns = 32;

struct Environment {
    QStringView name;
    QStringView left;
    QStringView right;
    MathGrid grid;
    bool alone; ///< stands without dollar signs
};

constexpr Environment kEnvironments[] = {
    {u"align", {}, {}, MathGrid::Aligned, true},      {u"alignat", {}, {}, MathGrid::Aligned, true},
    {u"aligned", {}, {}, MathGrid::Aligned, true},    {u"array", {}, {}, MathGrid::Centred, false},
    {u"bmatrix", u"[", u"]", MathGrid::Centred, true}, {u"Bmatrix", u"{", u"}", MathGrid::Centred, true},
    {u"cases", u"{", {}, MathGrid::Left, true},       {u"displaymath", {}, {}, MathGrid::Centred, true},
    {u"equation", {}, {}, MathGrid::Centred, true},   {u"gather", {}, {}, MathGrid::Centred, true},
    {u"gathered", {}, {}, MathGrid::Centred, true},   {u"math", {}, {}, MathGrid::Centred, true},
    {u"matrix", {}, {}, MathGrid::Centred, true},     {u"multline", {}, {}, MathGrid::Centred, true},
    {u"pmatrix", u"(", u")", MathGrid::Centred, true}, {u"smallmatrix", {}, {}, MathGrid::Centred, false},
    {u"split", {}, {}, MathGrid::Aligned, true},      {u"vmatrix", u"|", u"|", MathGrid::Centred, true},
    {u"Vmatrix", u"‖", u"‖", MathGrid::Centred, true},
};

const Environment* findEnvironment(QStringView name)
{
    if (name.endsWith(u'*'))
        name.chop(1);
    const auto found = std::find_if(std::begin(kEnvironments), std::end(kEnvironments), [name](const Environment& e) { return e.name == name; });
    return found == std::end(kEnvironments) ? nullptr : &*found;
}

bool isLetter(QChar c)
{
    return (c >= u'a' && c <= u'z') || (c >= u'A' && c <= u'Z');
}

class MathParser {
public:
    explicit MathParser(QStringView source) : m_source(source) {}

    /// All of the source; what cannot belong to a row (a stray brace, an ampersand) is passed over.
    MathNode parseAll()
    {
        MathNode row;
        while (m_pos < m_source.size()) {
            MathNode part = parseRow();
            std::ranges::move(part.children, std::back_inserter(row.children));
            if (m_pos < m_source.size())
                take();
        }
        return row;
    }

private:
    /// One token: a command with its backslash, or a character (both halves of a surrogate pair).
    [[nodiscard]] QStringView peek() const
    {
        if (m_pos >= m_source.size())
            return {};
        qsizetype length = 1;
        if (m_source[m_pos] == u'\\' && m_pos + 1 < m_source.size()) {
            length = 2;
            if (isLetter(m_source[m_pos + 1])) {
                while (m_pos + length < m_source.size() && isLetter(m_source[m_pos + length]))
                    ++length;
            }
        } else if (m_source[m_pos].isHighSurrogate() && m_pos + 1 < m_source.size()) {
            length = 2;
        }
        return m_source.mid(m_pos, length);
    }

    QStringView take()
    {
        const QStringView token = peek();
        m_pos += std::max<qsizetype>(1, token.size());
        return token;
    }

    void skipSpaces()
    {
        while (m_pos < m_source.size() && m_source[m_pos].isSpace())
            ++m_pos;
    }

    [[nodiscard]] static bool endsRow(QStringView token)
    {
        return token.isEmpty() || token == u"}" || token == u"&" || token == u"\\\\" || token == u"\\cr" || token == u"\\right" || token == u"\\end";
    }

    MathNode parseRow(QStringView stop = {})
    {
        MathNode row;
        for (;;) {
            skipSpaces();
            const QStringView token = peek();
            if (endsRow(token) || (!stop.isEmpty() && token == stop))
                return row;
            MathNode atom = parseAtom();
            parseScripts(atom);
            if (!atom.isEmpty())
                row.children.push_back(std::move(atom));
        }
    }

    void parseScripts(MathNode& base)
    {
        MathNode sub;
        MathNode sup;
        for (;;) {
            skipSpaces();
            const QStringView token = peek();
            if (token == u"^" || token == u"_") {
                take();
                MathNode& script = token == u"^" ? sup : sub;
                MathNode argument = parseArgument();
                if (script.isEmpty())
                    script = std::move(argument);
                else
                    script.children.push_back(std::move(argument));
            } else if (token == u"'") {
                take();
                sup.children.push_back(symbol(QStringLiteral("′")));
            } else if (token == u"\\limits" || token == u"\\nolimits") {
                take();
                base.limits = token == u"\\limits";
            } else {
                break;
            }
        }
        if (sub.isEmpty() && sup.isEmpty())
            return;
        MathNode script;
        script.kind = MathKind::Script;
        script.limits = base.limits;
        script.spacing = base.spacing;
        script.children.push_back(std::move(base));
        script.children.push_back(std::move(sub));
        script.children.push_back(std::move(sup));
        base = std::move(script);
    }

    /// "{...}", or one token.
    MathNode parseArgument()
    {
        skipSpaces();
        const QStringView token = peek();
        if (endsRow(token))
            return {};
        if (token != u"{")
            return rowOf(parseAtom());
        take();
        return parseGroup();
    }

    /// After an opening brace.
    MathNode parseGroup()
    {
        MathNode row;
        if (++m_depth > kMaxMathDepth) {
            skipGroup();
        } else {
            for (;;) {
                MathNode part = parseRow();
                std::ranges::move(part.children, std::back_inserter(row.children));
                const QStringView token = peek();
                if (token.isEmpty() || token == u"\\right" || token == u"\\end")
                    break;
                take();
                if (token == u"}")
                    break;
            }
        }
        --m_depth;
        return row;
    }

    void skipGroup()
    {
        for (int depth = 1; m_pos < m_source.size() && depth > 0;) {
            const QStringView token = take();
            depth += token == u"{" ? 1 : token == u"}" ? -1 : 0;
        }
    }

    /// The raw text of "{...}".
    QString parseText()
    {
        skipSpaces();
        if (peek() != u"{")
            return take().toString();
        take();
        const qsizetype start = m_pos;
        skipGroup();
        const bool closed = m_pos > start && m_source[m_pos - 1] == u'}';
        return m_source.mid(start, m_pos - start - (closed ? 1 : 0)).toString();
    }

    static MathNode symbol(const QString& text, MathClass spacing = MathClass::Ordinary, MathFace face = MathFace::Upright)
    {
        MathNode node;
        node.kind = MathKind::Symbol;
        node.text = text;
        node.spacing = spacing;
        node.face = face;
        return node;
    }

    static MathNode symbol(const MathSymbol& from)
    {
        MathNode node = symbol(from.text, from.spacing, from.face);
        node.limits = from.limits;
        return node;
    }

    static MathNode rowOf(MathNode node)
    {
        if (node.kind == MathKind::Row)
            return node;
        MathNode row;
        row.children.push_back(std::move(node));
        return row;
    }

    static MathNode made(MathKind kind, std::vector<MathNode> children, const QString& text = {})
    {
        MathNode node;
        node.kind = kind;
        node.children = std::move(children);
        node.text = text;
        return node;
    }

    MathNode parseAtom()
    {
        const QStringView token = take();
        if (token == u"{")
            return parseGroup();
        if (token == u"~")
            return symbol(QStringLiteral(" "), MathClass::Space);
        if (token == u"^" || token == u"_") { // nothing stands before it
            m_pos -= 1;
            return {};
        }
        if (token.size() > 1 && token[0] == u'\\')
            return parseCommand(token.mid(1));
        if (token[0].isDigit() || token == u".") { // a number is one symbol
            const qsizetype start = m_pos - 1;
            while (m_pos < m_source.size() && (m_source[m_pos].isDigit() || (m_source[m_pos] == u'.' && m_pos + 1 < m_source.size() && m_source[m_pos + 1].isDigit())))
                ++m_pos;
            return symbol(m_source.mid(start, m_pos - start).toString());
        }
        return symbol(mathCharacter(token.toString()));
    }

    MathNode parseCommand(QStringView name);
    MathNode parseFenced();
    MathNode parseEnvironment();
    MathNode parseGrid(MathGrid grid);
    QString parseFence();
    MathNode withFace(MathNode node, MathFace face, QStringView alphabet) const;

    QStringView m_source;
    qsizetype m_pos = 0;
    int m_depth = 0;
};

MathNode MathParser::withFace(MathNode node, MathFace face, QStringView alphabet) const
{
    if (node.kind == MathKind::Symbol && node.spacing == MathClass::Ordinary) {
        node.face = face;
        node.text = mathLetter(alphabet, node.text);
    }
    for (MathNode& child : node.children)
        child = withFace(std::move(child), face, alphabet);
    return node;
}

QString MathParser::parseFence()
{
    skipSpaces();
    const QStringView token = take();
    if (token == u".")
        return {};
    if (token == u"\\{" || token == u"\\}")
        return token.mid(1).toString();
    if (token == u"\\|")
        return QStringLiteral("‖");
    if (token.startsWith(u'\\')) {
        const auto known = mathSymbol(token.mid(1));
        return known ? known->text : token.toString();
    }
    return token == u"<" ? QStringLiteral("⟨") : token == u">" ? QStringLiteral("⟩") : token.toString();
}

MathNode MathParser::parseFenced()
{
    MathNode fenced = made(MathKind::Fenced, {}, parseFence());
    MathNode content;
    if (++m_depth > kMaxMathDepth) {
        m_pos = m_source.size();
    } else {
        for (;;) {
            MathNode part = parseRow();
            std::ranges::move(part.children, std::back_inserter(content.children));
            const QStringView token = peek();
            if (token.isEmpty() || token == u"\\end")
                break;
            take();
            if (token == u"\\right") {
                fenced.right = parseFence();
                break;
            }
        }
    }
    --m_depth;
    fenced.children.push_back(std::move(content));
    return fenced;
}

MathNode MathParser::parseGrid(MathGrid grid)
{
    std::vector<std::vector<MathNode>> rows(1);
    for (;;) {
        MathNode cell = parseRow();
        const QStringView token = peek();
        const bool more = token == u"&" || token == u"\\\\" || token == u"\\cr";
        const bool trailing = !more && cell.isEmpty() && rows.back().empty() && rows.size() > 1;
        if (!trailing && rows.back().size() < kMaxGridColumns)
            rows.back().push_back(std::move(cell));
        if (trailing)
            rows.pop_back();
        if (!more && token != u"}" && token != u"\\right") // the end, or \end
            break;
        take();
        if (token == u"\\\\" || token == u"\\cr") {
            skipSpaces();
            if (peek() == u"[") { // the space after the row
                while (m_pos < m_source.size() && m_source[m_pos] != u']' && m_source[m_pos] != u'\\')
                    ++m_pos;
                if (peek() == u"]")
                    take();
            }
            if (rows.size() < kMaxGridRows)
                rows.emplace_back();
        }
    }
    MathNode node;
    node.kind = MathKind::Grid;
    node.grid = grid;
    for (const auto& row : rows)
        node.columns = std::max(node.columns, int(row.size()));
    for (auto& row : rows) {
        row.resize(std::size_t(node.columns));
        std::ranges::move(row, std::back_inserter(node.children));
    }
    return node;
}

MathNode MathParser::parseEnvironment()
{
    const QString name = parseText();
    const Environment* environment = findEnvironment(name);
    if (name.startsWith(u"array") || name.startsWith(u"alignat")) {
        if (skipSpaces(); peek() == u"{")
            (void)parseText(); // columns
    }
    MathNode grid;
    if (++m_depth > kMaxMathDepth)
        m_pos = m_source.size();
    else
        grid = parseGrid(environment ? environment->grid : MathGrid::Left);
    --m_depth;
    if (peek() == u"\\end") {
        take();
        (void)parseText();
    }
    if (grid.kind == MathKind::Grid && grid.children.size() == 1 && (!environment || environment->left.isEmpty()))
        return std::move(grid.children.front());
    if (!environment || environment->left.isEmpty())
        return grid;
    MathNode fenced = made(MathKind::Fenced, {}, environment->left.toString());
    fenced.right = environment->right.toString();
    fenced.children.push_back(std::move(grid));
    return fenced;
}

MathNode MathParser::parseCommand(QStringView name)
{
    const auto is = [name](std::initializer_list<QStringView> names) { return std::ranges::find(names, name) != names.end(); };
    if (is({u"frac", u"dfrac", u"tfrac", u"cfrac", u"binom", u"dbinom", u"tbinom"})) {
        MathNode above = parseArgument();
        MathNode below = parseArgument();
        MathNode fraction = made(MathKind::Fraction, {std::move(above), std::move(below)});
        if (!name.endsWith(u"binom"))
            return fraction;
        fraction.bar = false;
        MathNode fenced = made(MathKind::Fenced, {std::move(fraction)}, QStringLiteral("("));
        fenced.right = QStringLiteral(")");
        return fenced;
    }
    if (name == u"sqrt") {
        MathNode index;
        skipSpaces();
        if (peek() == u"[") {
            take();
            index = parseRow(u"]");
            if (peek() == u"]")
                take();
        }
        MathNode radicand = parseArgument();
        return made(MathKind::Root, {std::move(radicand), std::move(index)});
    }
    if (name == u"left")
        return parseFenced();
    if (name == u"begin")
        return parseEnvironment();
    if (is({u"text", u"textrm", u"textit", u"textbf", u"texttt", u"mbox", u"operatorname", u"tag"})) {
        if (name == u"operatorname" && peek() == u"*")
            take();
        QString text = parseText();
        if (name == u"tag")
            text = QStringLiteral("  (%1)").arg(text);
        const MathFace face = name == u"textit" ? MathFace::Italic : name == u"textbf" ? MathFace::Bold : name == u"texttt" ? MathFace::Mono : MathFace::Upright;
        return symbol(text, name == u"operatorname" ? MathClass::Function : MathClass::Ordinary, face);
    }
    if (is({u"mathrm", u"mathsf", u"mathbb", u"mathnormal", u"mathit", u"mathcal", u"mathscr", u"mathfrak", u"mathbf", u"boldsymbol", u"bm", u"mathtt"})) {
        const MathFace face = is({u"mathbf", u"boldsymbol", u"bm"}) ? MathFace::Bold
            : is({u"mathit", u"mathcal", u"mathscr", u"mathnormal"}) ? MathFace::Italic
            : name == u"mathtt"                                      ? MathFace::Mono
                                                                     : MathFace::Upright;
        return withFace(parseArgument(), face, name);
    }
    struct AccentName {
        QStringView command;
        QStringView mark;
    };
    static constexpr AccentName kAccents[] = {
        {u"hat", u"^"}, {u"widehat", u"^"}, {u"tilde", u"~"}, {u"widetilde", u"~"}, {u"dot", u"."}, {u"ddot", u":"}, {u"vec", u">"},
        {u"overrightarrow", u">"}, {u"bar", u"-"}, {u"overline", u"-"}, {u"overbrace", u"-"}, {u"underline", u"_"}, {u"underbrace", u"_"}, {u"boxed", u"#"}, {u"fbox", u"#"},
    };
    for (const AccentName& accent : kAccents) {
        if (accent.command != name)
            continue;
        MathNode node = made(MathKind::Accent, {parseArgument()}, accent.mark.toString());
        node.limits = name.endsWith(u"brace"); // its note stands over or under
        return node;
    }
    if (is({u"overset", u"stackrel", u"underset"})) {
        MathNode note = parseArgument();
        MathNode base = parseArgument();
        MathNode script = name == u"underset" ? made(MathKind::Script, {std::move(base), std::move(note), MathNode{}})
                                              : made(MathKind::Script, {std::move(base), MathNode{}, std::move(note)});
        script.limits = true;
        script.spacing = MathClass::Relation;
        return script;
    }
    if (is({u"xrightarrow", u"xleftarrow"})) {
        MathNode note = parseArgument();
        MathNode script = made(MathKind::Script, {symbol(name == u"xrightarrow" ? QStringLiteral("⟶") : QStringLiteral("⟵"), MathClass::Relation), MathNode{}, std::move(note)});
        script.limits = true;
        script.spacing = MathClass::Relation;
        return script;
    }
    if (name == u"not") {
        MathNode next = parseAtom();
        next.text += QChar(0x0338);
        return next;
    }
    if (is({u"pmod", u"bmod", u"mod"})) {
        if (name != u"pmod")
            return symbol(QStringLiteral("mod"), MathClass::Binary);
        MathNode fenced = made(MathKind::Fenced, {parseArgument()}, QStringLiteral("("));
        fenced.children.front().children.insert(fenced.children.front().children.begin(), symbol(QStringLiteral("mod"), MathClass::Function));
        fenced.right = QStringLiteral(")");
        return fenced;
    }
    if (is({u",", u":", u";", u" ", u"quad", u"qquad", u"thinspace", u"enspace", u">"}))
        return symbol(name == u"quad" ? QStringLiteral("  ") : name == u"qquad" ? QStringLiteral("    ") : QStringLiteral(" "), MathClass::Space);
    if (is({u"color", u"label", u"hspace", u"vspace", u"phantom", u"hphantom", u"vphantom"})) {
        (void)parseText();
        return {};
    }
    if (name == u"textcolor") {
        (void)parseText();
        return parseArgument();
    }
    if (is({u"!", u"displaystyle", u"textstyle", u"scriptstyle", u"limits", u"nolimits", u"nonumber", u"notag", u"hline", u"middle", u"big", u"Big", u"bigg", u"Bigg", u"bigl",
            u"bigr", u"Bigl", u"Bigr", u"biggl", u"biggr", u"Biggl", u"Biggr", u"rm", u"bf", u"it", u"cal", u"/"}))
        return {};
    if (name == u"|")
        return symbol(QStringLiteral("‖"));
    if (name == u"{" || name == u"}")
        return symbol(name.toString(), name == u"{" ? MathClass::Open : MathClass::Close);
    if (const auto known = mathSymbol(name))
        return symbol(*known);
    if (!isLetter(name[0])) // "\%", "\$"
        return symbol(name.toString());
    return symbol(u'\\' + name.toString(), MathClass::Function);
}

} // namespace

MathNode parseMath(QStringView latex)
{
    latex = latex.trimmed();
    if (latex.size() <= kMaxMathChars)
        return MathParser(latex).parseAll();
    MathNode source;
    source.kind = MathKind::Symbol;
    source.face = MathFace::Mono;
    source.text = latex.left(kMaxMathChars).toString() + u'…';
    return source;
}

bool startsMathEnvironment(QStringView line)
{
    constexpr QStringView kBegin = u"\\begin{";
    if (!line.startsWith(kBegin))
        return false;
    const qsizetype close = line.indexOf(u'}');
    const Environment* environment = close < 0 ? nullptr : findEnvironment(line.mid(kBegin.size(), close - kBegin.size()));
    return environment && environment->alone;
}

} // namespace hearth::ui
