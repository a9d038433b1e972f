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
    RegisterCovariances(built);
    RegisterShapes(built);
    RegisterPercentiles(built);
    RegisterApproximatePercentiles(built);
    RegisterCardinalities(built);
    RegisterMultisets(built);
    RegisterCollectLists(built);
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
    const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
    const Constants& constants) const {
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
  const auto columns = static_cast<size_t>(function->num_arguments);
  const size_t least = columns + static_cast<size_t>(function->min_constants);
  const size_t most = columns + static_cast<size_t>(function->max_constants);
  const size_t given = arguments.size() + constants.size();
  if (given < least || given > most || arguments.size() != columns) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("{} takes {} argument{}, not {}", lower_name, least,
                                 least == 1 ? "" : "s", given),
                     fmt::format("write {}", function->doc.signature));
  }
  for (const auto& argument : arguments) {
    ARROW_RETURN_NOT_OK(ArgumentKindOf(*argument));
  }
  ARROW_ASSIGN_OR_RAISE(AggregateKernel kernel, function->resolve(arguments));
  kernel.distinct_is_noop |= function->distinct_is_noop;
  if (!constants.empty()) {
    ARROW_ASSIGN_OR_RAISE(kernel.constants, function->check_constants(constants));
  }
  return kernel;
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
    const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
    const Constants& constants) const {
  if (distinct && star) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("{}(distinct *) says distinct what?", lower_name),
                     fmt::format("name a column: {}(distinct x)", lower_name));
  }
  ARROW_ASSIGN_OR_RAISE(AggregateKernel kernel, Resolve(lower_name, star, arguments, constants));
  if (distinct) {
    const AggregateFunction& function = *Find(lower_name);
    if (!function.distinct_hint.empty()) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("{}(distinct ...) is not supported", lower_name),
                       function.distinct_hint);
    }
    // Distinct texts are told apart by their hashes, and only counted.
    ARROW_ASSIGN_OR_RAISE(const ArgumentKind kind, ArgumentKindOf(*arguments[0]));
    if (kind == ArgumentKind::kBytes && function.name != "count" && !kernel.distinct_is_noop) {
      return MakeError(
          ErrorCode::kInvalid,
          fmt::format("{}(distinct {}) is not supported", lower_name, TypeName(*arguments[0])),
          "leave DISTINCT out, or use min or max");
    }
  }
  return kernel.result_type;
}

int AggregateRegistry::NumColumns(const std::string& lower_name) const {
  const AggregateFunction* function = Find(lower_name);
  return function == nullptr || function->max_constants == 0 ? -1 : function->num_arguments;
}

std::shared_ptr<arrow::DataType> AggregateRegistry::ArgumentType(
    const std::string& lower_name, const std::shared_ptr<arrow::DataType>& type) const {
  const AggregateFunction* function = Find(lower_name);
  if (function == nullptr || !function->coerce) return type;
  const auto wanted = function->coerce(type);
  return wanted == nullptr ? type : wanted;
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
