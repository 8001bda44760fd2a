// SPDX-License-Identifier: Apache-2.0
#include "core/chat/jinja/interpreter.h"

#include "core/chat/jinja/builtins.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hearth::core::jinja {

namespace {

constexpr std::size_t kBytesPerStep = 64;
constexpr std::size_t kStepsPerClock = 4096;
constexpr std::size_t kMostItems = 1'000'000;

std::int64_t clampedIndex(std::int64_t index, std::int64_t low, std::int64_t high) {
    return std::clamp(index, low, high);
}

/// Python's int // and % round towards minus infinity.
std::int64_t floorDivide(std::int64_t a, std::int64_t b) {
    const std::int64_t quotient = a / b;
    return (a % b != 0 && ((a < 0) != (b < 0))) ? quotient - 1 : quotient;
}

Value integerPower(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) return std::pow(static_cast<double>(base), static_cast<double>(exponent));
    std::int64_t result = 1;
    for (std::int64_t i = 0; i < exponent; ++i) {
        if (__builtin_mul_overflow(result, base, &result)) throw Failure{ErrorCode::TemplateLimit, "an integer outgrew 64 bits"};
        if (result == 0 || result == 1) break;
        if (result == -1) return (exponent % 2 == 0) ? std::int64_t{1} : std::int64_t{-1};
    }
    return result;
}

} // namespace

const Value* Scope::find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent.get()) {
        if (const auto at = scope->names.find(name); at != scope->names.end()) return &at->second;
    }
    return nullptr;
}

/// One level deeper for as long as it lives: templates may recurse through macros and nested expressions.
struct Interpreter::Level {
    explicit Level(Interpreter& owner) : interpreter(owner) {
        // Nested expressions count too, and a macro call passes several.
        if (++interpreter.m_depth > interpreter.m_limits.depth * 5) {
            --interpreter.m_depth;
            throw Failure{ErrorCode::TemplateLimit, fmt::format("calls nested more than {} deep", interpreter.m_limits.depth)};
        }
    }
    ~Level() { --interpreter.m_depth; }
    Interpreter& interpreter;
};

Interpreter::Interpreter(const TemplateLimits& limits, std::chrono::system_clock::time_point now)
    : m_limits(limits)
    , m_now(now)
    , m_deadline(std::chrono::steady_clock::now() + limits.time)
    , m_globals(globals()) {}

Interpreter::~Interpreter() {
    // Macros hold their scope and stand in it; namespaces may hold each other.
    for (const ScopePtr& scope : m_macroScopes) {
        scope->names.clear();
        scope->parent.reset();
    }
    for (const auto& space : m_spaces) space->attributes.clear();
}

void Interpreter::charge(std::size_t bytes) {
    if (bytes > m_limits.outputBytes) throw Failure{ErrorCode::TemplateLimit, fmt::format("a text of more than {} bytes", m_limits.outputBytes)};
    m_steps += 1 + bytes / kBytesPerStep;
    if (m_steps > m_limits.steps) throw Failure{ErrorCode::TemplateLimit, fmt::format("more than {} steps", m_limits.steps)};
    if (m_steps - m_stepsAtLastClock < kStepsPerClock) return;
    m_stepsAtLastClock = m_steps;
    if (std::chrono::steady_clock::now() > m_deadline) throw Failure{ErrorCode::TemplateLimit, fmt::format("longer than {} ms", m_limits.time.count())};
}

Value Interpreter::makeNamespace(std::vector<std::pair<std::string, Value>> attributes) {
    auto space = std::make_shared<NamespaceObject>();
    space->attributes = std::move(attributes);
    m_spaces.push_back(space);
    return Value(space);
}

Value Interpreter::text(std::string value) {
    charge(value.size());
    return Value(std::move(value));
}

void Interpreter::write(std::string& out, std::string_view addition) {
    charge(addition.size());
    if (out.size() + addition.size() > m_limits.outputBytes) {
        throw Failure{ErrorCode::TemplateLimit, fmt::format("an output of more than {} bytes", m_limits.outputBytes)};
    }
    out += addition;
}

std::string Interpreter::run(const Block& program, const nlohmann::ordered_json& context) {
    auto scope = std::make_shared<Scope>();
    for (const auto& [key, value] : context.items()) scope->names.insert_or_assign(key, Value::fromJson(value));
    // The root is always cut: macros of the template's top level stand in it.
    m_macroScopes.push_back(scope);
    std::string out;
    static_cast<void>(execute(program, scope, out));
    return out;
}

// --- statements -----------------------------------------------------------------------------------------------------

Interpreter::Flow Interpreter::execute(const Block& block, const ScopePtr& scope, std::string& out) {
    for (const auto& statement : block) {
        if (const Flow flow = executeOne(*statement, scope, out); flow != Flow::Normal) return flow;
    }
    return Flow::Normal;
}

Interpreter::Flow Interpreter::executeOne(const Statement& statement, const ScopePtr& scope, std::string& out) {
    const Level level(*this);
    charge();
    const auto inner = [&scope] {
        auto child = std::make_shared<Scope>();
        child->parent = scope;
        return child;
    };
    switch (statement.kind) {
    case StatementKind::Text: write(out, statement.text); break;
    case StatementKind::Output: write(out, evaluate(*statement.expression, scope).str()); break;
    case StatementKind::If:
        for (const auto& [condition, body] : statement.branches) {
            if (evaluate(*condition, scope).truthy()) return execute(body, scope, out);
        }
        return execute(statement.otherwise, scope, out);
    case StatementKind::For: return executeFor(statement, evaluate(*statement.expression, scope), scope, out, 0);
    case StatementKind::Set: assign(*statement.targets.front(), evaluate(*statement.expression, scope), scope); break;
    case StatementKind::SetBlock:
    case StatementKind::FilterBlock: {
        std::string captured;
        const Flow flow = execute(statement.body, inner(), captured);
        Value value = text(std::move(captured));
        // The innermost filter of the chain has no operand: the captured text is its input.
        std::vector<const Expression*> filters;
        for (const Expression* filter = statement.expression.get(); filter != nullptr; filter = filter->operands.front().get()) filters.push_back(filter);
        for (auto filter = filters.rbegin(); filter != filters.rend(); ++filter) {
            value = applyFilter((*filter)->name, value, evaluateArguments((*filter)->arguments, scope), (*filter)->line);
        }
        if (statement.kind == StatementKind::SetBlock) {
            assign(*statement.targets.front(), value, scope);
        } else {
            write(out, value.str());
        }
        return flow;
    }
    case StatementKind::Macro: scope->names.insert_or_assign(statement.text, makeMacro(statement, scope, statement.text)); break;
    case StatementKind::CallBlock: {
        const Expression& callee = *statement.expression;
        Arguments arguments = evaluateArguments(callee.arguments, scope);
        arguments.named.emplace_back("caller", makeMacro(statement, scope, "caller"));
        write(out, call(evaluate(*callee.operands.front(), scope), arguments).str());
        break;
    }
    case StatementKind::With: {
        const ScopePtr child = inner();
        for (std::size_t i = 0; i < statement.targets.size(); ++i) assign(*statement.targets[i], evaluate(*statement.values[i], scope), child);
        return execute(statement.body, child, out);
    }
    case StatementKind::Group: return execute(statement.body, scope, out);
    case StatementKind::Break: return Flow::Break;
    case StatementKind::Continue: return Flow::Continue;
    }
    return Flow::Normal;
}

void Interpreter::assign(const Expression& target, const Value& value, const ScopePtr& scope) {
    if (target.kind == ExpressionKind::Name) {
        scope->names.insert_or_assign(target.name, value);
        return;
    }
    if (target.kind == ExpressionKind::Attribute) {
        const Value owner = lookUp(target.operands.front()->name, scope);
        NamespaceObject* space = owner.space();
        if (space == nullptr) raise("cannot assign attribute on non-namespace object");
        if (Value* existing = space->find(target.name)) {
            *existing = value;
        } else {
            space->attributes.emplace_back(target.name, value);
        }
        return;
    }
    const std::vector<Value> parts = iterate(value);
    if (parts.size() != target.operands.size()) raise(fmt::format("{} values to unpack into {} names", parts.size(), target.operands.size()));
    for (std::size_t i = 0; i < parts.size(); ++i) assign(*target.operands[i], parts[i], scope);
}

Interpreter::Flow Interpreter::executeFor(const Statement& statement, const Value& iterable, const ScopePtr& scope, std::string& out, int depth) {
    const Level level(*this);
    std::vector<Value> items = iterate(iterable);
    const auto childWith = [&](const Value& item) {
        auto child = std::make_shared<Scope>();
        child->parent = scope;
        assign(*statement.targets.front(), item, child);
        return child;
    };
    if (statement.condition) {
        std::vector<Value> kept;
        for (const Value& item : items) {
            if (evaluate(*statement.condition, childWith(item)).truthy()) kept.push_back(item);
        }
        items = std::move(kept);
    }
    if (items.empty()) return execute(statement.otherwise, scope, out);
    for (std::size_t i = 0; i < items.size(); ++i) {
        charge();
        const ScopePtr child = childWith(items[i]);
        child->names.insert_or_assign("loop", makeLoop(statement, items, i, scope, depth));
        if (execute(statement.body, child, out) == Flow::Break) break;
    }
    return Flow::Normal;
}

Value Interpreter::makeLoop(const Statement& statement, const std::vector<Value>& items, std::size_t index, const ScopePtr& scope, int depth) {
    struct Loop {
        std::vector<std::pair<std::string_view, Value>> attributes;
    };
    const auto count = static_cast<std::int64_t>(items.size());
    const auto at = static_cast<std::int64_t>(index);
    auto loop = std::make_shared<Loop>();
    loop->attributes = {
        {"index", at + 1},
        {"index0", at},
        {"revindex", count - at},
        {"revindex0", count - at - 1},
        {"first", index == 0},
        {"last", at + 1 == count},
        {"length", count},
        {"depth", depth + 1},
        {"depth0", depth},
        {"previtem", index > 0 ? items[index - 1] : Value::undefined("there is no previous item")},
        {"nextitem", index + 1 < items.size() ? items[index + 1] : Value::undefined("there is no next item")},
        {"cycle", makeFunction("cycle", [index](Interpreter&, const Arguments& arguments) -> Value {
             if (arguments.positional.empty()) raise("no items for cycling given");
             return arguments.positional[index % arguments.positional.size()];
         })},
    };
    auto function = std::make_shared<FunctionObject>();
    function->name = "loop";
    function->attribute = [loop](std::string_view name) -> const Value* {
        const auto found = std::ranges::find(loop->attributes, name, &std::pair<std::string_view, Value>::first);
        return found == loop->attributes.end() ? nullptr : &found->second;
    };
    if (statement.recursive) {
        // loop(children) renders the same body one level deeper. The scope outlives the loop object: it is on the stack of executeFor.
        function->call = [&statement, weak = std::weak_ptr<Scope>(scope), depth](Interpreter& self, const Arguments& arguments) -> Value {
            const ScopePtr outer = weak.lock();
            if (!outer) raise("the loop has ended");
            std::string out;
            static_cast<void>(self.executeFor(statement, required(arguments, 0, "iterable"), outer, out, depth + 1));
            return self.text(std::move(out));
        };
    } else {
        function->call = [](Interpreter&, const Arguments&) -> Value { raise("this loop is not recursive"); };
    }
    return Value(std::shared_ptr<const FunctionObject>(std::move(function)));
}

Value Interpreter::makeMacro(const Statement& statement, const ScopePtr& scope, std::string name) {
    if (m_macroScopes.back() != scope) m_macroScopes.push_back(scope);
    return makeFunction(name, [&statement, scope, name](Interpreter& self, const Arguments& arguments) { return self.callMacro(statement, scope, name, arguments); });
}

Value Interpreter::callMacro(const Statement& statement, const ScopePtr& closure, const std::string& name, const Arguments& arguments) {
    const Level level(*this);
    auto scope = std::make_shared<Scope>();
    scope->parent = closure;
    const std::vector<Parameter>& parameters = statement.parameters;
    const std::size_t given = std::min(arguments.positional.size(), parameters.size());
    std::vector<std::pair<std::string, Value>> extra;
    for (const auto& [key, value] : arguments.named) {
        const auto parameter = std::ranges::find(parameters, key, &Parameter::name);
        if (parameter != parameters.end()) {
            scope->names.insert_or_assign(key, value);
        } else if (key == "caller") {
            scope->names.insert_or_assign(key, value);
        } else {
            extra.emplace_back(key, value);
        }
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (i < given) {
            scope->names.insert_or_assign(parameters[i].name, arguments.positional[i]);
        } else if (!scope->names.contains(parameters[i].name)) {
            Value value = parameters[i].defaultValue ? evaluate(*parameters[i].defaultValue, scope)
                                                     : Value::undefined(fmt::format("parameter '{}' was not provided", parameters[i].name));
            scope->names.insert_or_assign(parameters[i].name, std::move(value));
        }
    }
    std::vector<Value> rest(arguments.positional.begin() + static_cast<std::ptrdiff_t>(given), arguments.positional.end());
    auto kwargs = std::make_shared<DictObject>();
    for (auto& [key, value] : extra) kwargs->set(Value(key), std::move(value));
    scope->names.try_emplace("varargs", Value::sequence(std::move(rest), SequenceKind::Tuple));
    scope->names.try_emplace("kwargs", Value(std::shared_ptr<const DictObject>(std::move(kwargs))));
    std::string out;
    static_cast<void>(name);
    static_cast<void>(execute(statement.body, scope, out));
    return text(std::move(out));
}

// --- expressions ----------------------------------------------------------------------------------------------------

Value Interpreter::lookUp(const std::string& name, const ScopePtr& scope) {
    if (const Value* value = scope->find(name)) return *value;
    if (const auto at = m_globals.find(name); at != m_globals.end()) return at->second;
    return Value::undefined(fmt::format("'{}' is undefined", name));
}

Value Interpreter::evaluate(const Expression& expression, const ScopePtr& scope) {
    const Level level(*this);
    charge();
    return evaluateUnguarded(expression, scope);
}

Value Interpreter::evaluateUnguarded(const Expression& expression, const ScopePtr& scope) {
    const auto operand = [&](std::size_t i) { return evaluate(*expression.operands[i], scope); };
    const auto optional = [&](std::size_t i) { return expression.operands[i] ? operand(i) : Value(); };
    switch (expression.kind) {
    case ExpressionKind::Constant: return expression.constant;
    case ExpressionKind::Name: return lookUp(expression.name, scope);
    case ExpressionKind::List:
    case ExpressionKind::Tuple: {
        std::vector<Value> items;
        for (const auto& item : expression.operands) items.push_back(evaluate(*item, scope));
        return Value::sequence(std::move(items), expression.kind == ExpressionKind::List ? SequenceKind::List : SequenceKind::Tuple);
    }
    case ExpressionKind::Dict: {
        auto dict = std::make_shared<DictObject>();
        for (std::size_t i = 0; i + 1 < expression.operands.size(); i += 2) dict->set(operand(i), operand(i + 1));
        return Value(std::shared_ptr<const DictObject>(std::move(dict)));
    }
    case ExpressionKind::Negate: {
        const Value value = operand(0);
        if (value.isUndefined()) raise(value.undefinedWhat());
        if (value.isFloat()) return -value.number();
        return evaluateBinary(Operation::Subtract, Value(0), value);
    }
    case ExpressionKind::Plus: {
        const Value value = operand(0);
        if (!value.isNumber()) raise(fmt::format("bad operand type for unary +: '{}'", value.typeName()));
        return value;
    }
    case ExpressionKind::Not: return !operand(0).truthy();
    case ExpressionKind::And: {
        Value left = operand(0);
        return left.truthy() ? operand(1) : left;
    }
    case ExpressionKind::Or: {
        Value left = operand(0);
        return left.truthy() ? left : operand(1);
    }
    case ExpressionKind::Binary: {
        const Value left = operand(0);
        return evaluateBinary(expression.operation, left, operand(1));
    }
    case ExpressionKind::Compare: {
        Value left = operand(0);
        for (std::size_t i = 0; i < expression.operations.size(); ++i) {
            Value right = operand(i + 1);
            if (!evaluateComparison(expression.operations[i], left, right)) return false;
            left = std::move(right);
        }
        return true;
    }
    case ExpressionKind::Conditional:
        if (operand(1).truthy()) return operand(0);
        return expression.operands[2] ? operand(2) : Value::undefined("the inline if-expression evaluated to false and no else section was defined");
    case ExpressionKind::Attribute: return attribute(operand(0), expression.name);
    case ExpressionKind::Subscript: {
        const Value value = operand(0);
        return subscript(value, operand(1));
    }
    case ExpressionKind::Slice: {
        const Value value = operand(0);
        const Value start = optional(1);
        const Value stop = optional(2);
        return evaluateSlice(value, start, stop, optional(3));
    }
    case ExpressionKind::Call: {
        const Value callee = operand(0);
        return call(callee, evaluateArguments(expression.arguments, scope));
    }
    case ExpressionKind::Filter: {
        const Value input = operand(0);
        return applyFilter(expression.name, input, evaluateArguments(expression.arguments, scope), expression.line);
    }
    case ExpressionKind::Test: {
        const Value input = operand(0);
        return applyTest(expression.name, input, evaluateArguments(expression.arguments, scope), expression.line);
    }
    }
    return {};
}

Arguments Interpreter::evaluateArguments(const CallArguments& arguments, const ScopePtr& scope) {
    Arguments out;
    for (const auto& argument : arguments.positional) out.positional.push_back(evaluate(*argument, scope));
    if (arguments.spread) {
        for (Value& value : iterate(evaluate(*arguments.spread, scope))) out.positional.push_back(std::move(value));
    }
    for (const auto& [name, argument] : arguments.named) out.named.emplace_back(name, evaluate(*argument, scope));
    if (arguments.spreadNamed) {
        const Value spread = evaluate(*arguments.spreadNamed, scope);
        if (spread.dict() == nullptr) raise("argument after ** must be a mapping");
        for (const auto& [key, value] : spread.dict()->entries) out.named.emplace_back(key.str(), value);
    }
    return out;
}

Value Interpreter::evaluateBinary(Operation operation, const Value& left, const Value& right) {
    if (operation == Operation::Concatenate) return text(left.str() + right.str());
    if (left.isUndefined()) raise(left.undefinedWhat());
    if (right.isUndefined()) raise(right.undefinedWhat());
    if (operation == Operation::Modulo && left.isString()) return text(jinja::findMethod(left, "__mod__")(*this, left, {{right}, {}}).str());
    const SequenceObject* leftItems = left.sequenceObject();
    const SequenceObject* rightItems = right.sequenceObject();
    if (operation == Operation::Add) {
        if (left.isString() && right.isString()) {
            if (!left.isMarkup() && !right.isMarkup()) return text(left.text() + right.text());
            const auto part = [](const Value& side) { return side.isMarkup() ? side.text() : escaped(side.text()); };
            charge(left.text().size() + right.text().size());
            return Value::markup(part(left) + part(right));
        }
        if (left.isString()) raise(fmt::format("can only concatenate str (not \"{}\") to str", right.typeName()));
        if (leftItems != nullptr && rightItems != nullptr && leftItems->kind == rightItems->kind && leftItems->kind <= SequenceKind::Tuple) {
            std::vector<Value> items = leftItems->items;
            items.insert(items.end(), rightItems->items.begin(), rightItems->items.end());
            charge(items.size() * sizeof(Value));
            if (items.size() > kMostItems) throw Failure{ErrorCode::TemplateLimit, "a list that is too long"};
            return Value::sequence(std::move(items), leftItems->kind);
        }
    }
    if (operation == Operation::Multiply && ((left.isString() || leftItems != nullptr) && right.isInteger())) {
        const auto count = static_cast<std::size_t>(std::max<std::int64_t>(right.integer(), 0));
        const std::size_t unit = left.isString() ? left.text().size() : leftItems->items.size() * sizeof(Value);
        if (unit != 0 && count > m_limits.outputBytes / unit) throw Failure{ErrorCode::TemplateLimit, "a repetition that is too long"};
        charge(unit * count);
        if (left.isString()) {
            std::string out;
            for (std::size_t i = 0; i < (unit == 0 ? 0 : count); ++i) out += left.text();
            return Value(std::move(out));
        }
        std::vector<Value> items;
        for (std::size_t i = 0; i < (unit == 0 ? 0 : count); ++i) items.insert(items.end(), leftItems->items.begin(), leftItems->items.end());
        return Value::sequence(std::move(items), leftItems->kind);
    }
    if (operation == Operation::Multiply && left.isInteger() && (right.isString() || rightItems != nullptr)) return evaluateBinary(operation, right, left);
    if (!left.isNumber() || !right.isNumber()) {
        raise(fmt::format("unsupported operand types: '{}' and '{}'", left.typeName(), right.typeName()));
    }
    const bool divides = operation == Operation::Divide || operation == Operation::FloorDivide || operation == Operation::Modulo;
    if (divides && right.number() == 0.0) raise("division by zero");
    if (left.isFloat() || right.isFloat() || operation == Operation::Divide) {
        const double a = left.number();
        const double b = right.number();
        switch (operation) {
        case Operation::Add: return a + b;
        case Operation::Subtract: return a - b;
        case Operation::Multiply: return a * b;
        case Operation::Divide: return a / b;
        case Operation::FloorDivide: return std::floor(a / b);
        case Operation::Modulo: return a - b * std::floor(a / b);
        default: return std::pow(a, b);
        }
    }
    const std::int64_t a = left.integer();
    const std::int64_t b = right.integer();
    std::int64_t result = 0;
    bool overflow = false;
    switch (operation) {
    case Operation::Add: overflow = __builtin_add_overflow(a, b, &result); break;
    case Operation::Subtract: overflow = __builtin_sub_overflow(a, b, &result); break;
    case Operation::Multiply: overflow = __builtin_mul_overflow(a, b, &result); break;
    case Operation::Power: return integerPower(a, b);
    default:
        overflow = a == INT64_MIN && b == -1;
        if (!overflow) result = operation == Operation::FloorDivide ? floorDivide(a, b) : a - b * floorDivide(a, b);
    }
    if (overflow) throw Failure{ErrorCode::TemplateLimit, "an integer outgrew 64 bits"};
    return result;
}

bool Interpreter::evaluateComparison(Operation operation, const Value& left, const Value& right) {
    switch (operation) {
    case Operation::Equal: return left.equals(right);
    case Operation::NotEqual: return !left.equals(right);
    case Operation::Less: return left.compare(right) < 0;
    case Operation::LessEqual: return left.compare(right) <= 0;
    case Operation::Greater: return left.compare(right) > 0;
    case Operation::GreaterEqual: return left.compare(right) >= 0;
    case Operation::NotIn: return !evaluateComparison(Operation::In, left, right);
    default: break;
    }
    if (right.isString()) {
        if (!left.isString()) raise(fmt::format("'in <string>' requires string as left operand, not {}", left.typeName()));
        charge(right.text().size());
        return right.text().find(left.text()) != std::string::npos;
    }
    if (const DictObject* dict = right.dict()) return dict->find(left) != nullptr;
    if (const SequenceObject* items = right.sequenceObject()) {
        charge(items->items.size() * 8);
        return std::ranges::any_of(items->items, [&left](const Value& item) { return item.equals(left); });
    }
    if (right.isUndefined()) return false;
    raise(fmt::format("argument of type '{}' is not iterable", right.typeName()));
}

Value Interpreter::evaluateSlice(const Value& value, const Value& start, const Value& stop, const Value& step) {
    if (value.isUndefined()) raise(value.undefinedWhat());
    const SequenceObject* object = value.sequenceObject();
    const bool sliceable = value.isString() || (object != nullptr && object->kind <= SequenceKind::Tuple);
    if (!sliceable) raise(fmt::format("'{}' object is not subscriptable", value.typeName()));
    const std::vector<Value> items = iterate(value);
    charge(items.size() * 8);
    const auto count = static_cast<std::int64_t>(items.size());
    const std::int64_t stride = step.isNone() ? 1 : step.integer();
    if (stride == 0) raise("slice step cannot be zero");
    const auto place = [&](const Value& index, std::int64_t absent) {
        if (index.isNone()) return absent;
        const std::int64_t at = index.integer();
        const std::int64_t low = stride > 0 ? 0 : -1;
        return clampedIndex(at < 0 ? at + count : at, low, stride > 0 ? count : count - 1);
    };
    const std::int64_t begin = place(start, stride > 0 ? 0 : count - 1);
    const std::int64_t end = place(stop, stride > 0 ? count : -1);
    std::vector<Value> picked;
    for (std::int64_t i = begin; stride > 0 ? i < end : i > end; i += stride) picked.push_back(items[static_cast<std::size_t>(i)]);
    if (!value.isString()) return Value::sequence(std::move(picked), object->kind);
    std::string out;
    for (const Value& letter : picked) out += letter.text();
    return Value(std::move(out));
}

Value Interpreter::attribute(const Value& value, const std::string& name) {
    if (value.isUndefined()) raise(value.undefinedWhat());
    if (NamespaceObject* space = value.space()) {
        if (const Value* found = space->find(name)) return *found;
    } else if (const FunctionObject* function = value.function()) {
        if (function->attribute) {
            if (const Value* found = function->attribute(name)) return *found;
        }
        if (name == "name") return function->name;
    } else {
        // As Python's getattr: methods come before the keys of a dict.
        if (const Method method = findMethod(value, name)) {
            return makeFunction(name, [self = value, method](Interpreter& interpreter, const Arguments& arguments) { return method(interpreter, self, arguments); });
        }
        if (const DictObject* dict = value.dict()) {
            if (const Value* found = dict->find(std::string_view(name))) return *found;
        }
    }
    return Value::undefined(fmt::format("'{} object' has no attribute '{}'", value.typeName(), name));
}

Value Interpreter::subscript(const Value& value, const Value& key) {
    if (value.isUndefined()) raise(value.undefinedWhat());
    if (const DictObject* dict = value.dict()) {
        if (const Value* found = dict->find(key)) return *found;
        if (key.isString()) {
            if (const Method method = findMethod(value, key.text())) {
                return makeFunction(key.text(), [self = value, method](Interpreter& interpreter, const Arguments& arguments) { return method(interpreter, self, arguments); });
            }
        }
        return Value::undefined(fmt::format("'dict object' has no attribute {}", key.repr()));
    }
    const SequenceObject* object = value.sequenceObject();
    const bool indexable = value.isString() || (object != nullptr && object->kind <= SequenceKind::Tuple);
    if (indexable && (key.isInteger() || key.isBool())) {
        charge(value.isString() ? value.text().size() : 0);
        const auto pick = [&](std::int64_t count) { return key.integer() < 0 ? key.integer() + count : key.integer(); };
        if (value.isString()) {
            const std::vector<std::string> letters = characters(value.text());
            const std::int64_t at = pick(static_cast<std::int64_t>(letters.size()));
            if (at >= 0 && at < static_cast<std::int64_t>(letters.size())) return letters[static_cast<std::size_t>(at)];
        } else {
            const std::int64_t at = pick(static_cast<std::int64_t>(object->items.size()));
            if (at >= 0 && at < static_cast<std::int64_t>(object->items.size())) return object->items[static_cast<std::size_t>(at)];
        }
        return Value::undefined(fmt::format("{} object has no element {}", value.typeName(), key.repr()));
    }
    if (key.isString()) return attribute(value, key.text());
    return Value::undefined(fmt::format("{} object has no element {}", value.typeName(), key.repr()));
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
    const Level level(*this);
    charge();
    if (callee.isUndefined()) raise(callee.undefinedWhat());
    const FunctionObject* function = callee.function();
    if (function == nullptr) raise(fmt::format("'{}' object is not callable", callee.typeName()));
    // A copy: the function may be replaced in its scope while it runs.
    const Value held = callee;
    return held.function()->call(*this, arguments);
}

Value Interpreter::applyFilter(std::string_view name, const Value& input, const Arguments& arguments, int line) {
    const Filter filter = findFilter(name);
    if (filter == nullptr) throw Failure{ErrorCode::TemplateRuntime, fmt::format("line {}: no filter named '{}'", line, name)};
    charge(input.isString() ? input.text().size() : 0);
    Value result = filter(*this, input, arguments);
    if (result.isString()) charge(result.text().size());
    return result;
}

bool Interpreter::applyTest(std::string_view name, const Value& input, const Arguments& arguments, int line) {
    const Test test = findTest(name);
    if (test == nullptr) throw Failure{ErrorCode::TemplateRuntime, fmt::format("line {}: no test named '{}'", line, name)};
    return test(*this, input, arguments);
}

} // namespace hearth::core::jinja
