#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/nearest_name.h"
#include "sql/cast_target.h"
#include "sql/expression.h"
#include "sql/function_registry.h"
#include "sql/interval.h"
#include "sql/literal_values.h"
#include "sql/refused_functions.h"
#include "sql/source_text.h"

// Binding goes bottom-up, one method per kind of node. At each node the arguments are bound first;
// then the function's resolver, which sees their types and constants, says which types it wants,
// and casts are put where they differ. Constants are computed at once, so a text that is no date
// fails here, with its place, and not in the middle of a run.
//
// Where a node stands decides what its names mean. A row expression sees the rows. A feature sees
// the results (entity columns and features), and the rows only inside of aggregates: these are the
// two levels of a GROUP BY, and mixing them up is the most frequent mistake, so that each side's
// errors look into the other.

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

bool IsLiteral(const ExpressionPtr& expression) {
  return expression->kind == Expression::Kind::kLiteral;
}

bool IsDateType(const ExpressionPtr& e) { return arrow::is_date(e->type->id()); }
bool IsTimestampType(const ExpressionPtr& e) { return e->type->id() == arrow::Type::TIMESTAMP; }
bool IsIntegerType(const ExpressionPtr& e) { return arrow::is_integer(e->type->id()); }

std::string Plural(int count, const char* word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

class Binder {
 public:
  Binder(const ParsedExpression& parsed, const BindScope& scope)
      : parsed_(parsed),
        scope_(scope),
        place_(scope.results == nullptr ? Place::kRows : Place::kResults) {}

  arrow::Result<BoundExpression> Bind() {
    BoundExpression bound;
    ARROW_ASSIGN_OR_RAISE(bound.root, BindNode(*parsed_.root));
    bound.aggregates = std::move(aggregates_);
    return bound;
  }

 private:
  /// What the names of a node refer to.
  enum class Place { kRows, kAggregate, kResults };

  arrow::Result<ExpressionPtr> BindNode(const SyntaxNode& node) {
    if (depth_ >= kMaxDepth) return Error(node, "the expression is nested too deeply");
    ++depth_;
    auto bound = BindKind(node);
    --depth_;
    return bound;
  }

  arrow::Result<ExpressionPtr> BindKind(const SyntaxNode& node) {
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

  arrow::Result<ExpressionPtr> Literal(const SyntaxNode& node,
                                       arrow::Result<std::shared_ptr<arrow::Scalar>> value) {
    ARROW_RETURN_NOT_OK(At(node, value.status()));
    return Placed(node, LiteralExpression(*std::move(value)));
  }

  static ExpressionPtr Placed(const SyntaxNode& node, const ExpressionPtr& expression) {
    auto placed = std::make_shared<Expression>(*expression);
    placed->offset = node.offset;
    return placed;
  }

  // ---- names

  arrow::Result<ExpressionPtr> BindColumn(const SyntaxNode& node) {
    const arrow::Schema* schema = place_ == Place::kResults ? scope_.results : scope_.rows;
    const std::string folded = FoldIdentifier(node.text);
    const bool is_feature_date = !node.quoted && folded == "feature_date";
    const int index = schema == nullptr ? -1 : FindColumn(*schema, node.text, node.quoted);
    if (is_feature_date && (index < 0 || schema->field(index)->name() != folded)) {
      return RunValue(node, Expression::Kind::kFeatureDate, "feature_date", arrow::date32());
    }
    if (index == -2) return AmbiguousColumn(node, *schema);
    if (index == -1) return UnknownColumn(node);
    const arrow::Field& field = *schema->field(index);
    return Placed(node, ColumnExpression(index, field.name(), field.type()));
  }

  arrow::Result<ExpressionPtr> RunValue(const SyntaxNode& node, Expression::Kind kind,
                                        const std::string& name,
                                        std::shared_ptr<arrow::DataType> type) {
    if (place_ == Place::kAggregate) {
      return Error(node,
                   name +
                       " cannot stand inside an aggregate: a day's events are reduced "
                       "once, for all feature dates",
                   "the window of the feature says which days count");
    }
    if (!scope_.feature_date) {
      return Error(node, name + " is not known here: events do not belong to one feature date",
                   "use it in a feature");
    }
    auto value = std::make_shared<Expression>();
    value->kind = kind;
    value->name = name;
    value->type = std::move(type);
    value->offset = node.offset;
    value->key = name;
    return value;
  }

  arrow::Status AmbiguousColumn(const SyntaxNode& node, const arrow::Schema& schema) const {
    std::string candidates;
    std::string first;
    for (const auto& field : schema.fields()) {
      if (FoldIdentifier(field->name()) != FoldIdentifier(node.text)) continue;
      candidates += (candidates.empty() ? "" : ", ") + ("'" + field->name() + "'");
      if (first.empty()) first = field->name();
    }
    return Error(node, "'" + node.text + "' may be any of the columns " + candidates,
                 "write one in double quotes, which match exactly: \"" + first + "\"");
  }

  arrow::Status UnknownColumn(const SyntaxNode& node) const {
    const bool is_outside = place_ == Place::kResults;
    const arrow::Schema* own = is_outside ? scope_.results : scope_.rows;
    const arrow::Schema* other = is_outside ? scope_.rows : scope_.results;
    const auto names = [](const arrow::Schema* schema) {
      return schema == nullptr ? std::vector<std::string>{} : schema->field_names();
    };
    if (other != nullptr && FindColumn(*other, node.text, node.quoted) != -1) {
      if (is_outside) {
        return Error(node, "the column '" + node.text + "' of the events has many values here",
                     "put it inside an aggregate such as max(" + node.text +
                         "), or make it an entity column");
      }
      if (place_ == Place::kAggregate) {
        return Error(node, "'" + node.text + "' is a feature, and an aggregate sees only events",
                     "compute it outside of the aggregate");
      }
    }
    std::string hint;
    if (auto nearest = NearestName(node.text, names(own))) {
      hint = "did you mean '" + *nearest + "'?";
    } else if (auto elsewhere = NearestName(node.text, names(other)); elsewhere && is_outside) {
      hint = "did you mean '" + *elsewhere + "', inside an aggregate?";
    } else if (node.quoted) {
      hint = "a text is written in single quotes: '" + node.text + "'";
    }
    return Error(node, "unknown column '" + node.text + "'", hint);
  }

  // ---- calls

  arrow::Result<ExpressionPtr> BindCall(const SyntaxNode& node) {
    if (scope_.expand) {
      auto expanded = scope_.expand(node);
      ARROW_RETURN_NOT_OK(At(node, expanded.status()));
      if (*expanded != nullptr) return BindNode(**expanded);
    }
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

  arrow::Result<ExpressionPtr> BindRunTimestamp(const SyntaxNode& node) {
    ARROW_RETURN_NOT_OK(RefuseAggregateClauses(node, "run_timestamp"));
    if (!node.children.empty()) return Error(node, "run_timestamp() takes no arguments");
    return RunValue(node, Expression::Kind::kRunTimestamp, "run_timestamp()",
                    arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"));
  }

  arrow::Status RefuseAggregateClauses(const SyntaxNode& node, const std::string& name) const {
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

  arrow::Status UnknownFunction(const SyntaxNode& node, const std::string& name) const {
    if (const RefusedFunction* refused = FindRefusedFunction(name)) {
      std::string hint = refused->hint;
      const arrow::Schema* schema = place_ == Place::kResults ? scope_.results : scope_.rows;
      if (!node.is_named_call && schema != nullptr && FindColumn(*schema, name, false) >= 0) {
        hint = "the column of that name is written in double quotes: \"" + name + "\"";
      }
      return Error(node, name + (node.is_named_call ? "()" : "") + refused->reason, hint);
    }
    std::vector<std::string> known = ScalarRegistry::Default().Names();
    known.push_back("run_timestamp");
    if (scope_.aggregates != nullptr) {
      const std::vector<std::string> aggregates = scope_.aggregates->Names();
      known.insert(known.end(), aggregates.begin(), aggregates.end());
    }
    const auto nearest = NearestName(name, known);
    return Error(node, "unknown function '" + name + "'",
                 nearest ? "did you mean '" + *nearest + "'?" : "");
  }

  /// a and (b and c) is a and b and c.
  static std::vector<ExpressionPtr> Flatten(const std::string& name,
                                            std::vector<ExpressionPtr> arguments) {
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

  /// Beside a decimal, and where no double is, a literal like 0.1 is that decimal and not the
  /// nearest double.
  static void MakeDecimalsExact(const SyntaxNode& node, const std::string& name,
                                std::vector<ExpressionPtr>* arguments) {
    const auto is_value = [&](size_t i) {
      return name != "case" || i % 2 == 1 || i + 1 == arguments->size();
    };
    const auto is_written_decimal = [&](size_t i) {
      return node.children[i]->kind == Kind::kDecimal && IsLiteral((*arguments)[i]);
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
        (*arguments)[i] = Placed(*node.children[i], LiteralExpression(std::move(exact)));
      }
    }
  }

  arrow::Result<ExpressionPtr> Call(const SyntaxNode& node, const ScalarFunction& function,
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

  arrow::Result<ExpressionPtr> Call(const SyntaxNode& node, const char* function,
                                    std::vector<ExpressionPtr> arguments) {
    return Call(node, *ScalarRegistry::Default().Find(function), std::move(arguments));
  }

  arrow::Status CheckArgumentCount(const SyntaxNode& node, const ScalarFunction& function,
                                   int count) const {
    const int least = function.min_arguments;
    const int most = function.max_arguments;
    if (count >= least && (most < 0 || count <= most)) return arrow::Status::OK();
    std::string wanted = most < 0 ? "at least " + Plural(least, "argument")
                         : least == most
                             ? Plural(least, "argument")
                             : std::to_string(least) + " to " + Plural(most, "argument");
    const std::string& signature = function.doc.signature;
    return Error(node,
                 function.name + " takes " + wanted + ", and here " +
                     (count == 1 ? "is 1" : "are " + std::to_string(count)),
                 signature.empty() ? "" : "write " + signature);
  }

  arrow::Result<ExpressionPtr> BindCast(const SyntaxNode& node) {
    ARROW_ASSIGN_OR_RAISE(ExpressionPtr child, BindNode(*node.children[0]));
    const auto type = TypeOfCanonicalName(node.text, scope_.timezone);
    if (type == nullptr) return Error(node, "unknown type '" + node.text + "'");
    if (arrow::is_decimal(type->id()) && node.children[0]->kind == Kind::kDecimal) {
      if (auto exact = DecimalValue(node.children[0]->text)) {
        child = Placed(*node.children[0], LiteralExpression(std::move(exact)));
      }
    }
    if (!IsInstant(*type)) {
      ARROW_ASSIGN_OR_RAISE(child, InZone(child));
    }
    auto cast = CastTo(child, type);
    ARROW_RETURN_NOT_OK(At(node, cast.status()));
    return Placed(node, *cast);
  }

  static bool IsInstant(const arrow::DataType& type) {
    return type.id() == arrow::Type::TIMESTAMP &&
           !static_cast<const arrow::TimestampType&>(type).timezone().empty();
  }

  /// A timestamp with time zone as one of the pipeline's zone: days and hours are that zone's,
  /// wherever the files say their instants were noted.
  arrow::Result<ExpressionPtr> InZone(const ExpressionPtr& expression) const {
    if (!IsInstant(*expression->type)) return expression;
    const auto& type = static_cast<const arrow::TimestampType&>(*expression->type);
    return CastTo(expression, arrow::timestamp(type.unit(), scope_.timezone));
  }

  // ---- dates

  /// date or timestamp +- interval; null if neither operand is an interval.
  arrow::Result<ExpressionPtr> BindIntervalArithmetic(const SyntaxNode& node) {
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
    if (IsLiteral(time) && arrow::is_string(time->type->id())) {
      auto parsed = CastTo(time, arrow::timestamp(arrow::TimeUnit::MICRO));
      ARROW_RETURN_NOT_OK(At(time_node, parsed.status()));
      time = *std::move(parsed);
    }
    if (!IsDateType(time) && !IsTimestampType(time)) {
      return Error(
          node,
          "an interval is added to a date or a timestamp, and this is " + TypeName(*time->type),
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

  /// date +- days and date - date; null for operands that are something else.
  arrow::Result<ExpressionPtr> BindDateArithmetic(const SyntaxNode& node,
                                                  const std::vector<ExpressionPtr>& operands) {
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
    if (is_minus && IsDateType(left) && (IsDateType(right) || IsText(right))) {
      return Call(node, "datediff", {left, right});
    }
    if (is_minus && IsDateType(right) && IsText(left)) return Call(node, "datediff", {left, right});
    if (is_minus && is_time(left) && is_time(right)) {
      return Error(node, "the difference of timestamps is not supported",
                   "use datediff(a, b) for days, or epoch(a) - epoch(b) for seconds");
    }
    const bool is_null =
        left->type->id() == arrow::Type::NA || right->type->id() == arrow::Type::NA;
    return Error(
        node,
        "there is no " + TypeName(*left->type) + " " + node.text + " " + TypeName(*right->type),
        is_null ? "cast the NULL"
                : "add or subtract an interval such as interval '7 days', or days to or "
                  "from a date");
  }

  static bool IsText(const ExpressionPtr& e) {
    return IsLiteral(e) && arrow::is_string(e->type->id());
  }

  static ExpressionPtr Integer(int64_t value) {
    return LiteralExpression(arrow::MakeScalar(value));
  }

  // ---- aggregates

  arrow::Result<ExpressionPtr> BindAggregate(const SyntaxNode& node, const std::string& name) {
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
    auto type = scope_.aggregates->ResultType(name, call.distinct, call.star, types);
    if (!type.ok()) {
      return Error(node, type.status().message(),
                   "see the function's signature, or cast the argument");
    }
    call.type = *std::move(type);
    call.key = KeyOf(call);
    const auto same =
        std::find_if(aggregates_.begin(), aggregates_.end(),
                     [&](const AggregateCall& other) { return other.key == call.key; });
    const auto index = static_cast<int>(same - aggregates_.begin());
    ExpressionPtr reference = AggregateExpression(index, call);
    if (same == aggregates_.end()) aggregates_.push_back(std::move(call));
    return reference;
  }

  arrow::Status BindParts(const SyntaxNode& node, const std::string& name, AggregateCall* call) {
    for (const SyntaxPtr& child : node.children) {
      if (child->kind == Kind::kStar) {
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

  // ---- errors

  arrow::Status Error(const SyntaxNode& node, std::string message, std::string hint = "") const {
    return ExpressionError(parsed_, node.offset, std::move(message), std::move(hint));
  }

  /// `status` with a place, if it is a failure that has none.
  arrow::Status At(int offset, const arrow::Status& status) const {
    if (status.ok() || status.detail() != nullptr) return status;
    return ExpressionError(parsed_, offset, status.message());
  }

  arrow::Status At(const SyntaxNode& node, const arrow::Status& status) const {
    return At(node.offset, status);
  }

  const ParsedExpression& parsed_;
  const BindScope& scope_;
  Place place_;
  int depth_ = 0;
  std::vector<AggregateCall> aggregates_;
};

}  // namespace

arrow::Result<BoundExpression> BindExpression(const ParsedExpression& parsed,
                                              const BindScope& scope) {
  return Binder(parsed, scope).Bind();
}

}  // namespace tidemill
