#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sql/binder.h"

namespace tidemill {

arrow::Result<ExpressionPtr> Binder::BindAggregate(const SyntaxNode& node,
                                                   const std::string& name) {
  if (place_ == Place::kRows) {
    return Error(node, "the aggregate " + name + " cannot stand here: this is computed per row",
                 "put it into a feature or a check");
  }
  if (place_ == Place::kAggregate) {
    return Error(node, "the aggregate " + name + " cannot stand inside another aggregate",
                 "give the inner one a name as a feature, or aggregate a column");
  }
  AggregateCall call;
  call.function = name;
  call.distinct = node.distinct;
  call.offset = node.offset;
  place_ = Place::kAggregate;
  const arrow::Status parts = BindParts(node, name, &call);
  place_ = Place::kResults;
  ARROW_RETURN_NOT_OK(parts);

  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const ExpressionPtr& argument : call.arguments) types.push_back(argument->type);
  auto type = scope_.aggregates->ResultType(name, call.distinct, call.star, types, call.constants);
  if (!type.ok()) {
    const Diagnostic fault = DiagnosticsOf(type.status()).front();
    return Error(
        node, fault.message,
        fault.hint.empty() ? "see the function's signature, or cast the argument" : fault.hint);
  }
  call.type = *std::move(type);
  call.key = KeyOf(call);
  const auto same = std::find_if(aggregates_.begin(), aggregates_.end(),
                                 [&](const AggregateCall& other) { return other.key == call.key; });
  const auto index = static_cast<int>(same - aggregates_.begin());
  ExpressionPtr reference = AggregateExpression(index, call);
  if (same == aggregates_.end()) aggregates_.push_back(std::move(call));
  return reference;
}

arrow::Status Binder::BindParts(const SyntaxNode& node, const std::string& name,
                                AggregateCall* call) {
  const int num_columns = scope_.aggregates->NumColumns(name);
  for (const SyntaxPtr& child : node.children) {
    if (child->kind == SyntaxNode::Kind::kStar) {
      if (name != "count") {
        return Error(*child, "* stands only in count(*)", "name the column: " + name + "(x)");
      }
      if (node.distinct) {
        return Error(*child, "count(distinct *) is not supported", "name the column");
      }
      call->star = true;
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(ExpressionPtr argument, BindNode(*child));
    if (argument->type->id() == arrow::Type::NA) {
      return Error(*child, "the type of this NULL is unknown",
                   "cast it: cast(null as double precision)");
    }
    const auto index = static_cast<int>(call->arguments.size() + call->constants.size());
    if (num_columns >= 0 && index >= num_columns) {
      if (argument->kind != Expression::Kind::kLiteral) {
        return Error(*child, "this argument of " + name + " must be a constant",
                     "write a number; ${NAME} takes one from the command line");
      }
      call->constants.push_back(argument->value);
      continue;
    }
    const auto type = scope_.aggregates->ArgumentType(name, argument->type);
    ARROW_ASSIGN_OR_RAISE(argument, CastTo(argument, type));
    call->arguments.push_back(std::move(argument));
  }
  if (node.filter == nullptr) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(call->filter, BindNode(*node.filter));
  if (call->filter->type->id() == arrow::Type::NA) {
    ARROW_ASSIGN_OR_RAISE(call->filter, CastTo(call->filter, arrow::boolean()));
  }
  if (call->filter->type->id() != arrow::Type::BOOL) {
    return Error(*node.filter,
                 "a FILTER needs a condition, and this is " + TypeName(*call->filter->type),
                 "compare it with a value");
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
