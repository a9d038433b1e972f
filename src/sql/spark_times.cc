// Dates and times in Spark's SQL.
//
// Its functions of timestamps with time zone go by the session's zone, which is the pipeline's; of
// timestamps without one they show what is written. Timestamps of another zone (to_timestamp(x) is
// one of UTC) are brought to local time first. Differences and sums of timestamps without zone are
// exact; those with one are not, where clocks change between them, so microseconds are counted.

#include <array>
#include <map>

#include <fmt/format.h>

#include "sql/function_registry.h"
#include "sql/signatures.h"
#include "sql/spark_functions.h"
#include "sql/spark_zones.h"

namespace tidemill {
namespace {

/// The unit of argument 0 in lower case, singular.
std::string UnitOf(const SparkArguments& arguments) {
  std::string unit = arguments.literal(0)->ToString();
  for (char& c : unit) c = static_cast<char>(std::tolower(c));
  if (unit.ends_with('s')) unit.pop_back();
  return unit;
}

/// Argument `i` such that Spark's functions see the local time of its type's zone.
std::string Local(const SparkArguments& arguments, size_t i) {
  const std::string& text = arguments.fragments[i].text;
  const arrow::DataType& type = arguments.type(i);
  if (!IsZoned(type) || ZoneOf(type) == arguments.session_zone) return text;
  return SparkLocalTime(text, ZoneOf(type), arguments.session_zone);
}

/// Microseconds since the epoch of a timestamp, or since the epoch of local time without zone.
std::string MicrosOf(const std::string& text, const arrow::DataType& type) {
  if (IsZoned(type)) return "unix_micros(" + text + ")";
  return SparkMicrosOfLocalTime(IsDate(type) ? "CAST(" + text + " AS TIMESTAMP_NTZ)"
                                             : "(" + text + ")");
}

// ---- parts

/// extract(unit from t), of a date or of local time.
std::string PartOf(const std::string& unit, const std::string& time, bool is_date) {
  static const std::map<std::string, std::string, std::less<>> kOfDay = {
      {"year", "YEAR"},          {"quarter", "QUARTER"}, {"month", "MONTH"},
      {"week", "WEEK"},          {"day", "DAY"},         {"doy", "DOY"},
      {"isoyear", "YEAROFWEEK"}, {"isodow", "DOW_ISO"},  {"dow", "DOW"}};
  if (const auto field = kOfDay.find(unit); field != kOfDay.end()) {
    const std::string part = "extract(" + field->second + " FROM " + time + ")";
    return "CAST(" + part + (unit == "dow" ? " - 1" : "") + " AS BIGINT)";
  }
  if (is_date) return "CASE WHEN " + time + " IS NOT NULL THEN 0L END";
  if (unit == "hour" || unit == "minute") return "CAST(" + unit + "(" + time + ") AS BIGINT)";
  const std::string seconds = "extract(SECOND FROM " + time + ")";
  const std::string scale = unit == "millisecond"   ? " * 1000"
                            : unit == "microsecond" ? " * 1000000"
                                                    : "";
  return "CAST(floor(" + seconds + scale + ") AS BIGINT)";
}

arrow::Result<Fragment> Extract(const SparkArguments& arguments) {
  const std::string unit = UnitOf(arguments);
  if (unit == "epoch") {
    return Compound("CAST(" + MicrosOf(arguments.fragments[1].text, arguments.type(1)) +
                    " AS DOUBLE) / 1e6D");
  }
  return CallFragment(PartOf(unit, Local(arguments, 1), IsDate(arguments.type(1))));
}

arrow::Result<Fragment> Part(const SparkArguments& arguments) {
  const std::string unit = arguments.name() == "dayofyear" ? "doy" : arguments.name();
  return CallFragment(PartOf(unit, Local(arguments, 0), IsDate(arguments.type(0))));
}

arrow::Result<Fragment> DayOfWeek(const SparkArguments& arguments) {
  return CallFragment("CAST(extract(DOW FROM " + Local(arguments, 0) + ") AS BIGINT)");
}

arrow::Result<Fragment> Epoch(const SparkArguments& arguments) {
  return CallFragment("CAST(floor(" + MicrosOf(arguments.fragments[0].text, arguments.type(0)) +
                      " / 1e6D) AS BIGINT)");
}

// ---- truncation

bool IsTimeOfDay(const std::string& unit) {
  return unit == "hour" || unit == "minute" || unit == "second";
}

std::string TruncatedDate(const std::string& unit, const std::string& date) {
  if (unit == "day") return date;
  std::string upper = unit;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  return "trunc(" + date + ", '" + upper + "')";
}

/// Of a timestamp without zone.
std::string TruncatedLocal(const std::string& unit, const std::string& time) {
  if (!IsTimeOfDay(unit)) {
    return "CAST(" + TruncatedDate(unit, "CAST(" + time + " AS DATE)") + " AS TIMESTAMP_NTZ)";
  }
  std::string rest = "extract(SECOND FROM " + time + ")";
  if (unit == "second") rest += " % 1";
  const std::string minutes = unit == "hour" ? "minute(" + time + ")" : "0";
  return "(" + time + " - make_dt_interval(0, 0, " + minutes + ", CAST(" + rest +
         " AS DECIMAL(18,6))))";
}

arrow::Result<Fragment> Truncate(const SparkArguments& arguments) {
  const std::string unit = UnitOf(arguments);
  const std::string time = arguments.fragments[1].text;
  const arrow::DataType& type = arguments.type(1);
  if (IsDate(type)) {
    if (IsTimeOfDay(unit)) return arguments.fragments[1];
    return CallFragment(TruncatedDate(unit, time));
  }
  if (!IsZoned(type)) {
    return Fragment{TruncatedLocal(unit, Operand(arguments.fragments[1]))};
  }
  const std::string zone = arguments.size() > 2 ? arguments.literal(2)->ToString() : ZoneOf(type);
  if (zone == arguments.session_zone) {
    // The midnight that date_trunc('DAY') finds is the later one where there are two.
    if (!IsTimeOfDay(unit)) {
      return CallFragment("CAST(" + TruncatedDate(unit, "CAST(" + time + " AS DATE)") +
                          " AS TIMESTAMP)");
    }
    return CallFragment("date_trunc('" + unit + "', " + time + ")");
  }
  const std::string local = SparkLocalTime(time, zone, arguments.session_zone);
  if (IsTimeOfDay(unit)) {
    // What was cut off is cut off the instant, so that it keeps its offset.
    return Fragment{"timestamp_micros(unix_micros(" + time + ") - ((" + local + " - " +
                    TruncatedLocal(unit, local) + ") div INTERVAL '0.000001' SECOND))"};
  }
  const std::string instant =
      fmt::format("convert_timezone({}, 'UTC', {})", QuoteText(zone, Dialect::kSpark),
                  TruncatedLocal(unit, local));
  return Fragment{"timestamp_micros(" +
                  MicrosOf(instant, *arrow::timestamp(arrow::TimeUnit::MICRO)) + ")"};
}

// ---- arithmetic

arrow::Result<Fragment> AddDays(const SparkArguments& arguments) {
  const arrow::DataType& type = *arguments.call.type;
  if (IsDate(type)) return arguments.Filled("date_add({0}, CAST({1} AS INTEGER))");
  const std::string days = Fill("make_dt_interval(CAST({1} AS INTEGER))", arguments.fragments);
  if (!IsZoned(type)) return Compound(Operand(arguments.fragments[0]) + " + " + days);
  const std::string local =
      SparkLocalTime(arguments.fragments[0].text, ZoneOf(type), arguments.session_zone);
  if (ZoneOf(type) == arguments.session_zone) {
    return CallFragment(SparkInstantOf("(" + local + " + " + days + ")", arguments.session_zone));
  }
  if (ZoneOf(type) != "UTC") {
    return Unsayable("days added to timestamps of " + ZoneOf(type), Dialect::kSpark);
  }
  return arguments.Filled("timestamp_micros(unix_micros({0}) + {1} * 86400000000L)");
}

arrow::Result<Fragment> AddMicros(const SparkArguments& arguments) {
  if (IsZoned(*arguments.call.type)) {
    return arguments.Filled("timestamp_micros(unix_micros({0}) + {1})");
  }
  return Compound(Operand(arguments.fragments[0]) + " + " +
                  SparkMicrosInterval(arguments.fragments[1].text));
}

arrow::Result<Fragment> ToTimestamp(const SparkArguments& arguments) {
  return arguments.Filled(IsInteger(arguments.type(0))
                              ? "timestamp_seconds({0})"
                              : "timestamp_micros(CAST(round({0} * 1e6D) AS BIGINT))");
}

template <const char* const& kSpelling>
arrow::Result<Fragment> Spelled(const SparkArguments& arguments) {
  return arguments.Filled(kSpelling);
}

const char* const kDateDiff = "CAST(datediff({0}, {1}) AS BIGINT)";
const char* const kDateAdd = "date_add({0}, CAST({1} AS INTEGER))";
const char* const kDateSub = "date_sub({0}, CAST({1} AS INTEGER))";
const char* const kMakeDate =
    "make_date(CAST({0} AS INTEGER), CAST({1} AS INTEGER), CAST({2} AS INTEGER))";

}  // namespace

SparkWriter FindSparkTimeWriter(const std::string& name) {
  static const std::map<std::string, SparkWriter, std::less<>> kWriters = {
      {"extract", Extract},
      {"date_trunc", Truncate},
      {"year", Part},
      {"quarter", Part},
      {"month", Part},
      {"week", Part},
      {"day", Part},
      {"hour", Part},
      {"minute", Part},
      {"second", Part},
      {"dayofyear", Part},
      {"dayofweek", DayOfWeek},
      {"epoch", Epoch},
      {"datediff", Spelled<kDateDiff>},
      {"date_add", Spelled<kDateAdd>},
      {"date_sub", Spelled<kDateSub>},
      {"make_date", Spelled<kMakeDate>},
      {"add_days", AddDays},
      {"add_micros", AddMicros},
      {"to_timestamp", ToTimestamp},
  };
  const auto writer = kWriters.find(name);
  return writer == kWriters.end() ? nullptr : writer->second;
}

}  // namespace tidemill
