#include "aggregate/spark_aggregates.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "aggregate/registry.h"
#include "aggregate/spark_multisets.h"
#include "sql/function_registry.h"
#include "sql/signatures.h"
#include "sql/spark_zones.h"
#include "sql/sql_fragment.h"

namespace tidemill {
namespace {

/// {x} and {y} are the arguments, {distinct} is DISTINCT or nothing, {filter} a FILTER clause or
/// nothing; in `merged` {x} is the column of partial results.
struct Spelling {
  std::string direct;
  std::string partial;
  std::string merged;
};

constexpr const char* kNaN = "CAST('NaN' AS DOUBLE)";

/// A sum of doubles is undefined, so NULL, where it is NaN.
std::string Defined(const std::string& sum) { return "nullif(" + sum + ", " + kNaN + ")"; }

Spelling Same(const std::string& function) {
  return {function + "({x}){filter}", function + "({x}){filter}", function + "({x}){filter}"};
}

Spelling Count() {
  return {"count({distinct}{x}){filter}", "count({x}){filter}", "coalesce(sum({x}){filter}, 0L)"};
}

arrow::Result<Spelling> Sum(const AggregateCall& call) {
  const Spelling sum = {"sum({distinct}{x}){filter}", "sum({x}){filter}", "sum({x}){filter}"};
  if (IsFloat(*call.type)) return Spelling{Defined(sum.direct), sum.partial, Defined(sum.merged)};
  if (!IsDecimal(*call.type) && call.type->id() != arrow::Type::UINT64) return sum;
  ARROW_ASSIGN_OR_RAISE(const std::string type, TypeToSql(*call.type, Dialect::kSpark));
  const auto as_type = [&](const std::string& text) {
    return "CAST(" + text + " AS " + type + ")";
  };
  return Spelling{as_type(sum.direct), sum.partial, as_type(sum.merged)};
}

Spelling Average(const AggregateCall& call) {
  const arrow::DataType& type = *call.arguments[0]->type;
  if (IsFloat(type)) {
    return {Defined("avg({distinct}{x}){filter}"),
            "named_struct('total', sum({x}){filter}, 'rows', count({x}){filter})",
            Defined("sum({x}.total){filter}") + " / nullif(sum({x}.rows){filter}, 0)"};
  }
  // The sum is exact and cannot overflow.
  const std::string x = IsDecimal(type) ? "{x}" : "CAST({x} AS DECIMAL(20,0))";
  return {
      "CAST(sum({distinct}" + x + "){filter} AS DOUBLE) / nullif(count({distinct}{x}){filter}, 0)",
      "named_struct('total', sum(" + x + "){filter}, 'rows', count({x}){filter})",
      "CAST(sum({x}.total){filter} AS DOUBLE) / nullif(sum({x}.rows){filter}, 0)"};
}

/// Variances and deviations. Partial results are number, mean and sum of squared distances from it,
/// which merge without loss of digits.
Spelling Moment(const std::string& function) {
  const bool is_sample = function.ends_with("samp");
  std::string value = fmt::format("m.d2 / (m.n - {})", is_sample ? 1 : 0);
  if (function.starts_with("stddev")) value = "sqrt(" + value + ")";
  return {
      function + "({distinct}CAST({x} AS DOUBLE)){filter}",
      "named_struct('n', count({x}){filter}, 'mean', coalesce(avg(CAST({x} AS DOUBLE)){filter}, "
      "0e0D), 'd2', coalesce(var_pop(CAST({x} AS DOUBLE)){filter} * count({x}){filter}, 0e0D))",
      "aggregate(collect_list({x}){filter}, "
      "named_struct('n', 0L, 'mean', 0e0D, 'd2', 0e0D), "
      "(a, b) -> CASE WHEN b.n = 0 THEN a WHEN a.n = 0 THEN b ELSE named_struct("
      "'n', a.n + b.n, "
      "'mean', a.mean + (b.mean - a.mean) * b.n / (a.n + b.n), "
      "'d2', a.d2 + b.d2 + (b.mean - a.mean) * (b.mean - a.mean) * a.n * b.n / (a.n + b.n)) END, "
      "m -> CASE WHEN m.n > " +
          std::string(is_sample ? "1" : "0") + " THEN " + value + " END)"};
}

/// `y` such that the largest comes first.
arrow::Result<std::string> Reversed(const arrow::DataType& type) {
  if (type.id() == arrow::Type::BOOL) return "NOT {y}";
  if (IsFloat(type)) return "named_struct('number', {y} <> " + std::string(kNaN) + ", 'y', -{y})";
  if (IsDecimal(type)) return "-{y}";
  if (IsInteger(type)) return type.id() == arrow::Type::UINT64 ? "-{y}" : "-1 - {y}";
  if (IsDate(type)) return "-unix_date({y})";
  if (IsTimestamp(type)) {
    return IsZoned(type) ? "-unix_micros({y})" : "TIMESTAMP_NTZ '1970-01-01 00:00:00' - {y}";
  }
  if (IsText(type) || IsBinary(type)) {
    // Hexadecimal digits reversed, and an end that follows all of them.
    return "translate(hex({y}), '0123456789ABCDEF', 'FEDCBA9876543210') || 'G'";
  }
  return Unsayable("the largest " + TypeName(type), Dialect::kSpark);
}

/// first, last, min_by and max_by: the smallest pair.
arrow::Result<Spelling> Choice(const std::string& name, const AggregateCall& call) {
  std::string order = "{y}";
  if (name == "last" || name == "max_by") {
    ARROW_ASSIGN_OR_RAISE(order, Reversed(*call.arguments[1]->type));
  }
  const std::string pair = "min(named_struct('y', " + order + ", 'x', {x})){filter}";
  return Spelling{"(" + pair + ").x", pair, "(min({x}){filter}).x"};
}

/// corr and the covariances. Partial results merge as those of variances do.
Spelling Pairs(const std::string& name) {
  const std::string partial =
      "named_struct('n', count({x}){filter}, "
      "'mx', coalesce(avg({x}){filter}, 0e0D), 'my', coalesce(avg({y}){filter}, 0e0D), "
      "'xy', coalesce(covar_pop({x}, {y}){filter} * count({x}){filter}, 0e0D), "
      "'xx', coalesce(var_pop({x}){filter} * count({x}){filter}, 0e0D), "
      "'yy', coalesce(var_pop({y}){filter} * count({x}){filter}, 0e0D), "
      "'lx', min({x}){filter}, 'hx', max({x}){filter}, "
      "'ly', min({y}){filter}, 'hy', max({y}){filter})";
  std::string value;
  if (name == "corr") {
    value =
        "CASE WHEN m.n < 2 THEN NULL WHEN isnan(m.xx) OR isnan(m.yy) OR isnan(m.xy) "
        "THEN CAST('NaN' AS DOUBLE) WHEN m.hx > m.lx AND m.hy > m.ly "
        "THEN greatest(least(m.xy / (sqrt(m.xx) * sqrt(m.yy)), 1e0D), -1e0D) END";
  } else {
    const int freedom = name == "covar_samp" ? 1 : 0;
    value = fmt::format("CASE WHEN m.n > {} THEN m.xy / (m.n - {}) END", freedom, freedom);
  }
  const auto merged_pair = [](const char* sum, const char* x, const char* y) {
    return fmt::format(
        "'{0}', a.{0} + b.{0} + (b.{1} - a.{1}) * (b.{2} - a.{2}) * a.n * b.n / "
        "(a.n + b.n), ",
        sum, x, y);
  };
  const std::string merge =
      "CASE WHEN b.n = 0 THEN a WHEN a.n = 0 THEN b ELSE named_struct('n', a.n + b.n, "
      "'mx', a.mx + (b.mx - a.mx) * b.n / (a.n + b.n), "
      "'my', a.my + (b.my - a.my) * b.n / (a.n + b.n), " +
      merged_pair("xy", "mx", "my") + merged_pair("xx", "mx", "mx") +
      merged_pair("yy", "my", "my") +
      "'lx', least(a.lx, b.lx), 'hx', greatest(a.hx, b.hx), "
      "'ly', least(a.ly, b.ly), 'hy', greatest(a.hy, b.hy)) END";
  const std::string none = "CAST(NULL AS DOUBLE)";
  const std::string nothing =
      "named_struct('n', 0L, 'mx', 0e0D, 'my', 0e0D, 'xy', 0e0D, 'xx', 0e0D, 'yy', 0e0D, 'lx', " +
      none + ", 'hx', " + none + ", 'ly', " + none + ", 'hy', " + none + ")";
  return {"element_at(transform(array(" + partial + "), m -> " + value + "), 1)", partial,
          "aggregate(collect_list({x}){filter}, " + nothing + ", (a, b) -> " + merge + ", m -> " +
              value + ")"};
}

/// Functions of all values: see aggregate/spark_multisets.h.
Spelling Multiset(const SparkMultiset& multiset) {
  const std::string& value = multiset.value;
  return {OfArray(multiset, "collect_list({distinct}" + value + "){filter}"),
          "collect_list(" + value + "){filter}",
          OfArray(multiset, "flatten(collect_list({x}){filter})")};
}

arrow::Result<Spelling> SpellingOf(const std::string& name, const AggregateCall& call) {
  if (const auto multiset = SparkMultisetOf(name, call)) return Multiset(*multiset);
  if (name == "corr" || name.starts_with("covar_")) return Pairs(name);
  if (name == "count_if") {
    return Spelling{"count_if({x}){filter}", "count_if({x}){filter}",
                    "coalesce(sum({x}){filter}, 0L)"};
  }
  if (name == "approx_count_distinct") {
    return Unsayable("approx_count_distinct, which estimates differently,", Dialect::kSpark,
                     "count(distinct x) is exact on every engine");
  }
  if (name == "approx_percentile") {
    return Unsayable("approx_percentile, which approximates differently,", Dialect::kSpark,
                     "percentile_disc(x, p) is exact on every engine");
  }
  if (name == "count") return Count();
  if (name == "sum") return Sum(call);
  if (name == "avg") return Average(call);
  if (name == "min" || name == "max" || name == "bool_and" || name == "bool_or") return Same(name);
  if (name.starts_with("stddev") || name.starts_with("var_")) return Moment(name);
  if (name == "first" || name == "last" || name == "min_by" || name == "max_by") {
    return Choice(name, call);
  }
  return Unsayable(name, Dialect::kSpark);
}

/// Those that choose a value, so that it may be -0.0: it is 0.0 here.
bool IsChoice(const std::string& name) {
  return name == "first" || name == "last" || name.starts_with("min") || name.starts_with("max");
}

std::string WithoutMinusZero(const std::string& value, const arrow::DataType& type) {
  const bool is_single = type.id() == arrow::Type::FLOAT;
  return "(" + value + " + " + (is_single ? "CAST(0 AS FLOAT)" : "0e0D") + ")";
}

/// `spelling` with every {name} of `names` replaced.
std::string Substitute(const std::string& spelling,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> names) {
  std::string filled;
  for (size_t at = 0; at < spelling.size();) {
    const std::string_view rest = std::string_view(spelling).substr(at);
    const auto* name = std::find_if(names.begin(), names.end(), [&](const auto& entry) {
      return rest.starts_with(entry.first);
    });
    filled += name == names.end() ? rest.substr(0, 1) : name->second;
    at += name == names.end() ? 1 : name->first.size();
  }
  return filled;
}

}  // namespace

arrow::Result<SparkAggregate> SparkAggregate::Of(const AggregateCall& call,
                                                 const SqlContext& context) {
  const AggregateFunction* function = AggregateRegistry::Default().Find(call.function);
  const std::string& name = function == nullptr ? call.function : function->name;  // of an alias
  ARROW_ASSIGN_OR_RAISE(Spelling spelling, SpellingOf(name, call));
  if (IsFloat(*call.type) && IsChoice(name)) {
    spelling.direct = WithoutMinusZero(spelling.direct, *call.type);
    spelling.merged = WithoutMinusZero(spelling.merged, *call.type);
  }
  SparkAggregate aggregate;
  aggregate.is_distinct_ = call.distinct && spelling.direct.find("{distinct}") != std::string::npos;
  std::vector<std::string> conditions;
  for (const ExpressionPtr& argument : call.arguments) {
    ARROW_ASSIGN_OR_RAISE(std::string text, ExpressionToSql(argument, context));
    const bool is_plain = argument->kind == Expression::Kind::kColumn;
    aggregate.arguments_.push_back(is_plain ? text : "(" + text + ")");
    // count(x, y) and choices skip rows in which any argument is NULL.
    if (call.arguments.size() > 1)
      conditions.push_back(aggregate.arguments_.back() + " IS NOT NULL");
  }
  if (call.filter != nullptr) {
    ARROW_ASSIGN_OR_RAISE(const std::string text, ExpressionToSql(call.filter, context));
    conditions.push_back(conditions.empty() ? text : "(" + text + ")");
  }
  aggregate.filter_ = Join(conditions, " AND ");
  const bool is_list = name == "count" && !call.star;
  aggregate.x_ = call.star ? "*"
                 : is_list ? Join(aggregate.arguments_, ", ")
                           : aggregate.arguments_[0];
  aggregate.direct_ = std::move(spelling.direct);
  aggregate.partial_ = std::move(spelling.partial);
  aggregate.merged_ = std::move(spelling.merged);
  return aggregate;
}

std::string SparkAggregate::Filled(const std::string& spelling, const std::string& x,
                                   const std::string& condition, const char* distinct) const {
  const std::string filter = condition.empty() ? "" : " FILTER (WHERE " + condition + ")";
  const std::string_view y = arguments_.size() > 1 ? std::string_view(arguments_[1]) : "";
  return Substitute(spelling,
                    {{"{x}", x}, {"{y}", y}, {"{distinct}", distinct}, {"{filter}", filter}});
}

std::string SparkAggregate::Direct(const std::string& condition) const {
  const bool are_two = !filter_.empty() && !condition.empty();
  return Filled(direct_, x_, are_two ? "(" + filter_ + ") AND " + condition : filter_ + condition,
                is_distinct_ ? "DISTINCT " : "");
}

std::string SparkAggregate::Partial() const { return Filled(partial_, x_, filter_); }

std::string SparkAggregate::Merged(const std::string& partial, const std::string& condition) const {
  return Filled(merged_, partial, condition);
}

std::string SparkAggregate::Value() const {
  std::string value = arguments_[0];
  if (arguments_.size() > 1) {
    value = "struct(" + Join(arguments_, ", ") + ")";
  }
  return filter_.empty() ? value : "CASE WHEN " + filter_ + " THEN " + value + " END";
}

std::string SparkAggregate::OverValues(const std::string& value,
                                       const std::string& condition) const {
  return Filled(direct_, value, condition);
}

}  // namespace tidemill
