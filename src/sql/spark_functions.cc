#include "sql/spark_functions.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sql/function_registry.h"
#include "sql/signatures.h"

namespace tidemill {
namespace {

bool IsSmallEnough(int64_t value) { return value >= INT32_MIN && value <= INT32_MAX; }

/// A spelling of argument `i` as the INT that Spark's text functions take, moved to the nearest
/// one.
std::string AsInt(const SparkArguments& arguments, size_t i) {
  if (const auto* constant = dynamic_cast<const arrow::Int64Scalar*>(arguments.literal(i))) {
    return std::to_string(std::clamp<int64_t>(constant->value, INT32_MIN + int64_t{1}, INT32_MAX));
  }
  // greatest and least would pass NULL over.
  const std::string number = fmt::format("{{{}}}", i);
  return "CAST(CASE WHEN " + number + " > 2147483647L THEN 2147483647L WHEN " + number +
         " < -2147483647L THEN -2147483647L ELSE " + number + " END AS INTEGER)";
}

/// The constant at `i`, if it is one that fits an INT.
std::optional<int64_t> SmallConstant(const SparkArguments& arguments, size_t i) {
  const auto* constant = dynamic_cast<const arrow::Int64Scalar*>(arguments.literal(i));
  if (constant == nullptr || !IsSmallEnough(constant->value)) return std::nullopt;
  return constant->value;
}

// ---- numbers

arrow::Result<Fragment> Arithmetic(const SparkArguments& arguments) {
  const arrow::DataType& type = *arguments.call.type;
  const std::string spelling = "{0} " + arguments.name() + " {1}";
  if (IsDate(type)) {
    const bool date_first = IsDate(arguments.type(0));
    return arguments.Filled(arguments.name() == "-" ? "date_sub({0}, CAST({1} AS INTEGER))"
                            : date_first            ? "date_add({0}, CAST({1} AS INTEGER))"
                                                    : "date_add({1}, CAST({0} AS INTEGER))");
  }
  if (IsDate(arguments.type(0))) return arguments.Filled("CAST(datediff({0}, {1}) AS BIGINT)");
  if (!IsDecimal(type)) return Compound(Fill(spelling, arguments.fragments));
  // Spark's own precision of a result may be a digit more.
  ARROW_ASSIGN_OR_RAISE(const std::string name, TypeToSql(type, Dialect::kSpark));
  return Fragment{"CAST(" + Fill(spelling, arguments.fragments) + " AS " + name + ")"};
}

arrow::Result<Fragment> Negate(const SparkArguments& arguments) {
  return Compound("-" + Operand(arguments.fragments[0]));
}

arrow::Result<Fragment> Sign(const SparkArguments& arguments) {
  return arguments.Filled(IsFloat(*arguments.call.type) ? "sign({0})"
                                                        : "CAST(sign({0}) AS BIGINT)");
}

arrow::Result<Fragment> ElementAt(const SparkArguments& arguments) {
  if (arguments.type(0).id() == arrow::Type::MAP)
    return arguments.Filled("try_element_at({0}, {1})");
  return arguments.Filled("CASE WHEN {1} <> 0 THEN try_element_at({0}, CAST({1} AS INTEGER)) END");
}

/// Doubles of this magnitude have no fraction.
constexpr const char* kWhole = "4503599627370496e0D";

/// floor and ceil. Of doubles they are bigints in Spark.
arrow::Result<Fragment> ToWhole(const SparkArguments& arguments) {
  const std::string& name = arguments.name();
  const arrow::DataType& type = *arguments.call.type;
  if (IsInteger(type)) return arguments.fragments[0];
  if (IsFloat(type)) {
    return arguments.Filled("CASE WHEN abs({0}) < " + std::string(kWhole) + " THEN CAST(" + name +
                            "({0}) AS DOUBLE) ELSE {0} END");
  }
  ARROW_ASSIGN_OR_RAISE(const std::string to, TypeToSql(type, Dialect::kSpark));
  return arguments.Filled("CAST(" + name + "({0}) AS " + to + ")");
}

/// round(x, digits) of doubles, as here: scaled, rounded and scaled back. Spark's own goes by the
/// decimal digits.
std::string RoundedUp(const std::string& power) { return "round({0} * " + power + ") / " + power; }
std::string RoundedDown(const std::string& power) {
  return "round({0} / " + power + ") * " + power;
}

/// Digits beyond these scale doubles to infinity.
constexpr int64_t kMostUp = 292;
constexpr int64_t kMostDown = 308;

/// `digits` is none if they are not constant.
std::string RoundedTo(std::optional<int64_t> digits) {
  const std::string is_fraction = "abs({0}) < " + std::string(kWhole);
  const std::string nothing = "{0} * 0e0D";  // NaN of what is not finite
  if (!digits) {
    const std::string up = "pow(10e0D, CAST({1} AS DOUBLE))";
    const std::string down = "pow(10e0D, CAST(-{1} AS DOUBLE))";
    return fmt::format(
        "CASE WHEN {{1}} < -{} THEN {} WHEN {{1}} < 0 THEN {} WHEN {{1}} <= {} AND {} THEN {} "
        "WHEN {{1}} IS NOT NULL THEN {{0}} END",
        kMostDown, nothing, RoundedDown(down), kMostUp, is_fraction, RoundedUp(up));
  }
  if (*digits < -kMostDown) return "(" + nothing + ")";
  if (*digits < 0) return "(" + RoundedDown(fmt::format("1e{}D", -*digits)) + ")";
  if (*digits > kMostUp) return "{0}";
  const std::string rounded =
      *digits == 0 ? "round({0})" : RoundedUp(fmt::format("1e{}D", *digits));
  return "CASE WHEN " + is_fraction + " THEN " + rounded + " ELSE {0} END";
}

arrow::Result<Fragment> Round(const SparkArguments& arguments) {
  const arrow::DataType& type = *arguments.call.type;
  const bool has_digits = arguments.size() > 1;
  std::optional<int64_t> digits = 0;
  if (has_digits) digits = SmallConstant(arguments, 1);
  if (!IsFloat(type)) {
    if (!digits) {
      return Unsayable("round(x, digits) of exact numbers with digits that are not constant",
                       Dialect::kSpark, "round to a constant number of places");
    }
    ARROW_ASSIGN_OR_RAISE(const std::string to, TypeToSql(type, Dialect::kSpark));
    return arguments.Filled(fmt::format("CAST(round({{0}}, {}) AS {})", *digits, to));
  }
  return arguments.Filled(RoundedTo(digits));
}

// ---- texts

arrow::Result<Fragment> Substring(const SparkArguments& arguments) {
  const std::optional<int64_t> start = SmallConstant(arguments, 1);
  const std::string start_text = AsInt(arguments, 1);
  const std::string from =
      start ? std::to_string(std::max<int64_t>(*start, 1))
            : "CASE WHEN " + start_text + " < 1 THEN 1 ELSE " + start_text + " END";
  if (arguments.size() == 2) return arguments.Filled("substring({0}, " + from + ")");
  const std::optional<int64_t> length = SmallConstant(arguments, 2);
  if (start && length) {
    const int64_t count = *start + *length - std::max<int64_t>(*start, 1);
    return arguments.Filled(
        fmt::format("substring({{0}}, {}, {})", from, std::clamp<int64_t>(count, 0, INT32_MAX)));
  }
  // Characters before the text count as well.
  const std::string length_text = AsInt(arguments, 2);
  const std::string before =
      start ? std::to_string(std::max<int64_t>(1 - *start, 0))
            : "CASE WHEN " + start_text + " < 1 THEN 1 - (" + start_text + ") ELSE 0 END";
  return arguments.Filled(
      fmt::format("CASE WHEN {0} <= {1} THEN substring({{0}}, {2}, 0) ELSE substring({{0}}, {2}, "
                  "{0} - {1}) END",
                  length_text, before, from));
}

/// left and right: where n is negative, all but the characters of the other end.
arrow::Result<Fragment> LeftOrRight(const SparkArguments& arguments) {
  const bool is_left = arguments.name() == "left";
  const std::string count = AsInt(arguments, 1);
  const std::string some = fmt::format("{}({{0}}, {})", arguments.name(), count);
  const std::string others =
      is_left ? fmt::format("left({{0}}, greatest(char_length({{0}}) + ({}), 0))", count)
              : fmt::format("substring({{0}}, 1 - ({}))", count);
  if (arguments.literal(1) != nullptr) {
    return arguments.Filled(count.starts_with('-') ? others : some);
  }
  return arguments.Filled("CASE WHEN {1} >= 0 THEN " + some + " WHEN {1} < 0 THEN " + others +
                          " END");
}

arrow::Result<Fragment> Trim(const SparkArguments& arguments) {
  const std::string side = arguments.name() == "ltrim"   ? "LEADING"
                           : arguments.name() == "rtrim" ? "TRAILING"
                                                         : "BOTH";
  const std::string set = arguments.size() > 1 ? "{1}" : "' '";
  return arguments.Filled("trim(" + side + " " + set + " FROM {0})");
}

arrow::Result<Fragment> SplitPart(const SparkArguments& arguments) {
  return arguments.Filled("split_part({0}, {1}, " + AsInt(arguments, 2) + ")");
}

arrow::Result<Fragment> GreatestOrLeast(const SparkArguments& arguments) {
  if (arguments.size() == 1) return arguments.fragments[0];
  return arguments.Filled(arguments.name() + "({*})");
}

// ---- by name

/// Functions whose text does not depend on their arguments.
const std::map<std::string, std::string, std::less<>> kSpellings = {
    {"%", "{0} % nullif({1}, 0)"},
    {"mod", "{0} % nullif({1}, 0)"},
    {"coalesce", "coalesce({*})"},
    {"nullif", "nullif({*})"},
    {"abs", "abs({0})"},
    {"ln", "ln({0})"},  // NULL unless positive, as here
    {"log10", "log10({0})"},
    {"log2", "log2({0})"},
    {"exp", "exp({0})"},
    {"sqrt", "CASE WHEN {0} >= 0 THEN sqrt({0}) END"},
    {"power", "CASE WHEN {0} <> 0 OR {1} >= 0 THEN pow({0}, {1}) END"},
    {"isnan", "{0} = CAST('NaN' AS DOUBLE)"},
    {"lower", "lower({0})"},
    {"upper", "upper({0})"},
    {"length", "CAST(char_length({0}) AS BIGINT)"},
    {"octet_length", "CAST(octet_length({0}) AS BIGINT)"},
    {"replace", "replace({0}, {1}, {2})"},
    {"starts_with", "startswith({0}, {1})"},
    {"ends_with", "endswith({0}, {1})"},
    {"strpos", "CAST(instr({0}, {1}) AS BIGINT)"},
    {"concat", "concat_ws('', {*})"},
    {"cardinality", "CAST(size({0}) AS BIGINT)"},
};

const std::map<std::string, SparkWriter, std::less<>> kWriters = {
    {"+", Arithmetic},
    {"-", Arithmetic},
    {"*", Arithmetic},
    {"negate", Negate},
    {"sign", Sign},
    {"floor", ToWhole},
    {"ceil", ToWhole},
    {"round", Round},
    {"greatest", GreatestOrLeast},
    {"least", GreatestOrLeast},
    {"element_at", ElementAt},
    {"substring", Substring},
    {"left", LeftOrRight},
    {"right", LeftOrRight},
    {"trim", Trim},
    {"ltrim", Trim},
    {"rtrim", Trim},
    {"split_part", SplitPart},
    {"cast", SparkCast},
    {"like", SparkLike},
    {"ilike", SparkLike},
    {"regexp_matches", SparkRegex},
};

}  // namespace

const arrow::Scalar* SparkArguments::literal(size_t i) const {
  const Expression& argument = *call.arguments[i];
  if (argument.kind != Expression::Kind::kLiteral || !argument.value->is_valid) return nullptr;
  return argument.value.get();
}

arrow::Result<std::optional<Fragment>> SparkCall(const Expression& call,
                                                 const std::vector<Fragment>& arguments,
                                                 const std::string& session_zone) {
  const SparkArguments as_written{call, arguments, session_zone};
  const std::string& name = as_written.name();
  if (const auto spelling = kSpellings.find(name); spelling != kSpellings.end()) {
    return as_written.Filled(spelling->second);
  }
  const auto writer = kWriters.find(name);
  const SparkWriter write = writer != kWriters.end() ? writer->second : FindSparkTimeWriter(name);
  if (write == nullptr) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(Fragment written, write(as_written));
  return written;
}

}  // namespace tidemill
