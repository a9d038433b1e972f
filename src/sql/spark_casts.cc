#include <fmt/format.h>

#include "sql/function_registry.h"
#include "sql/signatures.h"
#include "sql/spark_functions.h"
#include "sql/spark_zones.h"

namespace tidemill {
namespace {

arrow::Result<Fragment> ToText(const SparkArguments& arguments) {
  const arrow::DataType& from = arguments.type(0);
  if (IsFloat(from)) {
    return Unsayable("the text of a " + TypeName(from) + " number", Dialect::kSpark,
                     "its digits differ between engines; cast it to a decimal first");
  }
  if (!IsZoned(from)) return arguments.Filled("CAST({0} AS STRING)");
  if (ZoneOf(from) == arguments.session_zone) {
    return Compound(
        Fill("CAST({0} AS STRING) || regexp_replace(date_format({0}, 'xxx'), ':00$', '')",
             arguments.fragments));
  }
  if (ZoneOf(from) != "UTC")
    return Unsayable("the text of times of " + ZoneOf(from), Dialect::kSpark);
  return Compound("CAST(" +
                  SparkLocalTime(arguments.fragments[0].text, "UTC", arguments.session_zone) +
                  " AS STRING) || '+00'");
}

/// A cast that Spark makes NULL or infinite where it is an error here: where `condition` holds.
Fragment Refusing(const std::string& condition, const SparkArguments& arguments,
                  const std::string& as_type) {
  const std::string to = " to " + TypeName(*arguments.call.type) + ": out of range";
  return arguments.Filled("CASE WHEN " + condition +
                          " THEN raise_error('cannot cast ' || CAST({0} AS STRING) || " +
                          QuoteText(to, Dialect::kSpark) + ") ELSE CAST({0}" + as_type + " END");
}

}  // namespace

/// Where Spark cuts a number off, it is rounded first.
arrow::Result<Fragment> SparkCast(const SparkArguments& arguments) {
  const arrow::DataType& from = arguments.type(0);
  const arrow::DataType& to = *arguments.call.type;
  ARROW_ASSIGN_OR_RAISE(const std::string type, TypeToSql(to, Dialect::kSpark));
  const std::string as_type = " AS " + type + ")";
  if (IsText(to)) return IsText(from) ? arguments.fragments[0] : ToText(arguments);
  if (IsInteger(to)) {
    if (IsFloat(from)) return arguments.Filled("CAST(rint({0})" + as_type);
    if (IsDecimal(from)) return arguments.Filled("CAST(round({0}, 0)" + as_type);
  }
  if (IsFloat(from) && IsDecimal(to)) {
    return Refusing("abs({0}) >= CAST('Infinity' AS DOUBLE)", arguments, as_type);  // also of NaN
  }
  if (from.id() == arrow::Type::DOUBLE && to.id() == arrow::Type::FLOAT) {
    return Refusing(
        "abs({0}) < CAST('Infinity' AS DOUBLE) AND abs(CAST({0} AS FLOAT)) >= CAST('Infinity' AS "
        "FLOAT)",
        arguments, as_type);
  }
  if (IsZoned(from)) {
    if (IsZoned(to)) return arguments.fragments[0];
    const std::string local =
        SparkLocalTime(arguments.fragments[0].text, ZoneOf(from), arguments.session_zone);
    return CallFragment(IsDate(to) ? "CAST(" + local + " AS DATE)" : local);
  }
  if (IsZoned(to) && (IsTimestamp(from) || IsDate(from))) {
    if (ZoneOf(to) != arguments.session_zone) {
      return Unsayable("a cast to timestamps of " + ZoneOf(to), Dialect::kSpark);
    }
    if (IsDate(from)) return arguments.Filled("CAST({0} AS TIMESTAMP)");
    return CallFragment(SparkInstantOf(arguments.fragments[0].text, arguments.session_zone));
  }
  return arguments.Filled("CAST({0}" + as_type);
}

}  // namespace tidemill
