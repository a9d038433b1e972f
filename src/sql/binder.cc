#include "sql/binder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sql/cast_target.h"
#include "sql/literal_values.h"
#include "sql/source_text.h"

namespace tidemill {
namespace {

using Kind = SyntaxNode::Kind;

/// Trees of the parser are at most 200 deep; expansions may add to that.
constexpr int kMaxDepth = 1000;

bool IsOneOf(const std::string& name, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* n) { return name == n; });
}

/// Functions whose arguments meet in one type, so that 0.1 can be the decimal that it looks like.
bool MixesArguments(const std::string& name) {
  return IsOneOf(name,
                 {"=", "<>", "<", "<=", ">", ">=", "in", "is_distinct_from", "is_not_distinct_from",
                  "coalesce", "nullif", "greatest", "least", "case", "+", "-", "*", "%"});
}

std::string Plural(int count, const char* word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

bool IsInstant(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP &&
         !static_cast<const arrow::TimestampType&>(type).timezone().empty();
}

/// a and (b and c) is a and b and c.
std::vector<ExpressionPtr> Flatten(const std::string& name, std::vector<ExpressionPtr> arguments) {
  std::vector<ExpressionPtr> flat;
  for (ExpressionPtr& argument : arguments) {
    if (argument->kind == Expression::Kind::kCall && argument->name == name) {
      flat.insert(flat.end(), argument->arguments.begin(), argument->arguments.end());
    } else {
      flat.push_back(std::move(argument));
    }
  }
  return flat;
}

/// Beside a decimal, and where no double is, a literal like 0.1 is that decimal and not the nearest
/// double.
void MakeDecimalsExact(const SyntaxNode& node, const std::string& name,
                       std::vector<ExpressionPtr>* arguments) {
  const auto is_value = [&](size_t i) {
    return name != "case" || i % 2 == 1 || i + 1 == arguments->size();
  };
  const auto is_written_decimal = [&](size_t i) {
    return node.children[i]->kind == Kind::kDecimal &&
           (*arguments)[i]->kind == Expression::Kind::kLiteral;
  };
  bool any_decimal = false;
  for (size_t i = 0; i < arguments->size(); ++i) {
    if (!is_value(i) || is_written_decimal(i)) continue;
    const arrow::Type::type id = (*arguments)[i]->type->id();
    if (arrow::is_floating(id)) return;
    any_decimal |= arrow::is_decimal(id);
  }
  if (!any_decimal) return;
  for (size_t i = 0; i < arguments->size(); ++i) {
    if (!is_value(i) || !is_written_decimal(i)) continue;
    if (auto exact = DecimalValue(node.children[i]->text)) {
      (*arguments)[i] = WithOffset(LiteralExpression(std::move(exact)), node.children[i]->offset);
    }
  }
}

}  // namespace

arrow::Result<BoundExpression> Binder::Bind() {
  BoundExpression bound;
  ARROW_ASSIGN_OR_RAISE(bound.root, BindNode(*parsed_.root));
  bound.aggregates = std::move(aggregates_);
  return bound;
}

arrow::Result<ExpressionPtr> Binder::BindNode(const SyntaxNode& node) {
  if (depth_ >= kMaxDepth) return Error(node, "the expression is nested too deeply");
  ++depth_;
  auto bound = BindKind(node);
  --depth_;
  return bound;
}

arrow::Result<ExpressionPtr> Binder::BindKind(const SyntaxNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return Literal(node, std::make_shared<arrow::NullScalar>());
    case Kind::kBoolean:
      return Literal(node, arrow::MakeScalar(node.text == "true"));
    case Kind::kInteger:
      return Literal(node, IntegerValue(node.text));
    case Kind::kDecimal:
      return Literal(node, DoubleValue(node.text));
    case Kind::kString:
      return Literal(node, arrow::MakeScalar(node.text));
    case Kind::kColumn:
      return BindColumn(node);
    case Kind::kStar:
      return Error(node, "* stands only in count(*)");
    case Kind::kCall:
      return BindCall(node);
    case Kind::kCast:
      return BindCast(node);
    case Kind::kInterval:
      return Error(node, "an interval can only be added to a date or a timestamp, or subtracted",
                   "compare dates by datediff(a, b), which gives days");
  }
  return Error(node, "this syntax is not supported");
}

arrow::Result<ExpressionPtr> Binder::Literal(const SyntaxNode& node,
                                             arrow::Result<std::shared_ptr<arrow::Scalar>> value) {
  ARROW_RETURN_NOT_OK(At(node, value.status()));
  return WithOffset(LiteralExpression(*std::move(value)), node.offset);
}

arrow::Result<ExpressionPtr> Binder::BindCast(const SyntaxNode& node) {
  ARROW_ASSIGN_OR_RAISE(ExpressionPtr child, BindNode(*node.children[0]));
  const auto type = TypeOfCanonicalName(node.text, scope_.timezone);
  if (type == nullptr) return Error(node, "unknown type '" + node.text + "'");
  if (arrow::is_decimal(type->id()) && node.children[0]->kind == Kind::kDecimal) {
    if (auto exact = DecimalValue(node.children[0]->text)) {
      child = WithOffset(LiteralExpression(std::move(exact)), node.children[0]->offset);
    }
  }
  if (!IsInstant(*type)) {
    ARROW_ASSIGN_OR_RAISE(child, InZone(child));
  }
  auto cast = CastTo(child, type);
  ARROW_RETURN_NOT_OK(At(node, cast.status()));
  return WithOffset(*cast, node.offset);
}

arrow::Result<ExpressionPtr> Binder::InZone(const ExpressionPtr& expression) const {
  if (!IsInstant(*expression->type)) return expression;
  const auto& type = static_cast<const arrow::TimestampType&>(*expression->type);
  return CastTo(expression, arrow::timestamp(type.unit(), scope_.timezone));
}

arrow::Result<ExpressionPtr> Binder::BindCall(const SyntaxNode& node) {
  const std::string name = FoldIdentifier(node.text);
  if (scope_.aggregates != nullptr && scope_.aggregates->Has(name)) {
    return BindAggregate(node, name);
  }
  if (name == "run_timestamp" && node.is_named_call) return BindRunTimestamp(node);
  const ScalarFunction* function = ScalarRegistry::Default().Find(name);
  const bool is_hidden = node.is_named_call && function && function->doc.signature.empty();
  if (function == nullptr || is_hidden) return UnknownFunction(node, name);

  ARROW_RETURN_NOT_OK(RefuseAggregateClauses(node, name));
  if (name == "+" || name == "-") {
    ARROW_ASSIGN_OR_RAISE(ExpressionPtr shifted, BindIntervalArithmetic(node));
    if (shifted != nullptr) return shifted;
  }
  std::vector<ExpressionPtr> arguments;
  for (const SyntaxPtr& child : node.children) {
    ARROW_ASSIGN_OR_RAISE(ExpressionPtr argument, BindNode(*child));
    arguments.push_back(std::move(argument));
  }
  if ((name == "+" || name == "-") && arguments.size() == 2) {
    ARROW_ASSIGN_OR_RAISE(ExpressionPtr shifted, BindDateArithmetic(node, arguments));
    if (shifted != nullptr) return shifted;
  }
  if (MixesArguments(name)) MakeDecimalsExact(node, name, &arguments);
  if (name == "and" || name == "or") arguments = Flatten(name, std::move(arguments));
  return Call(node, *function, std::move(arguments));
}

arrow::Result<ExpressionPtr> Binder::BindRunTimestamp(const SyntaxNode& node) {
  ARROW_RETURN_NOT_OK(RefuseAggregateClauses(node, "run_timestamp"));
  if (!node.children.empty()) return Error(node, "run_timestamp() takes no arguments");
  return RunValue(node, Expression::Kind::kRunTimestamp, "run_timestamp()",
                  arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"));
}

arrow::Status Binder::RefuseAggregateClauses(const SyntaxNode& node,
                                             const std::string& name) const {
  if (node.distinct) {
    return Error(node, "DISTINCT belongs to aggregates, and " + name + " is none");
  }
  if (node.filter != nullptr) {
    return Error(*node.filter, "FILTER belongs to aggregates, and " + name + " is none",
                 "put the FILTER after the aggregate, inside of the call");
  }
  for (const SyntaxPtr& child : node.children) {
    if (child->kind == Kind::kStar) return Error(*child, "* stands only in count(*)");
  }
  return arrow::Status::OK();
}

arrow::Result<ExpressionPtr> Binder::Call(const SyntaxNode& node, const ScalarFunction& function,
                                          std::vector<ExpressionPtr> arguments) {
  ARROW_RETURN_NOT_OK(CheckArgumentCount(node, function, static_cast<int>(arguments.size())));
  std::vector<ArgumentInfo> infos;
  for (ExpressionPtr& argument : arguments) {
    ARROW_ASSIGN_OR_RAISE(argument, InZone(argument));
    infos.push_back({argument->type, argument->value});
  }
  auto signature = function.resolve(infos);
  ARROW_RETURN_NOT_OK(At(node, signature.status()));
  for (size_t i = 0; i < arguments.size(); ++i) {
    const int offset = arguments[i]->offset;
    auto cast = CastTo(arguments[i], signature->arguments[i]);
    ARROW_RETURN_NOT_OK(At(offset, cast.status()));
    arguments[i] = *std::move(cast);
  }
  auto call = CallExpression(function, std::move(arguments), signature->result, node.offset);
  ARROW_RETURN_NOT_OK(At(node, call.status()));
  return call;
}

arrow::Result<ExpressionPtr> Binder::Call(const SyntaxNode& node, const char* function,
                                          std::vector<ExpressionPtr> arguments) {
  return Call(node, *ScalarRegistry::Default().Find(function), std::move(arguments));
}

arrow::Status Binder::CheckArgumentCount(const SyntaxNode& node, const ScalarFunction& function,
                                         int count) const {
  const int least = function.min_arguments;
  const int most = function.max_arguments;
  if (count >= least && (most < 0 || count <= most)) return arrow::Status::OK();
  std::string wanted = most < 0        ? "at least " + Plural(least, "argument")
                       : least == most ? Plural(least, "argument")
                                       : std::to_string(least) + " to " + Plural(most, "argument");
  const std::string& signature = function.doc.signature;
  return Error(node,
               function.name + " takes " + wanted + ", and here " +
                   (count == 1 ? "is 1" : "are " + std::to_string(count)),
               signature.empty() ? "" : "write " + signature);
}

arrow::Status Binder::Error(const SyntaxNode& node, std::string message, std::string hint) const {
  return ExpressionError(parsed_, node.offset, std::move(message), std::move(hint));
}

arrow::Status Binder::At(int offset, const arrow::Status& status) const {
  if (status.ok() || status.detail() != nullptr) return status;
  return ExpressionError(parsed_, offset, status.message());
}

arrow::Status Binder::At(const SyntaxNode& node, const arrow::Status& status) const {
  return At(node.offset, status);
}

arrow::Result<BoundExpression> BindExpression(const ParsedExpression& parsed,
                                              const BindScope& scope) {
  return Binder(parsed, scope).Bind();
}

}  // namespace tidemill
