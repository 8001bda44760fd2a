// SPDX-License-Identifier: Apache-2.0
//
// The syntax tree of a template: expressions and statements, as the parser builds and the interpreter walks them.
#pragma once

#include "core/chat/jinja/value.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hearth::core::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class ExpressionKind : std::uint8_t {
    Constant,
    Name,
    List,
    Tuple,
    Dict,        ///< operands: key, value, key, value ...
    Negate,
    Plus,
    Not,
    And,
    Or,
    Binary,      ///< operation: + - * / // % ** ~
    Compare,     ///< operands[0], then one more for each of operations
    Conditional, ///< operands: value, condition, alternative (may be null)
    Attribute,   ///< operands[0].name
    Subscript,   ///< operands[0][operands[1]]
    Slice,       ///< operands[0][operands[1] : operands[2] : operands[3]], the last three may be null
    Call,        ///< operands[0](arguments)
    Filter,      ///< operands[0] | name(arguments); operands[0] null inside {% filter %}
    Test,        ///< operands[0] is name(arguments)
};

enum class Operation : std::uint8_t {
    Add, Subtract, Multiply, Divide, FloorDivide, Modulo, Power, Concatenate,
    Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn,
};

struct CallArguments {
    std::vector<ExpressionPtr> positional;
    std::vector<std::pair<std::string, ExpressionPtr>> named;
    ExpressionPtr spread;      ///< *args
    ExpressionPtr spreadNamed; ///< **kwargs
};

struct Expression {
    ExpressionKind kind = ExpressionKind::Constant;
    int line = 0;
    int height = 1;            ///< of the chain through operands[0]; limited, because trees are walked by recursion
    Operation operation = Operation::Add;
    std::string name;
    Value constant;
    std::vector<ExpressionPtr> operands;
    std::vector<Operation> operations;
    CallArguments arguments;
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

enum class StatementKind : std::uint8_t { Text, Output, If, For, Set, SetBlock, Macro, CallBlock, FilterBlock, With, Group, Break, Continue };

struct Parameter {
    std::string name;
    ExpressionPtr defaultValue; ///< null = none
};

struct Statement {
    StatementKind kind = StatementKind::Text;
    int line = 0;
    std::string text;                        ///< Text; Macro's name
    ExpressionPtr expression;                ///< Output, Set's value, For's iterable, CallBlock's call, the filters of FilterBlock and SetBlock
    std::vector<ExpressionPtr> targets;      ///< Set, For, With: names, attributes of namespaces, tuples of them
    std::vector<ExpressionPtr> values;       ///< With
    std::vector<std::pair<ExpressionPtr, Block>> branches; ///< If
    Block body;
    Block otherwise;                         ///< else of If and For
    ExpressionPtr condition;                 ///< For: if
    bool recursive = false;                  ///< For
    std::vector<Parameter> parameters;       ///< Macro, CallBlock
};

} // namespace hearth::core::jinja
