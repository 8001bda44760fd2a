// SPDX-License-Identifier: Apache-2.0
#include "core/chat/jinja/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

namespace hearth::core::jinja {

namespace {

constexpr int kDeepest = 200;
constexpr int kLongestChain = 500;

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : m_tokens(std::move(tokens)) {}

    Block run() {
        Block block = parseBlock({});
        if (peek().kind != TokenKind::End) fail("the end of the template");
        return block;
    }

private:
    /// One level deeper for as long as it lives.
    struct Level {
        explicit Level(Parser& owner) : parser(owner) {
            if (++parser.m_depth > kDeepest) throw Failure{ErrorCode::TemplateLimit, fmt::format("line {}: nested more than {} deep", parser.peek().line, kDeepest)};
        }
        ~Level() { --parser.m_depth; }
        Parser& parser;
    };

    // --- tokens -------------------------------------------------------------------------------------------------
    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const { return m_tokens[std::min(m_at + ahead, m_tokens.size() - 1)]; }
    const Token& next() {
        const Token& token = peek();
        if (m_at + 1 < m_tokens.size()) ++m_at;
        return token;
    }
    [[nodiscard]] bool isOperator(std::string_view text, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Operator && peek(ahead).text == text;
    }
    [[nodiscard]] bool isName(std::string_view text, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Name && peek(ahead).text == text;
    }
    bool takeOperator(std::string_view text) { return isOperator(text) && (next(), true); }
    bool takeName(std::string_view text) { return isName(text) && (next(), true); }
    void expectOperator(std::string_view text) {
        if (!takeOperator(text)) fail(fmt::format("'{}'", text));
    }
    void expectName(std::string_view text) {
        if (!takeName(text)) fail(fmt::format("'{}'", text));
    }
    void expectBlockEnd() {
        if (peek().kind != TokenKind::BlockEnd) fail("'%}'");
        next();
    }
    std::string expectIdentifier() {
        if (peek().kind != TokenKind::Name) fail("a name");
        return next().text;
    }
    [[noreturn]] void fail(std::string_view expected) const {
        const Token& token = peek();
        std::string found = token.text;
        if (token.kind == TokenKind::End) found = "the end of the template";
        if (token.kind == TokenKind::BlockEnd) found = "%}";
        if (token.kind == TokenKind::OutputEnd) found = "}}";
        if (found.size() > 40) found = found.substr(0, 40) + "...";
        throw Failure{ErrorCode::TemplateSyntax, fmt::format("line {}: expected {}, found '{}'", token.line, expected, found)};
    }

    // --- statements ---------------------------------------------------------------------------------------------
    std::unique_ptr<Statement> make(StatementKind kind) const {
        auto statement = std::make_unique<Statement>();
        statement->kind = kind;
        statement->line = peek().line;
        return statement;
    }

    /// Up to (not including) a tag whose name is one of `ends`; its BlockBegin is consumed.
    Block parseBlock(std::initializer_list<std::string_view> ends) {
        const Level level(*this);
        Block block;
        for (;;) {
            const Token& token = peek();
            if (token.kind == TokenKind::Text) {
                auto statement = make(StatementKind::Text);
                statement->text = next().text;
                block.push_back(std::move(statement));
            } else if (token.kind == TokenKind::OutputBegin) {
                next();
                auto statement = make(StatementKind::Output);
                statement->expression = parseTuple();
                if (peek().kind != TokenKind::OutputEnd) fail("'}}'");
                next();
                block.push_back(std::move(statement));
            } else if (token.kind == TokenKind::BlockBegin) {
                next();
                if (std::ranges::any_of(ends, [this](std::string_view end) { return isName(end); })) return block;
                block.push_back(parseStatement());
            } else {
                if (ends.size() > 0) fail(fmt::format("{{% {} %}}", *ends.begin()));
                return block;
            }
        }
    }

    /// A block and its closing tag.
    Block parseBody(std::string_view end) {
        expectBlockEnd();
        Block body = parseBlock({end});
        expectName(end);
        if (peek().kind == TokenKind::Name) next(); // {% endmacro name %}
        expectBlockEnd();
        return body;
    }

    std::unique_ptr<Statement> parseStatement() {
        if (takeName("if")) return parseIf();
        if (takeName("for")) return parseFor();
        if (takeName("set")) return parseSet();
        if (takeName("macro")) return parseMacro();
        if (takeName("call")) return parseCallBlock();
        if (takeName("filter")) return parseFilterBlock();
        if (takeName("with")) return parseWith();
        if (takeName("generation")) { // marks the assistant's part for training; plain text here
            auto statement = make(StatementKind::Group);
            statement->body = parseBody("endgeneration");
            return statement;
        }
        for (const auto& [name, kind] : {std::pair{"break", StatementKind::Break}, std::pair{"continue", StatementKind::Continue}}) {
            if (!isName(name)) continue;
            if (m_loops == 0) fail(fmt::format("'{}' inside a loop only", name));
            next();
            auto statement = make(kind);
            expectBlockEnd();
            return statement;
        }
        fail("a known tag");
    }

    std::unique_ptr<Statement> parseIf() {
        auto statement = make(StatementKind::If);
        for (;;) {
            ExpressionPtr condition = parseTuple();
            expectBlockEnd();
            Block body = parseBlock({"endif", "elif", "else"});
            statement->branches.emplace_back(std::move(condition), std::move(body));
            if (takeName("elif")) continue;
            if (takeName("else")) {
                expectBlockEnd();
                statement->otherwise = parseBlock({"endif"});
            }
            expectName("endif");
            expectBlockEnd();
            return statement;
        }
    }

    std::unique_ptr<Statement> parseFor() {
        auto statement = make(StatementKind::For);
        statement->targets.push_back(parseTarget());
        expectName("in");
        m_noConditional = true;
        statement->expression = parseTuple();
        m_noConditional = false;
        if (takeName("if")) statement->condition = parseExpression();
        statement->recursive = takeName("recursive");
        expectBlockEnd();
        ++m_loops;
        statement->body = parseBlock({"endfor", "else"});
        --m_loops;
        if (takeName("else")) {
            expectBlockEnd();
            statement->otherwise = parseBlock({"endfor"});
        }
        expectName("endfor");
        expectBlockEnd();
        return statement;
    }

    /// a | a.b | a, b | (a, b)
    ExpressionPtr parseTarget() {
        auto tuple = makeExpression(ExpressionKind::Tuple);
        do {
            if (takeOperator("(")) {
                tuple->operands.push_back(parseTarget());
                expectOperator(")");
            } else {
                auto name = makeExpression(ExpressionKind::Name);
                name->name = expectIdentifier();
                if (takeOperator(".")) {
                    auto attribute = makeExpression(ExpressionKind::Attribute);
                    attribute->name = expectIdentifier();
                    attribute->operands.push_back(std::move(name));
                    name = std::move(attribute);
                }
                tuple->operands.push_back(std::move(name));
            }
        } while (takeOperator(",") && (peek().kind == TokenKind::Name || isOperator("(")) && !isName("in"));
        return tuple->operands.size() == 1 && !isOperator(",") ? std::move(tuple->operands.front()) : std::move(tuple);
    }

    std::unique_ptr<Statement> parseSet() {
        auto statement = make(StatementKind::Set);
        statement->targets.push_back(parseTarget());
        if (takeOperator("=")) {
            statement->expression = parseTuple();
            expectBlockEnd();
            return statement;
        }
        statement->kind = StatementKind::SetBlock;
        if (isOperator("|")) statement->expression = parseFilters(nullptr);
        statement->body = parseBody("endset");
        return statement;
    }

    std::vector<Parameter> parseParameters() {
        std::vector<Parameter> parameters;
        expectOperator("(");
        while (!takeOperator(")")) {
            if (!parameters.empty()) {
                expectOperator(",");
                if (takeOperator(")")) break;
            }
            Parameter& parameter = parameters.emplace_back();
            parameter.name = expectIdentifier();
            if (takeOperator("=")) parameter.defaultValue = parseExpression();
        }
        return parameters;
    }

    std::unique_ptr<Statement> parseMacro() {
        auto statement = make(StatementKind::Macro);
        statement->text = expectIdentifier();
        statement->parameters = parseParameters();
        const int loops = std::exchange(m_loops, 0);
        statement->body = parseBody("endmacro");
        m_loops = loops;
        return statement;
    }

    std::unique_ptr<Statement> parseCallBlock() {
        auto statement = make(StatementKind::CallBlock);
        if (isOperator("(")) statement->parameters = parseParameters();
        statement->expression = parseExpression();
        if (statement->expression->kind != ExpressionKind::Call) fail("a call");
        const int loops = std::exchange(m_loops, 0);
        statement->body = parseBody("endcall");
        m_loops = loops;
        return statement;
    }

    std::unique_ptr<Statement> parseFilterBlock() {
        auto statement = make(StatementKind::FilterBlock);
        auto filter = makeExpression(ExpressionKind::Filter);
        filter->operands.emplace_back();
        filter->name = expectIdentifier();
        if (isOperator("(")) filter->arguments = parseArguments();
        statement->expression = parseFilters(std::move(filter));
        statement->body = parseBody("endfilter");
        return statement;
    }

    std::unique_ptr<Statement> parseWith() {
        auto statement = make(StatementKind::With);
        while (peek().kind != TokenKind::BlockEnd) {
            if (!statement->targets.empty()) expectOperator(",");
            auto name = makeExpression(ExpressionKind::Name);
            name->name = expectIdentifier();
            statement->targets.push_back(std::move(name));
            expectOperator("=");
            statement->values.push_back(parseExpression());
        }
        statement->body = parseBody("endwith");
        return statement;
    }

    // --- expressions, loosest first -----------------------------------------------------------------------------
    ExpressionPtr makeExpression(ExpressionKind kind) const {
        auto expression = std::make_unique<Expression>();
        expression->kind = kind;
        expression->line = peek().line;
        return expression;
    }
    ExpressionPtr wrap(ExpressionKind kind, ExpressionPtr operand) const {
        auto expression = makeExpression(kind);
        if (operand) expression->height = operand->height + 1;
        if (expression->height > kLongestChain) throw Failure{ErrorCode::TemplateLimit, fmt::format("line {}: more than {} operators in a row", peek().line, kLongestChain)};
        expression->operands.push_back(std::move(operand));
        return expression;
    }
    ExpressionPtr binary(ExpressionKind kind, Operation operation, ExpressionPtr left, ExpressionPtr right) const {
        auto expression = wrap(kind, std::move(left));
        expression->operation = operation;
        expression->operands.push_back(std::move(right));
        return expression;
    }

    /// a, b without parentheses is a tuple, as in {% for x in 1, 2 %}.
    ExpressionPtr parseTuple() {
        ExpressionPtr first = parseExpression();
        if (!isOperator(",")) return first;
        auto tuple = wrap(ExpressionKind::Tuple, std::move(first));
        while (takeOperator(",")) {
            if (peek().kind == TokenKind::BlockEnd || peek().kind == TokenKind::OutputEnd) break;
            tuple->operands.push_back(parseExpression());
        }
        return tuple;
    }

    ExpressionPtr parseExpression() {
        const Level level(*this);
        ExpressionPtr value = parseOr();
        while (!m_noConditional && takeName("if")) {
            auto conditional = wrap(ExpressionKind::Conditional, std::move(value));
            conditional->operands.push_back(parseOr());
            conditional->operands.push_back(takeName("else") ? parseExpression() : nullptr);
            value = std::move(conditional);
        }
        return value;
    }

    ExpressionPtr parseOr() {
        ExpressionPtr left = parseAnd();
        while (takeName("or")) left = binary(ExpressionKind::Or, Operation::Add, std::move(left), parseAnd());
        return left;
    }

    ExpressionPtr parseAnd() {
        ExpressionPtr left = parseNot();
        while (takeName("and")) left = binary(ExpressionKind::And, Operation::Add, std::move(left), parseNot());
        return left;
    }

    ExpressionPtr parseNot() {
        if (!isName("not")) return parseCompare();
        const Level level(*this);
        next();
        return wrap(ExpressionKind::Not, parseNot());
    }

    bool takeComparison(Operation& operation) {
        static constexpr std::array<std::pair<std::string_view, Operation>, 6> kOperators{{
            {"==", Operation::Equal}, {"!=", Operation::NotEqual}, {"<", Operation::Less},
            {"<=", Operation::LessEqual}, {">", Operation::Greater}, {">=", Operation::GreaterEqual},
        }};
        for (const auto& [text, op] : kOperators) {
            if (takeOperator(text)) {
                operation = op;
                return true;
            }
        }
        if (takeName("in")) {
            operation = Operation::In;
            return true;
        }
        if (isName("not") && isName("in", 1)) {
            next();
            next();
            operation = Operation::NotIn;
            return true;
        }
        return false;
    }

    ExpressionPtr parseCompare() {
        ExpressionPtr left = parseSum();
        Operation operation = Operation::Equal;
        if (!takeComparison(operation)) return left;
        auto compare = wrap(ExpressionKind::Compare, std::move(left));
        do {
            compare->operations.push_back(operation);
            compare->operands.push_back(parseSum());
        } while (takeComparison(operation));
        return compare;
    }

    /// Left-associative binary operators of one strength.
    ExpressionPtr parseLeft(std::initializer_list<std::pair<std::string_view, Operation>> operators, ExpressionPtr (Parser::*operand)()) {
        ExpressionPtr left = (this->*operand)();
        for (;;) {
            const auto found = std::ranges::find_if(operators, [this](const auto& row) { return isOperator(row.first); });
            if (found == operators.end()) return left;
            next();
            left = binary(ExpressionKind::Binary, found->second, std::move(left), (this->*operand)());
        }
    }
    ExpressionPtr parseSum() { return parseLeft({{"+", Operation::Add}, {"-", Operation::Subtract}}, &Parser::parseConcatenation); }
    ExpressionPtr parseConcatenation() { return parseLeft({{"~", Operation::Concatenate}}, &Parser::parseProduct); }
    ExpressionPtr parseProduct() {
        return parseLeft({{"*", Operation::Multiply}, {"/", Operation::Divide}, {"//", Operation::FloorDivide}, {"%", Operation::Modulo}}, &Parser::parsePower);
    }
    ExpressionPtr parsePower() { return parseLeft({{"**", Operation::Power}}, &Parser::parseUnary); }
    ExpressionPtr parseUnary() { return parseSigned(true); }

    ExpressionPtr parseSigned(bool withFilters) {
        const Level level(*this);
        ExpressionPtr value;
        if (takeOperator("-")) {
            value = wrap(ExpressionKind::Negate, parseSigned(false));
        } else if (takeOperator("+")) {
            value = wrap(ExpressionKind::Plus, parseSigned(false));
        } else {
            value = parsePrimary();
        }
        value = parsePostfix(std::move(value));
        return withFilters ? parseFilters(std::move(value)) : std::move(value);
    }

    ExpressionPtr parsePrimary() {
        const Token& token = peek();
        switch (token.kind) {
        case TokenKind::Name: return parseNameOrConstant();
        case TokenKind::String: {
            auto constant = makeExpression(ExpressionKind::Constant);
            std::string text;
            while (peek().kind == TokenKind::String) text += next().text;
            constant->constant = Value(std::move(text));
            return constant;
        }
        case TokenKind::Integer: {
            auto constant = makeExpression(ExpressionKind::Constant);
            std::int64_t number = 0;
            std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
            next();
            constant->constant = Value(number);
            return constant;
        }
        case TokenKind::Float: {
            auto constant = makeExpression(ExpressionKind::Constant);
            double number = 0.0;
            std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
            next();
            constant->constant = Value(number);
            return constant;
        }
        case TokenKind::Operator: break;
        default: fail("an expression");
        }
        // Inside brackets a conditional is unambiguous again.
        const bool noConditional = std::exchange(m_noConditional, false);
        ExpressionPtr value;
        if (takeOperator("(")) {
            value = parseParenthesis();
        } else if (takeOperator("[")) {
            value = makeExpression(ExpressionKind::List);
            parseElements(*value, "]");
        } else if (takeOperator("{")) {
            value = parseDict();
        } else {
            fail("an expression");
        }
        m_noConditional = noConditional;
        return value;
    }

    ExpressionPtr parseNameOrConstant() {
        const std::string& text = peek().text;
        static constexpr std::array<std::string_view, 12> kReserved{"if", "else", "elif", "for", "in", "is", "and", "or", "not", "endif", "endfor", "recursive"};
        if (std::ranges::find(kReserved, text) != kReserved.end()) fail("an expression");
        const bool isTrue = text == "true" || text == "True";
        const bool isFalse = text == "false" || text == "False";
        const bool isNone = text == "none" || text == "None";
        auto expression = makeExpression(isTrue || isFalse || isNone ? ExpressionKind::Constant : ExpressionKind::Name);
        if (isTrue || isFalse) expression->constant = Value(isTrue);
        expression->name = next().text;
        return expression;
    }

    void parseElements(Expression& list, std::string_view close) {
        while (!takeOperator(close)) {
            if (!list.operands.empty()) {
                expectOperator(",");
                if (takeOperator(close)) return;
            }
            list.operands.push_back(parseExpression());
        }
    }

    ExpressionPtr parseParenthesis() {
        if (takeOperator(")")) return makeExpression(ExpressionKind::Tuple);
        ExpressionPtr first = parseExpression();
        if (takeOperator(")")) return first;
        auto tuple = wrap(ExpressionKind::Tuple, std::move(first));
        parseElements(*tuple, ")");
        return tuple;
    }

    ExpressionPtr parseDict() {
        auto dict = makeExpression(ExpressionKind::Dict);
        while (!takeOperator("}")) {
            if (!dict->operands.empty()) {
                expectOperator(",");
                if (takeOperator("}")) break;
            }
            dict->operands.push_back(parseExpression());
            expectOperator(":");
            dict->operands.push_back(parseExpression());
        }
        return dict;
    }

    ExpressionPtr parsePostfix(ExpressionPtr value) {
        for (;;) {
            if (takeOperator(".")) {
                auto attribute = wrap(ExpressionKind::Attribute, std::move(value));
                if (peek().kind == TokenKind::Integer) { // a.0 is a[0]
                    attribute->kind = ExpressionKind::Subscript;
                    attribute->operands.push_back(parsePrimary());
                } else {
                    attribute->name = expectIdentifier();
                }
                value = std::move(attribute);
            } else if (takeOperator("[")) {
                value = parseSubscript(std::move(value));
            } else if (isOperator("(")) {
                auto call = wrap(ExpressionKind::Call, std::move(value));
                call->arguments = parseArguments();
                value = std::move(call);
            } else {
                return value;
            }
        }
    }

    ExpressionPtr parseSubscript(ExpressionPtr value) {
        const bool noConditional = std::exchange(m_noConditional, false);
        auto subscript = wrap(ExpressionKind::Subscript, std::move(value));
        ExpressionPtr parts[3];
        std::size_t part = 0;
        bool slice = false;
        while (!isOperator("]")) {
            if (takeOperator(":")) {
                slice = true;
                if (++part > 2) fail("']'");
            } else {
                if (parts[part]) fail("']'");
                parts[part] = parseTuple();
            }
        }
        expectOperator("]");
        if (!slice && !parts[0]) fail("an index");
        subscript->operands.push_back(std::move(parts[0]));
        if (slice) {
            subscript->kind = ExpressionKind::Slice;
            subscript->operands.push_back(std::move(parts[1]));
            subscript->operands.push_back(std::move(parts[2]));
        }
        m_noConditional = noConditional;
        return subscript;
    }

    CallArguments parseArguments() {
        const bool noConditional = std::exchange(m_noConditional, false);
        CallArguments arguments;
        expectOperator("(");
        bool first = true;
        while (!takeOperator(")")) {
            if (!std::exchange(first, false)) {
                expectOperator(",");
                if (takeOperator(")")) break;
            }
            if (takeOperator("**")) {
                arguments.spreadNamed = parseExpression();
            } else if (takeOperator("*")) {
                arguments.spread = parseExpression();
            } else if (peek().kind == TokenKind::Name && isOperator("=", 1)) {
                std::string name = next().text;
                next();
                arguments.named.emplace_back(std::move(name), parseExpression());
            } else {
                if (!arguments.named.empty()) fail("a named argument");
                arguments.positional.push_back(parseExpression());
            }
        }
        m_noConditional = noConditional;
        return arguments;
    }

    /// | filter ... and is test ..., left to right
    ExpressionPtr parseFilters(ExpressionPtr value) {
        for (;;) {
            if (takeOperator("|")) {
                auto filter = wrap(ExpressionKind::Filter, std::move(value));
                filter->name = expectIdentifier();
                if (isOperator("(")) filter->arguments = parseArguments();
                value = std::move(filter);
            } else if (takeName("is")) {
                const bool negated = takeName("not");
                auto test = wrap(ExpressionKind::Test, std::move(value));
                test->name = expectIdentifier();
                if (isOperator("(")) {
                    test->arguments = parseArguments();
                } else if (startsTestArgument()) {
                    test->arguments.positional.push_back(parsePostfix(parsePrimary()));
                }
                value = negated ? wrap(ExpressionKind::Not, std::move(test)) : std::move(test);
            } else if (isOperator("(") && value && value->kind == ExpressionKind::Filter) {
                auto call = wrap(ExpressionKind::Call, std::move(value));
                call->arguments = parseArguments();
                value = std::move(call);
            } else {
                return value;
            }
        }
    }

    [[nodiscard]] bool startsTestArgument() const {
        const Token& token = peek();
        if (token.kind == TokenKind::String || token.kind == TokenKind::Integer || token.kind == TokenKind::Float) return true;
        if (token.kind == TokenKind::Operator) return token.text == "[" || token.text == "{";
        static constexpr std::array<std::string_view, 8> kNot{"else", "or", "and", "if", "is", "in", "not", "recursive"};
        return token.kind == TokenKind::Name && std::ranges::find(kNot, token.text) == kNot.end();
    }

    std::vector<Token> m_tokens;
    std::size_t m_at = 0;
    int m_depth = 0;
    int m_loops = 0;
    bool m_noConditional = false; ///< in "for x in LIST if CONDITION" the if is the loop's
};

} // namespace

Block parse(std::vector<Token> tokens) {
    return Parser(std::move(tokens)).run();
}

} // namespace hearth::core::jinja
