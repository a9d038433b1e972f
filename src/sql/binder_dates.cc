#include <string>
#include <utility>
#include <vector>

#include "sql/binder.h"
#include "sql/interval.h"

namespace tidemill {
namespace {

using Kind = SyntaxNode::Kind;

bool IsDateType(const ExpressionPtr& e) { return arrow::is_date(e->type->id()); }
bool IsTimestampType(const ExpressionPtr& e) { return e->type->id() == arrow::Type::TIMESTAMP; }
bool IsIntegerType(const ExpressionPtr& e) { return arrow::is_integer(e->type->id()); }

bool IsTextLiteral(const ExpressionPtr& e) {
  return e->kind == Expression::Kind::kLiteral && arrow::is_string(e->type->id());
}

ExpressionPtr Integer(int64_t value) { return LiteralExpression(arrow::MakeScalar(value)); }

}  // namespace

arrow::Result<ExpressionPtr> Binder::BindIntervalArithmetic(const SyntaxNode& node) {
  if (node.children.size() != 2) return nullptr;
  const bool left_is_interval = node.children[0]->kind == Kind::kInterval;
  const bool right_is_interval = node.children[1]->kind == Kind::kInterval;
  if (!left_is_interval && !right_is_interval) return nullptr;
  const bool is_minus = node.text == "-";
  if (left_is_interval && (right_is_interval || is_minus)) {
    return Error(node, "an interval can only be added to a date or a timestamp, or subtracted",
                 "write the date or timestamp first");
  }
  const SyntaxNode& interval_node = *node.children[left_is_interval ? 0 : 1];
  const SyntaxNode& time_node = *node.children[left_is_interval ? 1 : 0];
  auto interval = ParseInterval(interval_node.text);
  if (!interval.ok()) {
    return Error(interval_node, interval.status().message(),
                 "write days, weeks, hours, minutes or seconds: interval '7 days 12 hours'");
  }
  const int64_t sign = is_minus ? -1 : 1;
  ARROW_ASSIGN_OR_RAISE(ExpressionPtr time, BindNode(time_node));
  if (IsTextLiteral(time)) {
    auto parsed = CastTo(time, arrow::timestamp(arrow::TimeUnit::MICRO));
    ARROW_RETURN_NOT_OK(At(time_node, parsed.status()));
    time = *std::move(parsed);
  }
  if (!IsDateType(time) && !IsTimestampType(time)) {
    return Error(
        node, "an interval is added to a date or a timestamp, and this is " + TypeName(*time->type),
        "cast it: cast(x as timestamp)");
  }
  if (interval->days != 0 || interval->micros == 0) {
    ARROW_ASSIGN_OR_RAISE(time, Call(node, "add_days", {time, Integer(sign * interval->days)}));
  }
  if (interval->micros == 0) return time;
  if (IsDateType(time)) {
    auto cast = CastTo(time, arrow::timestamp(arrow::TimeUnit::MICRO));
    ARROW_RETURN_NOT_OK(At(time_node, cast.status()));
    time = *std::move(cast);
  }
  return Call(node, "add_micros", {time, Integer(sign * interval->micros)});
}

arrow::Result<ExpressionPtr> Binder::BindDateArithmetic(
    const SyntaxNode& node, const std::vector<ExpressionPtr>& operands) {
  const ExpressionPtr& left = operands[0];
  const ExpressionPtr& right = operands[1];
  const bool is_minus = node.text == "-";
  const auto is_time = [](const ExpressionPtr& e) { return IsDateType(e) || IsTimestampType(e); };
  if (!is_time(left) && !is_time(right)) return nullptr;
  if (IsDateType(left) && IsIntegerType(right)) {
    if (!is_minus) return Call(node, "add_days", {left, right});
    ARROW_ASSIGN_OR_RAISE(ExpressionPtr days, Call(node, "negate", {right}));
    return Call(node, "add_days", {left, days});
  }
  if (IsIntegerType(left) && IsDateType(right) && !is_minus) {
    return Call(node, "add_days", {right, left});
  }
  if (is_minus && IsDateType(left) && (IsDateType(right) || IsTextLiteral(right))) {
    return Call(node, "datediff", {left, right});
  }
  if (is_minus && IsDateType(right) && IsTextLiteral(left))
    return Call(node, "datediff", {left, right});
  if (is_minus && is_time(left) && is_time(right)) {
    return Error(node, "the difference of timestamps is not supported",
                 "use datediff(a, b) for days, or epoch(a) - epoch(b) for seconds");
  }
  const bool is_null = left->type->id() == arrow::Type::NA || right->type->id() == arrow::Type::NA;
  return Error(
      node, "there is no " + TypeName(*left->type) + " " + node.text + " " + TypeName(*right->type),
      is_null ? "cast the NULL"
              : "add or subtract an interval such as interval '7 days', or days to or "
                "from a date");
}

}  // namespace tidemill
