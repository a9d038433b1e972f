#include "sql/to_sql.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "sql/function_registry.h"
#include "sql/spark_functions.h"
#include "sql/sql_fragment.h"

namespace tidemill {
namespace {

/// Whether DuckDB would give an INTEGER to what is a bigint here: constants are as narrow there as
/// they can be.
bool MayBeNarrow(const Expression& expression) {
  if (expression.type->id() != arrow::Type::INT64) return false;
  if (expression.kind == Expression::Kind::kLiteral) return true;
  if (expression.kind != Expression::Kind::kCall) return false;
  const std::string& name = expression.name;
  const bool is_choice = name == "case" || name == "coalesce" || name == "nullif" ||
                         name == "greatest" || name == "least" || name == "negate";
  return is_choice && std::all_of(expression.arguments.begin(), expression.arguments.end(),
                                  [](const ExpressionPtr& argument) {
                                    return argument->type->id() == arrow::Type::BOOL ||
                                           MayBeNarrow(*argument);
                                  });
}

class Writer {
 public:
  explicit Writer(const SqlContext& context) : context_(context) {}

  arrow::Result<Fragment> Write(const Expression& expression) const {
    switch (expression.kind) {
      case Expression::Kind::kLiteral:
        return Literal(*expression.value);
      case Expression::Kind::kColumn:
        return Fragment{context_.column ? context_.column(expression)
                                        : QuoteName(expression.name, context_.dialect)};
      case Expression::Kind::kAggregate: {
        if (!context_.aggregate) return Unsayable("an aggregate here", context_.dialect);
        ARROW_ASSIGN_OR_RAISE(std::string text, context_.aggregate(expression.column));
        return CallFragment(std::move(text));
      }
      case Expression::Kind::kFeatureDate:
        return Fragment{context_.feature_date};
      case Expression::Kind::kRunTimestamp:
        return Fragment{context_.run_timestamp};
      case Expression::Kind::kCall:
        return Call(expression);
    }
    return Unsayable("this expression", context_.dialect);
  }

 private:
  using Fragments = std::vector<Fragment>;

  bool is_spark() const { return context_.dialect == Dialect::kSpark; }

  arrow::Result<Fragment> Literal(const arrow::Scalar& value) const {
    ARROW_ASSIGN_OR_RAISE(std::string text, LiteralToSql(value, context_.dialect));
    const bool is_negative = text.starts_with('-');
    const bool is_sum = text.find(" || chr(0)") != std::string::npos;
    return Fragment{std::move(text), !is_negative && !is_sum};
  }

  arrow::Result<Fragment> Call(const Expression& call) const {
    Fragments arguments;
    for (const ExpressionPtr& argument : call.arguments) {
      ARROW_ASSIGN_OR_RAISE(Fragment fragment, Write(*argument));
      arguments.push_back(std::move(fragment));
    }
    if (is_spark()) {
      ARROW_ASSIGN_OR_RAISE(auto spelled, SparkCall(call, arguments, context_.timezone));
      if (spelled) return *std::move(spelled);
      if (auto form = Form(call, arguments)) return *std::move(form);
      return Unsayable(call.name, context_.dialect);
    }
    if (call.name == "cast") {
      ARROW_ASSIGN_OR_RAISE(std::string type, TypeToSql(*call.type, context_.dialect));
      return Fragment{"CAST(" + arguments[0].text + " AS " + type + ")"};
    }
    const bool is_arithmetic = call.name == "+" || call.name == "-" || call.name == "*";
    if (is_arithmetic && MayBeNarrow(*call.arguments[0]) && MayBeNarrow(*call.arguments[1])) {
      arguments[0] = {"CAST(" + arguments[0].text + " AS BIGINT)"};
    }
    if (auto form = Form(call, arguments)) return *std::move(form);
    return Named(call, arguments);
  }

  /// Operators and forms, which every dialect writes nearly alike.
  std::optional<Fragment> Form(const Expression& call, const Fragments& arguments) const {
    static const std::map<std::string, const char*, std::less<>> kInfix = {
        {"+", " + "},   {"-", " - "},   {"*", " * "},     {"=", " = "},
        {"<>", " <> "}, {"<", " < "},   {"<=", " <= "},   {">", " > "},
        {">=", " >= "}, {"||", " || "}, {"and", " AND "}, {"or", " OR "}};
    static const std::map<std::string, const char*, std::less<>> kSuffix = {
        {"is_null", " IS NULL"},
        {"is_not_null", " IS NOT NULL"},
        {"is_true", " IS NOT DISTINCT FROM TRUE"},
        {"is_not_true", " IS DISTINCT FROM TRUE"},
        {"is_false", " IS NOT DISTINCT FROM FALSE"},
        {"is_not_false", " IS DISTINCT FROM FALSE"}};
    const std::string& name = call.name;
    if (const auto infix = kInfix.find(name); infix != kInfix.end()) {
      return Compound(Join(Operands(arguments), infix->second));
    }
    if (const auto suffix = kSuffix.find(name); suffix != kSuffix.end()) {
      return Compound(Operand(arguments[0]) + suffix->second);
    }
    if (name == "not") return Compound("NOT " + Operand(arguments[0]));
    if (name == "negate") return Compound("-" + Operand(arguments[0]));
    if (name == "/") {
      return Compound(Operand(arguments[0]) + " / nullif(" + arguments[1].text + ", 0)");
    }
    if (name == "%") {
      return Compound(Operand(arguments[0]) + " % nullif(" + arguments[1].text + ", 0)");
    }
    if (name == "is_distinct_from" || name == "is_not_distinct_from") {
      return Compound(
          Operand(arguments[0]) +
          (name == "is_distinct_from" ? " IS DISTINCT FROM " : " IS NOT DISTINCT FROM ") +
          Operand(arguments[1]));
    }
    if (name == "in") {
      const Fragments items(arguments.begin() + 1, arguments.end());
      return Compound(Operand(arguments[0]) + " IN (" + Join(Texts(items), ", ") + ")");
    }
    if (name == "like" || name == "ilike") return Like(call, arguments);
    if (name == "case") return Case(arguments);
    if (name == "add_days" && arrow::is_date(call.type->id()) && !is_spark()) {
      return Compound(Operand(arguments[0]) + " + CAST(" + arguments[1].text + " AS INTEGER)");
    }
    return std::nullopt;
  }

  /// PostgreSQL's patterns have the backslash as escape unless they name another; DuckDB's have
  /// none unless they do.
  Fragment Like(const Expression& call, const Fragments& arguments) const {
    std::string text = Operand(arguments[0]) + (call.name == "like" ? " LIKE " : " ILIKE ") +
                       Operand(arguments[1]);
    const Expression& pattern = *call.arguments[1];
    const bool has_backslash = pattern.kind != Expression::Kind::kLiteral ||
                               arguments[1].text.find('\\') != std::string::npos;
    if (arguments.size() > 2) {
      text += " ESCAPE " + Operand(arguments[2]);
    } else if (has_backslash) {
      text += " ESCAPE '\\'";
    }
    return Compound(std::move(text));
  }

  static Fragment Case(const Fragments& arguments) {
    std::string text = "CASE";
    for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
      text += " WHEN " + arguments[i].text + " THEN " + arguments[i + 1].text;
    }
    if (arguments.size() % 2 == 1) text += " ELSE " + arguments.back().text;
    return {text + " END"};
  }

  Fragment Named(const Expression& call, const Fragments& arguments) const {
    const std::string& spelling = call.function->duckdb;
    std::string text = Fill(spelling.empty() ? call.name + "({*})" : spelling, arguments);
    if (arrow::is_date(call.type->id()) && call.name == "date_trunc") {
      return Fragment{"CAST(" + text + " AS DATE)"};
    }
    return CallFragment(std::move(text));
  }

  const SqlContext& context_;
};

}  // namespace

arrow::Result<std::string> ExpressionToSql(const ExpressionPtr& expression,
                                           const SqlContext& context) {
  ARROW_ASSIGN_OR_RAISE(Fragment fragment, Writer(context).Write(*expression));
  return std::move(fragment.text);
}

arrow::Result<std::string> AggregateToSql(const AggregateCall& call, const SqlContext& context,
                                          const std::string& spelling,
                                          const std::string& condition) {
  const Writer writer(context);
  std::vector<Fragment> arguments;
  if (call.star) arguments.push_back({"*"});
  for (const ExpressionPtr& argument : call.arguments) {
    ARROW_ASSIGN_OR_RAISE(Fragment fragment, writer.Write(*argument));
    arguments.push_back(std::move(fragment));
  }
  for (const auto& constant : call.constants) {
    ARROW_ASSIGN_OR_RAISE(Fragment fragment, writer.Write(*LiteralExpression(constant)));
    arguments.push_back(std::move(fragment));
  }
  std::string pattern = spelling.empty() ? call.function + "({*})" : spelling;
  if (call.distinct) {
    const size_t first = pattern.find("{0}");
    if (first != std::string::npos && pattern.find("{0}", first + 1) != std::string::npos) {
      return Unsayable(call.function + "(distinct x)", context.dialect);
    }
    arguments[0] = {"DISTINCT " + arguments[0].text};
  }
  std::string filter;
  if (call.filter != nullptr) {
    ARROW_ASSIGN_OR_RAISE(Fragment fragment, writer.Write(*call.filter));
    filter = condition.empty() ? fragment.text : Operand(fragment) + " AND (" + condition + ")";
  } else {
    filter = condition;
  }
  if (!filter.empty()) filter = " FILTER (WHERE " + filter + ")";
  constexpr std::string_view kFilter = "{filter}";
  size_t place = pattern.find(kFilter);
  if (place == std::string::npos) return Fill(pattern, arguments) + filter;
  std::string text;
  for (; place != std::string::npos; place = pattern.find(kFilter)) {
    text += Fill(pattern.substr(0, place), arguments) + filter;
    pattern.erase(0, place + kFilter.size());
  }
  return text + Fill(pattern, arguments);
}

}  // namespace tidemill
