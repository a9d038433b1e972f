#pragma once

/// What there is to write in an expression, from the registries.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace tidemill {

struct FunctionEntry {
  std::string name;
  std::vector<std::string> aliases;
  std::string kind;  ///< "aggregate" | "scalar" | "operator" | "check"
  std::string signature;
  std::string summary;
  std::string null_rule;  ///< aggregates
  std::string example;
  std::string result;  ///< of the example; may be empty
};

/// Aggregates, scalar functions, operators, functions of checks.
std::vector<FunctionEntry> AllFunctions();

/// The entry of a name or alias, without regard to case.
std::optional<FunctionEntry> FindFunction(const std::string& name);

/// One line of at most `width` cells for each: the first sentence of what it does.
std::string RenderFunctionList(const std::vector<FunctionEntry>& functions, int width,
                               bool has_colour);

/// All about one.
std::string RenderFunction(const FunctionEntry& function, int width, bool has_colour);

/// The page docs/reference/functions.md.
std::string FunctionsMarkdown(const std::vector<FunctionEntry>& functions);

nlohmann::ordered_json ToJson(const FunctionEntry& function);

}  // namespace tidemill
