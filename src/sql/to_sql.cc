#include "sql/to_sql.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace tidemill {
namespace {

/// Text, and whether it binds tighter than any operator around it.
struct Fragment {
  std::string text;
  bool is_atom = true;
};

Fragment Compound(std::string text) { return {std::move(text), false}; }

std::string Operand(const Fragment& fragment) {
  return fragment.is_atom ? fragment.text : "(" + fragment.text + ")";
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (!joined.empty()) joined += separator;
    joined += part;
  }
  return joined;
}

std::vector<std::string> Operands(const std::vector<Fragment>& fragments) {
  std::vector<std::string> operands;
  for (const Fragment& fragment : fragments) operands.push_back(Operand(fragment));
  return operands;
}

std::vector<std::string> Texts(const std::vector<Fragment>& fragments) {
  std::vector<std::string> texts;
  for (const Fragment& fragment : fragments) texts.push_back(fragment.text);
  return texts;
}

arrow::Status Unsayable(const std::string& what, Dialect dialect) {
  return MakeError(ErrorCode::kInvalid,
                   what + (dialect == Dialect::kDuckDb ? " cannot be said in DuckDB's SQL"
                                                       : " cannot be said in Spark's SQL"));
}

/// `spelling` with {0}, {1}, ... and {*} replaced. A placeholder inside of an argument's text is
/// text.
std::string Fill(const std::string& spelling, const std::vector<Fragment>& arguments) {
  const std::vector<std::string> operands = Operands(arguments);
  std::string filled;
  for (size_t at = 0; at < spelling.size();) {
    const size_t close = spelling[at] == '{' ? spelling.find('}', at) : std::string::npos;
    if (close == std::string::npos) {
      filled += spelling[at++];
      continue;
    }
    const std::string_view inside(spelling.data() + at + 1, close - at - 1);
    size_t index = 0;
    const auto parsed = std::from_chars(inside.data(), inside.data() + inside.size(), index);
    if (inside == "*") {
      filled += Join(Texts(arguments), ", ");
    } else if (parsed.ec == std::errc() && index < operands.size()) {
      // Alone between commas or parentheses an argument needs none of its own.
      const char before = at == 0 ? ' ' : spelling[at - 1];
      const char after = close + 1 < spelling.size() ? spelling[close + 1] : ' ';
      const bool stands_alone = before == '(' && (after == ')' || after == ',');
      filled += stands_alone ? arguments[index].text : operands[index];
    }
    at = close + 1;
  }
  return filled;
}

/// Whether `text` is one call, name(...), whose parenthesis closes at the end.
bool IsOneCall(std::string_view text) {
  if (!text.ends_with(')')) return false;
  int depth = 0;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"' || c == '`') quote = c;
    if (c == '(') ++depth;
    if (c == ')' && --depth == 0 && i + 1 < text.size()) return false;
    if (depth == 0 && c == ' ') return false;
  }
  return true;
}

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
        const bool is_atom = IsOneCall(text);
        return Fragment{std::move(text), is_atom};
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
    if (name == "add_days" && arrow::is_date(call.type->id()) &&
        context_.dialect == Dialect::kDuckDb) {
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
    } else if (has_backslash && context_.dialect == Dialect::kDuckDb) {
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

  arrow::Result<Fragment> Named(const Expression& call, const Fragments& arguments) const {
    std::optional<std::string> spelling;
    if (context_.spelling) spelling = context_.spelling(*call.function);
    if (!spelling) {
      if (context_.dialect != Dialect::kDuckDb) return Unsayable(call.name, context_.dialect);
      spelling = call.function->duckdb;
    }
    const bool is_date = arrow::is_date(call.type->id()) && call.name == "date_trunc";
    std::string text = Fill(spelling->empty() ? call.name + "({*})" : *spelling, arguments);
    if (is_date) return Fragment{"CAST(" + text + " AS DATE)"};
    const bool is_atom = IsOneCall(text);
    return Fragment{std::move(text), is_atom};
  }

  const SqlContext& context_;
};

std::string DoubleText(double value, Dialect dialect) {
  if (std::isnan(value)) return "CAST('NaN' AS DOUBLE)";
  if (std::isinf(value))
    return value > 0 ? "CAST('Infinity' AS DOUBLE)" : "CAST('-Infinity' AS DOUBLE)";
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  std::string text(buffer.data(), end);
  // 1.5e+00 -> 1.5e0: shorter, and still a double and not a decimal.
  const size_t exponent = text.find('e');
  std::string digits = text.substr(exponent + 1);
  std::string sign = digits[0] == '-' ? "-" : "";
  digits.erase(0, 1);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  text = text.substr(0, exponent) + "e" + sign + digits;
  return dialect == Dialect::kSpark ? text + "D" : text;
}

std::string HexText(std::string_view bytes, std::string_view before_byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += before_byte;
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string TimestampText(const arrow::Scalar& value, const arrow::TimestampType& type,
                          Dialect dialect) {
  std::string text = value.ToString();
  if (text.ends_with('Z')) text.pop_back();
  if (!type.timezone().empty()) {
    // Arrow prints instants in UTC.
    return (dialect == Dialect::kDuckDb ? "TIMESTAMPTZ '" : "TIMESTAMP '") + text + "+00:00'";
  }
  if (dialect == Dialect::kSpark) return "TIMESTAMP_NTZ '" + text + "'";
  return (type.unit() == arrow::TimeUnit::NANO ? "TIMESTAMP_NS '" : "TIMESTAMP '") + text + "'";
}

}  // namespace

std::string QuoteName(std::string_view name, Dialect dialect) {
  const char quote = dialect == Dialect::kDuckDb ? '"' : '`';
  std::string quoted(1, quote);
  for (const char c : name) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  return quoted + quote;
}

std::string QuoteText(std::string_view text, Dialect dialect) {
  std::string quoted = "'";
  for (const char c : text) {
    if (dialect == Dialect::kDuckDb) {
      if (c == '\0') {  // ends the statement for its parser
        quoted += "' || chr(0) || '";
        continue;
      }
      if (c == '\'') quoted += '\'';
      quoted += c;
    } else {
      if (c == '\'' || c == '\\') quoted += '\\';
      if (c == '\0') {
        quoted += "\\0";
      } else {
        quoted += c;
      }
    }
  }
  return quoted + "'";
}

arrow::Result<std::string> TypeToSql(const arrow::DataType& type, Dialect dialect) {
  const bool duckdb = dialect == Dialect::kDuckDb;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return "BOOLEAN";
    case arrow::Type::INT8:
      return "TINYINT";
    case arrow::Type::INT16:
      return "SMALLINT";
    case arrow::Type::INT32:
      return "INTEGER";
    case arrow::Type::INT64:
      return "BIGINT";
    case arrow::Type::FLOAT:
      return duckdb ? "REAL" : "FLOAT";
    case arrow::Type::DOUBLE:
      return "DOUBLE";
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return duckdb ? "VARCHAR" : "STRING";
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return duckdb ? "BLOB" : "BINARY";
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "DATE";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return "DECIMAL(" + std::to_string(decimal.precision()) + "," +
             std::to_string(decimal.scale()) + ")";
    }
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      if (!timestamp.timezone().empty()) return duckdb ? "TIMESTAMPTZ" : "TIMESTAMP";
      if (!duckdb) return "TIMESTAMP_NTZ";
      switch (timestamp.unit()) {
        case arrow::TimeUnit::SECOND:
          return "TIMESTAMP_S";
        case arrow::TimeUnit::MILLI:
          return "TIMESTAMP_MS";
        case arrow::TimeUnit::MICRO:
          return "TIMESTAMP";
        case arrow::TimeUnit::NANO:
          return "TIMESTAMP_NS";
      }
      break;
    }
    case arrow::Type::UINT8:
      if (duckdb) return "UTINYINT";
      break;
    case arrow::Type::UINT16:
      if (duckdb) return "USMALLINT";
      break;
    case arrow::Type::UINT32:
      if (duckdb) return "UINTEGER";
      break;
    case arrow::Type::UINT64:
      if (duckdb) return "UBIGINT";
      break;
    default:
      break;
  }
  return Unsayable("the type " + TypeName(type), dialect);
}

arrow::Result<std::string> LiteralToSql(const arrow::Scalar& value, Dialect dialect) {
  if (value.type->id() == arrow::Type::NA) return "NULL";
  if (!value.is_valid) {
    ARROW_ASSIGN_OR_RAISE(std::string type, TypeToSql(*value.type, dialect));
    return "CAST(NULL AS " + type + ")";
  }
  switch (value.type->id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanScalar&>(value).value ? "TRUE" : "FALSE";
    case arrow::Type::FLOAT:
      return "CAST(" + DoubleText(static_cast<const arrow::FloatScalar&>(value).value, dialect) +
             (dialect == Dialect::kDuckDb ? " AS REAL)" : " AS FLOAT)");
    case arrow::Type::DOUBLE:
      return DoubleText(static_cast<const arrow::DoubleScalar&>(value).value, dialect);
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return QuoteText(static_cast<const arrow::BaseBinaryScalar&>(value).view(), dialect);
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY: {
      const std::string_view bytes = static_cast<const arrow::BaseBinaryScalar&>(value).view();
      return dialect == Dialect::kDuckDb ? "CAST('" + HexText(bytes, "\\x") + "' AS BLOB)"
                                         : "X'" + HexText(bytes, "") + "'";
    }
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "DATE '" + value.ToString() + "'";
    case arrow::Type::TIMESTAMP:
      return TimestampText(value, static_cast<const arrow::TimestampType&>(*value.type), dialect);
    case arrow::Type::DECIMAL128: {
      ARROW_ASSIGN_OR_RAISE(std::string type, TypeToSql(*value.type, dialect));
      return "CAST('" + value.ToString() + "' AS " + type + ")";
    }
    case arrow::Type::INT64:
      if (static_cast<const arrow::Int64Scalar&>(value).value == INT64_MIN) {
        return "CAST('-9223372036854775808' AS BIGINT)";
      }
      return value.ToString();
    default:
      if (arrow::is_integer(value.type->id())) return value.ToString();
      return Unsayable("a constant of type " + TypeName(*value.type), dialect);
  }
}

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
  const size_t place = pattern.find(kFilter);
  if (place == std::string::npos) return Fill(pattern, arguments) + filter;
  return Fill(pattern.substr(0, place), arguments) + filter +
         Fill(pattern.substr(place + kFilter.size()), arguments);
}

}  // namespace tidemill
