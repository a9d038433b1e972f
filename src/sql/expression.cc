#include "sql/expression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <arrow/array/array_base.h>

#include "sql/function_registry.h"
#include "sql/source_text.h"

// Keys. Two expressions have the same key exactly if they are the same computation: the same
// functions over the same columns (by name and type, so that keys are the same for every file) and
// constants (by type and exact value). A name or a text stands in quotes with quotes and
// backslashes escaped, so that no two different trees read alike.

namespace tidemill {
namespace {

std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + quote;
}

template <typename T>
std::string ShortestText(T value) {
  if (value != value) return "nan";
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string ValueText(const arrow::Scalar& value) {
  if (!value.is_valid) return "null";
  switch (value.type->id()) {
    case arrow::Type::FLOAT:
      return ShortestText(static_cast<const arrow::FloatScalar&>(value).value);
    case arrow::Type::DOUBLE:
      return ShortestText(static_cast<const arrow::DoubleScalar&>(value).value);
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return Quoted(static_cast<const arrow::BaseBinaryScalar&>(value).view(), '\'');
    default:
      return Quoted(value.ToString(), '\'');
  }
}

std::string JoinKeys(const std::vector<ExpressionPtr>& expressions) {
  std::string joined;
  for (const ExpressionPtr& expression : expressions) {
    if (!joined.empty()) joined += ", ";
    joined += expression->key;
  }
  return joined;
}

std::string CallKey(const ScalarFunction& function, const std::vector<ExpressionPtr>& arguments,
                    const arrow::DataType& type) {
  if (function.name == "cast") return "cast(" + arguments[0]->key + " as " + type.ToString() + ")";
  return Quoted(function.name, '`') + "(" + JoinKeys(arguments) + ")";
}

arrow::Result<std::shared_ptr<arrow::Scalar>> Compute(const Expression& call) {
  std::vector<arrow::Datum> arguments;
  for (const ExpressionPtr& argument : call.arguments) arguments.emplace_back(argument->value);
  ARROW_ASSIGN_OR_RAISE(arrow::Datum result,
                        call.function->evaluate(arguments, {.call = &call, .num_rows = 1}));
  if (result.is_scalar()) return result.scalar();
  return result.make_array()->GetScalar(0);
}

void CollectColumnsOutside(const SyntaxPtr& node, const AggregateCatalog& aggregates,
                           std::vector<ColumnMention>* mentions) {
  if (node == nullptr) return;
  if (node->kind == SyntaxNode::Kind::kColumn) {
    mentions->push_back({node->text, node->quoted, node->offset});
  }
  if (node->kind == SyntaxNode::Kind::kCall && aggregates.Has(FoldIdentifier(node->text))) return;
  for (const SyntaxPtr& child : node->children) CollectColumnsOutside(child, aggregates, mentions);
}

}  // namespace

ExpressionPtr LiteralExpression(std::shared_ptr<arrow::Scalar> value) {
  auto literal = std::make_shared<Expression>();
  literal->kind = Expression::Kind::kLiteral;
  literal->type = value->type;
  literal->key = value->type->ToString() + " " + ValueText(*value);
  literal->value = std::move(value);
  return literal;
}

ExpressionPtr WithOffset(const ExpressionPtr& expression, int offset) {
  auto placed = std::make_shared<Expression>(*expression);
  placed->offset = offset;
  return placed;
}

ExpressionPtr ColumnExpression(int index, const std::string& name,
                               const std::shared_ptr<arrow::DataType>& type) {
  auto column = std::make_shared<Expression>();
  column->kind = Expression::Kind::kColumn;
  column->type = type->id() == arrow::Type::DICTIONARY
                     ? static_cast<const arrow::DictionaryType&>(*type).value_type()
                     : type;
  column->column = index;
  column->name = name;
  column->key = Quoted(name, '"') + ":" + column->type->ToString();
  return column;
}

ExpressionPtr AggregateExpression(int index, const AggregateCall& call) {
  auto aggregate = std::make_shared<Expression>();
  aggregate->kind = Expression::Kind::kAggregate;
  aggregate->type = call.type;
  aggregate->column = index;
  aggregate->name = call.function;
  aggregate->offset = call.offset;
  aggregate->key = call.key;
  return aggregate;
}

arrow::Result<ExpressionPtr> CallExpression(const ScalarFunction& function,
                                            std::vector<ExpressionPtr> arguments,
                                            std::shared_ptr<arrow::DataType> type, int offset) {
  auto call = std::make_shared<Expression>();
  call->kind = Expression::Kind::kCall;
  call->name = function.name;
  call->function = &function;
  call->offset = offset;
  call->type = std::move(type);
  call->arguments = std::move(arguments);
  const bool is_constant =
      std::all_of(call->arguments.begin(), call->arguments.end(),
                  [](const ExpressionPtr& a) { return a->kind == Expression::Kind::kLiteral; });
  if (is_constant) {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Scalar> value, Compute(*call));
    return WithOffset(LiteralExpression(std::move(value)), offset);
  }
  call->key = CallKey(function, call->arguments, *call->type);
  return call;
}

std::string KeyOf(const AggregateCall& call) {
  std::string key = "aggregate " + Quoted(call.function, '`') + "(";
  if (call.distinct) key += "distinct ";
  key += call.star ? "*" : JoinKeys(call.arguments);
  for (const auto& constant : call.constants) {
    key += ", constant " + constant->type->ToString() + " " + constant->ToString();
  }
  key += ")";
  if (call.filter != nullptr) key += " filter (" + call.filter->key + ")";
  return key;
}

arrow::Result<ExpressionPtr> CastTo(const ExpressionPtr& root,
                                    const std::shared_ptr<arrow::DataType>& type) {
  if (root->type->Equals(*type)) return root;
  if (root->kind == Expression::Kind::kLiteral && !root->value->is_valid) {
    return WithOffset(LiteralExpression(arrow::MakeNullScalar(type)), root->offset);
  }
  ARROW_RETURN_NOT_OK(CheckCast(*root->type, *type));
  const ScalarFunction* cast = ScalarRegistry::Default().Find("cast");
  return CallExpression(*cast, {root}, type, root->offset);
}

int FindColumn(const arrow::Schema& schema, const std::string& name, bool quoted) {
  const std::vector<int> exact = schema.GetAllFieldIndices(name);
  if (!exact.empty()) return exact.size() == 1 ? exact[0] : -2;
  if (quoted) return -1;
  const std::string folded = FoldIdentifier(name);
  int found = -1;
  for (int i = 0; i < schema.num_fields(); ++i) {
    if (FoldIdentifier(schema.field(i)->name()) != folded) continue;
    if (found >= 0) return -2;
    found = i;
  }
  return found;
}

void CollectColumns(const ExpressionPtr& root, std::vector<int>* columns) {
  if (root->kind == Expression::Kind::kColumn &&
      std::find(columns->begin(), columns->end(), root->column) == columns->end()) {
    columns->push_back(root->column);
  }
  for (const ExpressionPtr& argument : root->arguments) CollectColumns(argument, columns);
}

ExpressionPtr ReplaceLeaves(
    const ExpressionPtr& root,
    const std::function<ExpressionPtr(const Expression& leaf)>& replacement) {
  if (root->kind == Expression::Kind::kAggregate || root->kind == Expression::Kind::kColumn) {
    return replacement(*root);
  }
  if (root->arguments.empty()) return root;
  auto copy = std::make_shared<Expression>(*root);
  std::string key = root->name + ":" + root->type->ToString() + "(";
  for (ExpressionPtr& argument : copy->arguments) {
    argument = ReplaceLeaves(argument, replacement);
    key += argument->key + ",";
  }
  copy->key = key + ")";
  return copy;
}

bool UsesRunTimestamp(const ExpressionPtr& root) {
  return root->kind == Expression::Kind::kRunTimestamp ||
         std::any_of(root->arguments.begin(), root->arguments.end(), UsesRunTimestamp);
}

std::vector<ColumnMention> ColumnsOutsideAggregates(const SyntaxPtr& root,
                                                    const AggregateCatalog& aggregates) {
  std::vector<ColumnMention> mentions;
  CollectColumnsOutside(root, aggregates, &mentions);
  return mentions;
}

}  // namespace tidemill
