// SPDX-License-Identifier: Apache-2.0
//
// Interpreter: walks the syntax tree of a template. One per render. Everything that a template can make grow (steps,
// time, output, text, nesting) is charged and limited here.
#pragma once

#include "core/chat/chat_template.h"
#include "core/chat/jinja/ast.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hearth::core::jinja {

/// Names of one block of the template; looked up outwards.
struct Scope {
    std::shared_ptr<Scope> parent;
    std::unordered_map<std::string, Value> names;

    [[nodiscard]] const Value* find(const std::string& name) const;
};
using ScopePtr = std::shared_ptr<Scope>;

class Interpreter {
public:
    Interpreter(const TemplateLimits& limits, std::chrono::system_clock::time_point now);
    ~Interpreter();
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    /// Throws Failure.
    [[nodiscard]] std::string run(const Block& program, const nlohmann::ordered_json& context);

    // --- for built-ins ------------------------------------------------------------------------------------------
    [[nodiscard]] Value call(const Value& callee, const Arguments& arguments);
    [[nodiscard]] Value applyFilter(std::string_view name, const Value& input, const Arguments& arguments, int line);
    [[nodiscard]] bool applyTest(std::string_view name, const Value& input, const Arguments& arguments, int line);
    [[nodiscard]] Value attribute(const Value& value, const std::string& name);      ///< value.name
    [[nodiscard]] Value subscript(const Value& value, const Value& key);             ///< value[key]
    /// Counts work: a step, and one more for each 64 bytes made. Throws TemplateLimit.
    void charge(std::size_t bytes = 0);
    [[nodiscard]] std::chrono::system_clock::time_point now() const { return m_now; }
    /// A namespace whose reference cycles are cut when the render ends.
    [[nodiscard]] Value makeNamespace(std::vector<std::pair<std::string, Value>> attributes);

private:
    enum class Flow : std::uint8_t { Normal, Break, Continue };
    struct Level;

    [[nodiscard]] Flow execute(const Block& block, const ScopePtr& scope, std::string& out);
    [[nodiscard]] Flow executeOne(const Statement& statement, const ScopePtr& scope, std::string& out);
    [[nodiscard]] Flow executeFor(const Statement& statement, const Value& iterable, const ScopePtr& scope, std::string& out, int depth);
    void assign(const Expression& target, const Value& value, const ScopePtr& scope);
    [[nodiscard]] Value makeMacro(const Statement& statement, const ScopePtr& scope, std::string name);
    [[nodiscard]] Value callMacro(const Statement& statement, const ScopePtr& closure, const std::string& name, const Arguments& arguments);
    [[nodiscard]] Value makeLoop(const Statement& statement, const std::vector<Value>& items, std::size_t index, const ScopePtr& scope, int depth);
    void write(std::string& out, std::string_view text);

    [[nodiscard]] Value evaluate(const Expression& expression, const ScopePtr& scope);
    [[nodiscard]] Value evaluateUnguarded(const Expression& expression, const ScopePtr& scope);
    [[nodiscard]] Arguments evaluateArguments(const CallArguments& arguments, const ScopePtr& scope);
    [[nodiscard]] Value evaluateBinary(Operation operation, const Value& left, const Value& right);
    [[nodiscard]] bool evaluateComparison(Operation operation, const Value& left, const Value& right);
    [[nodiscard]] Value evaluateSlice(const Value& value, const Value& start, const Value& stop, const Value& step);
    [[nodiscard]] Value lookUp(const std::string& name, const ScopePtr& scope);
    [[nodiscard]] Value text(std::string value); ///< charged

    const TemplateLimits& m_limits;
    std::chrono::system_clock::time_point m_now;
    std::chrono::steady_clock::time_point m_deadline;
    std::size_t m_steps = 0;
    std::size_t m_stepsAtLastClock = 0;
    int m_depth = 0;
    std::unordered_map<std::string, Value> m_globals;
    std::vector<ScopePtr> m_macroScopes;                     ///< macros point back at them: cut at the end
    std::vector<std::shared_ptr<NamespaceObject>> m_spaces;  ///< may contain themselves: cut at the end
};

} // namespace hearth::core::jinja
