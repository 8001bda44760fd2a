// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/math_symbols.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace hearth::ui {
namespace {

struct Entry {
    std::string_view name;
    const char16_t* text;
};

// Each list is sorted by name.
constexpr Entry kLetters[] = {
    {"Delta", u"Δ"},      {"Gamma", u"Γ"},    {"Lambda", u"Λ"},     {"Omega", u"Ω"},   {"Phi", u"Φ"},      {"Pi", u"Π"},
    {"Psi", u"Ψ"},        {"Sigma", u"Σ"},    {"Theta", u"Θ"},      {"Upsilon", u"Υ"}, {"Xi", u"Ξ"},       {"alpha", u"α"},
    {"beta", u"β"},       {"chi", u"χ"},      {"delta", u"δ"},      {"ell", u"ℓ"},     {"epsilon", u"ϵ"},  {"eta", u"η"},
    {"gamma", u"γ"},      {"imath", u"ı"},    {"iota", u"ι"},       {"jmath", u"ȷ"},   {"kappa", u"κ"},    {"lambda", u"λ"},
    {"mu", u"μ"},         {"nu", u"ν"},       {"omega", u"ω"},      {"omicron", u"ο"}, {"phi", u"ϕ"},      {"pi", u"π"},
    {"psi", u"ψ"},        {"rho", u"ρ"},      {"sigma", u"σ"},      {"tau", u"τ"},     {"theta", u"θ"},    {"upsilon", u"υ"},
    {"varepsilon", u"ε"}, {"varphi", u"φ"},   {"varpi", u"ϖ"},      {"varrho", u"ϱ"},  {"varsigma", u"ς"}, {"vartheta", u"ϑ"},
    {"xi", u"ξ"},         {"zeta", u"ζ"},
};

constexpr Entry kOrdinary[] = {
    {"Im", u"ℑ"},         {"Re", u"ℜ"},        {"aleph", u"ℵ"},     {"angle", u"∠"},      {"bot", u"⊥"},       {"bullet", u"•"},
    {"cdots", u"⋯"},      {"checkmark", u"✓"}, {"clubsuit", u"♣"},  {"ddots", u"⋱"},      {"degree", u"°"},    {"diamond", u"⋄"},
    {"dots", u"…"},       {"emptyset", u"∅"},  {"exists", u"∃"},    {"flat", u"♭"},       {"forall", u"∀"},    {"hbar", u"ℏ"},
    {"heartsuit", u"♥"},  {"infty", u"∞"},     {"ldots", u"…"},     {"lnot", u"¬"},       {"nabla", u"∇"},     {"neg", u"¬"},
    {"nexists", u"∄"},    {"partial", u"∂"},   {"prime", u"′"},     {"sharp", u"♯"},      {"spadesuit", u"♠"}, {"square", u"□"},
    {"top", u"⊤"},        {"triangle", u"△"},  {"varnothing", u"∅"}, {"vdots", u"⋮"},     {"wp", u"℘"},
};

constexpr Entry kBinary[] = {
    {"amalg", u"⨿"},  {"ast", u"∗"},      {"bigtriangleup", u"△"}, {"cap", u"∩"},    {"cdot", u"·"},     {"circ", u"∘"},
    {"cup", u"∪"},    {"dagger", u"†"},   {"div", u"÷"},           {"land", u"∧"},   {"lor", u"∨"},      {"mp", u"∓"},
    {"odot", u"⊙"},   {"ominus", u"⊖"},   {"oplus", u"⊕"},         {"oslash", u"⊘"}, {"otimes", u"⊗"},   {"pm", u"±"},
    {"setminus", u"∖"}, {"star", u"⋆"},   {"times", u"×"},         {"vee", u"∨"},    {"wedge", u"∧"},
};

constexpr Entry kRelations[] = {
    {"Leftarrow", u"⇐"},      {"Leftrightarrow", u"⇔"}, {"Longleftarrow", u"⟸"},  {"Longleftrightarrow", u"⟺"},
    {"Longrightarrow", u"⟹"}, {"Rightarrow", u"⇒"},     {"approx", u"≈"},         {"asymp", u"≍"},
    {"because", u"∵"},        {"cong", u"≅"},           {"coloneqq", u"≔"},       {"dashv", u"⊣"},
    {"doteq", u"≐"},          {"downarrow", u"↓"},      {"equiv", u"≡"},          {"ge", u"≥"},
    {"geq", u"≥"},            {"geqslant", u"⩾"},       {"gets", u"←"},           {"gg", u"≫"},
    {"gt", u">"},             {"hookrightarrow", u"↪"}, {"iff", u"⟺"},            {"implies", u"⟹"},
    {"in", u"∈"},             {"le", u"≤"},             {"leftarrow", u"←"},      {"leftrightarrow", u"↔"},
    {"leq", u"≤"},            {"leqslant", u"⩽"},       {"ll", u"≪"},             {"longleftarrow", u"⟵"},
    {"longmapsto", u"⟼"},     {"longrightarrow", u"⟶"}, {"lt", u"<"},             {"mapsto", u"↦"},
    {"mid", u"∣"},            {"models", u"⊨"},         {"ne", u"≠"},             {"neq", u"≠"},
    {"ni", u"∋"},             {"notin", u"∉"},          {"parallel", u"∥"},       {"perp", u"⊥"},
    {"prec", u"≺"},           {"preceq", u"⪯"},         {"propto", u"∝"},         {"rightarrow", u"→"},
    {"rightleftharpoons", u"⇌"}, {"sim", u"∼"},         {"simeq", u"≃"},          {"sqsubseteq", u"⊑"},
    {"subset", u"⊂"},         {"subseteq", u"⊆"},       {"subsetneq", u"⊊"},      {"succ", u"≻"},
    {"succeq", u"⪰"},         {"supset", u"⊃"},         {"supseteq", u"⊇"},       {"therefore", u"∴"},
    {"to", u"→"},             {"triangleq", u"≜"},      {"uparrow", u"↑"},        {"updownarrow", u"↕"},
    {"vdash", u"⊢"},
};

constexpr Entry kLarge[] = {
    {"bigcap", u"⋂"},   {"bigcup", u"⋃"}, {"bigoplus", u"⨁"}, {"bigotimes", u"⨂"}, {"bigvee", u"⋁"}, {"bigwedge", u"⋀"},
    {"coprod", u"∐"},   {"iiint", u"∭"},  {"iint", u"∬"},     {"int", u"∫"},       {"oint", u"∮"},   {"prod", u"∏"},
    {"sum", u"∑"},
};

constexpr Entry kFences[] = {
    {"langle", u"⟨"}, {"lbrace", u"{"}, {"lbrack", u"["}, {"lceil", u"⌈"}, {"lfloor", u"⌊"}, {"lvert", u"|"}, {"lVert", u"‖"},
    {"rangle", u"⟩"}, {"rbrace", u"}"}, {"rbrack", u"]"}, {"rceil", u"⌉"}, {"rfloor", u"⌋"}, {"rvert", u"|"}, {"rVert", u"‖"},
    {"vert", u"|"},   {"Vert", u"‖"},
};

constexpr std::string_view kFunctions[] = {
    "Pr",  "arccos", "arcsin", "arctan", "arg", "argmax", "argmin", "cos", "cosh", "cot", "coth", "csc", "deg", "det", "dim",    "erf",
    "exp", "gcd",    "hom",    "inf",    "ker", "lg",     "lim",    "liminf", "limsup", "ln", "log", "max", "min", "rank", "sec", "sgn",
    "sin", "sinh",   "sup",    "tan",    "tanh", "tr",
};

constexpr std::string_view kLimitFunctions[] = {"Pr", "argmax", "argmin", "det", "gcd", "inf", "lim", "liminf", "limsup", "max", "min", "sup"};

template <typename List>
const Entry* find(const List& list, std::string_view name)
{
    const auto found = std::find_if(std::begin(list), std::end(list), [name](const Entry& entry) { return entry.name == name; });
    return found == std::end(list) ? nullptr : &*found;
}

QString textOf(const Entry& entry)
{
    return QString::fromUtf16(entry.text);
}

} // namespace

std::optional<MathSymbol> mathSymbol(QStringView command)
{
    const std::string utf8 = command.toUtf8().toStdString();
    const std::string_view name = utf8;
    if (const Entry* entry = find(kLetters, name)) // capitals stand upright
        return MathSymbol{textOf(*entry), MathClass::Ordinary, name[0] < 'a' ? MathFace::Upright : MathFace::Italic};
    if (const Entry* entry = find(kOrdinary, name))
        return MathSymbol{textOf(*entry)};
    if (const Entry* entry = find(kBinary, name))
        return MathSymbol{textOf(*entry), MathClass::Binary};
    if (const Entry* entry = find(kRelations, name))
        return MathSymbol{textOf(*entry), MathClass::Relation};
    if (const Entry* entry = find(kLarge, name))
        return MathSymbol{textOf(*entry), MathClass::Large, MathFace::Upright, !name.ends_with("int")};
    if (const Entry* entry = find(kFences, name))
        return MathSymbol{textOf(*entry), name[0] == 'l' ? MathClass::Open : name[0] == 'r' ? MathClass::Close : MathClass::Ordinary};
    if (std::ranges::find(kFunctions, name) != std::end(kFunctions)) {
        const bool limits = std::ranges::find(kLimitFunctions, name) != std::end(kLimitFunctions);
        QString text = command.toString();
        if (text == u"limsup" || text == u"liminf")
            text.insert(3, QChar(0x2009));
        else if (text == u"argmax" || text == u"argmin")
            text.insert(3, QChar(0x2009));
        return MathSymbol{text, MathClass::Function, MathFace::Upright, limits};
    }
    return std::nullopt;
}

MathSymbol mathCharacter(const QString& character)
{
    const QChar c = character.front();
    switch (c.unicode()) {
    case u'-':
        return {QStringLiteral("−"), MathClass::Binary};
    case u'+':
        return {character, MathClass::Binary};
    case u'*':
        return {QStringLiteral("∗"), MathClass::Binary};
    case u'=':
    case u'<':
    case u'>':
    case u':':
        return {character, MathClass::Relation};
    case u',':
    case u';':
        return {character, MathClass::Punctuation};
    case u'(':
    case u'[':
        return {character, MathClass::Open};
    case u')':
    case u']':
        return {character, MathClass::Close};
    default:
        break;
    }
    if (QStringView(u"≤≥≠≈≡→←⇒∈∼≪≫⊂⊆").contains(c))
        return {character, MathClass::Relation};
    if (QStringView(u"±×÷·−").contains(c))
        return {character, MathClass::Binary};
    if (QStringView(u"∑∏∫").contains(c))
        return {character, MathClass::Large, MathFace::Upright, c != u'∫'};
    return {character, MathClass::Ordinary, character.size() == 1 && c.isLetter() && c.script() != QChar::Script_Han ? MathFace::Italic : MathFace::Upright};
}

QString mathLetter(QStringView alphabet, const QString& letter)
{
    struct Letters {
        QStringView alphabet;
        QStringView from;
        QStringView to;
    };
    static constexpr Letters kAlphabets[] = {
        {u"mathbb", u"CHNPQRZ", u"ℂℍℕℙℚℝℤ"},
        {u"mathcal", u"BEFHILMR", u"ℬℰℱℋℐℒℳℛ"},
        {u"mathscr", u"BEFHILMR", u"ℬℰℱℋℐℒℳℛ"},
    };
    for (const Letters& letters : kAlphabets) {
        if (alphabet != letters.alphabet || letter.size() != 1)
            continue;
        const qsizetype at = letters.from.indexOf(letter.front());
        if (at >= 0)
            return QString(letters.to[at]);
    }
    if (alphabet == u"mathbb" && letter.size() == 1 && letter.front() >= u'A' && letter.front() <= u'Z') {
        const char32_t code = 0x1D538U + (letter.front().unicode() - u'A');
        return QString::fromUcs4(&code, 1);
    }
    return letter;
}

} // namespace hearth::ui
