#include "sql/function_registry.h"

namespace tidemill {

const ScalarRegistry& ScalarRegistry::Default() {
  static const ScalarRegistry* const registry = [] {
    auto* all = new ScalarRegistry;
    RegisterComparisons(all);
    RegisterLogic(all);
    RegisterConditionals(all);
    RegisterArithmetic(all);
    RegisterMath(all);
    RegisterStrings(all);
    RegisterPatterns(all);
    RegisterTimes(all);
    RegisterDates(all);
    RegisterCasts(all);
    RegisterLists(all);
    return all;
  }();
  return *registry;
}

const ScalarFunction* ScalarRegistry::Find(const std::string& lower_name) const {
  const auto found = by_name_.find(lower_name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<const ScalarFunction*> ScalarRegistry::functions() const {
  std::vector<const ScalarFunction*> all;
  for (const auto& function : functions_) all.push_back(function.get());
  return all;
}

std::vector<std::string> ScalarRegistry::Names() const {
  std::vector<std::string> names;
  for (const auto& function : functions_) {
    if (!function->doc.signature.empty()) names.push_back(function->name);
  }
  return names;
}

void ScalarRegistry::Add(ScalarFunction function) {
  functions_.push_back(std::make_unique<ScalarFunction>(std::move(function)));
  const ScalarFunction* added = functions_.back().get();
  by_name_[added->name] = added;
  for (const std::string& alias : added->aliases) by_name_[alias] = added;
}

}  // namespace tidemill
