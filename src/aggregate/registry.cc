#include "aggregate/registry.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "sql/function_registry.h"
#include "tidemill/error.h"

namespace tidemill {

const AggregateRegistry& AggregateRegistry::Default() {
  static const AggregateRegistry* const registry = [] {
    auto* built = new AggregateRegistry;
    RegisterCounts(built);
    RegisterSums(built);
    RegisterExtremes(built);
    RegisterMoments(built);
    RegisterBooleans(built);
    RegisterChoices(built);
    return built;
  }();
  return *registry;
}

void AggregateRegistry::Add(AggregateFunction function) {
  assert(Find(function.name) == nullptr);
  functions_.push_back(std::move(function));
}

const AggregateFunction* AggregateRegistry::Find(const std::string& lower_name) const {
  for (const AggregateFunction& function : functions_) {
    if (function.name == lower_name) return &function;
    const auto& aliases = function.aliases;
    if (std::find(aliases.begin(), aliases.end(), lower_name) != aliases.end()) return &function;
  }
  return nullptr;
}

arrow::Result<AggregateKernel> AggregateRegistry::Resolve(
    const std::string& lower_name, bool star,
    const std::vector<std::shared_ptr<arrow::DataType>>& arguments) const {
  const AggregateFunction* function = Find(lower_name);
  if (function == nullptr) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("there is no aggregate function {}", lower_name));
  }
  if (star) {
    if (function->name == "count") return function->resolve({});
    return MakeError(ErrorCode::kInvalid, fmt::format("{}(*): only count takes *", lower_name),
                     fmt::format("write {}", function->doc.signature));
  }
  const auto wanted = static_cast<size_t>(function->num_arguments);
  if (arguments.size() != wanted) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("{} takes {} argument{}, not {}", lower_name, wanted,
                                 wanted == 1 ? "" : "s", arguments.size()),
                     fmt::format("write {}", function->doc.signature));
  }
  for (const auto& argument : arguments) {
    ARROW_RETURN_NOT_OK(ArgumentKindOf(*argument));
  }
  return function->resolve(arguments);
}

bool AggregateRegistry::Has(const std::string& lower_name) const {
  return Find(lower_name) != nullptr;
}

std::vector<std::string> AggregateRegistry::Names() const {
  std::vector<std::string> names;
  for (const AggregateFunction& function : functions_) {
    names.push_back(function.name);
    names.insert(names.end(), function.aliases.begin(), function.aliases.end());
  }
  return names;
}

arrow::Result<std::shared_ptr<arrow::DataType>> AggregateRegistry::ResultType(
    const std::string& lower_name, bool distinct, bool star,
    const std::vector<std::shared_ptr<arrow::DataType>>& arguments) const {
  if (distinct && star) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("{}(distinct *) says distinct what?", lower_name),
                     fmt::format("name a column: {}(distinct x)", lower_name));
  }
  ARROW_ASSIGN_OR_RAISE(AggregateKernel kernel, Resolve(lower_name, star, arguments));
  return kernel.result_type;
}

arrow::Result<ArgumentKind> ArgumentKindOf(const arrow::DataType& type) {
  using arrow::Type;
  switch (type.id()) {
    case Type::BOOL:
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64:
    case Type::DATE32:
    case Type::DATE64:
    case Type::TIMESTAMP:
    case Type::TIME32:
    case Type::TIME64:
      return ArgumentKind::kInt64;
    case Type::FLOAT:
    case Type::DOUBLE:
      return ArgumentKind::kDouble;
    case Type::DECIMAL128:
      return ArgumentKind::kInt128;
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::BINARY:
    case Type::LARGE_BINARY:
      return ArgumentKind::kBytes;
    case Type::NA:
      return MakeError(ErrorCode::kInvalid, "an aggregate of an untyped NULL has no type",
                       "give it one: cast(null as bigint)");
    default:
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("{} values cannot be aggregated", TypeName(type)),
                       "cast to a boolean, number, text, date or timestamp");
  }
}

}  // namespace tidemill
