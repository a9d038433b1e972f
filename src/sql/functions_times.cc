// Parts of dates and timestamps, and their truncation.
//
// They run on every event, so the loops are compiled per unit of time (a day is then a constant
// that the compiler divides by without a division) and, for parts of the date, per part: timestamps
// to local days first, days to the part after. Zones other than UTC look each instant's offset up.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "sql/clock.h"
#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

enum class Part {
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kDayOfWeek,
  kIsoDayOfWeek,
  kDayOfYear,
  kIsoYear,
  kEpoch
};

constexpr std::array<std::pair<std::string_view, Part>, 15> kParts = {{
    {"year", Part::kYear},
    {"quarter", Part::kQuarter},
    {"month", Part::kMonth},
    {"week", Part::kWeek},
    {"day", Part::kDay},
    {"hour", Part::kHour},
    {"minute", Part::kMinute},
    {"second", Part::kSecond},
    {"millisecond", Part::kMillisecond},
    {"microsecond", Part::kMicrosecond},
    {"dow", Part::kDayOfWeek},
    {"isodow", Part::kIsoDayOfWeek},
    {"doy", Part::kDayOfYear},
    {"isoyear", Part::kIsoYear},
    {"epoch", Part::kEpoch},
}};

/// A unit's name in any case, singular or plural.
std::optional<Part> FindPart(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [part_name, part] : kParts) {
    if (lower == part_name || (lower.size() == part_name.size() + 1 && lower.back() == 's' &&
                               lower.starts_with(part_name))) {
      return part;
    }
  }
  return std::nullopt;
}

bool IsTruncatable(Part part) { return part <= Part::kSecond; }
bool IsTimeOfDay(Part part) { return part >= Part::kHour && part <= Part::kMicrosecond; }

/// Calls `visitor.operator()<ticks per second>()`.
template <typename Visitor>
auto VisitTicks(int64_t ticks_per_second, Visitor&& visitor) {
  switch (ticks_per_second) {
    case 1:
      return visitor.template operator()<1>();
    case 1'000:
      return visitor.template operator()<1'000>();
    case 1'000'000:
      return visitor.template operator()<1'000'000>();
    default:
      return visitor.template operator()<1'000'000'000>();
  }
}

/// A date or timestamp column as local time.
struct LocalTimes {
  std::shared_ptr<arrow::Buffer> validity;
  Clock clock;
  const int32_t* dates = nullptr;  ///< of a date column
  const int64_t* ticks = nullptr;  ///< of a timestamp column; with a zone, of its valid rows only
  std::vector<int64_t> converted;
};

arrow::Result<LocalTimes> ReadTimes(const Datum& times, int64_t num_rows) {
  const arrow::ArrayData& data = *times.array();
  LocalTimes local;
  ARROW_ASSIGN_OR_RAISE(local.validity, IntersectValidity({times}, num_rows));
  if (IsDate(*data.type)) {
    local.dates = data.GetValues<int32_t>(1);
    return local;
  }
  ARROW_ASSIGN_OR_RAISE(local.clock,
                        Clock::Of(static_cast<const arrow::TimestampType&>(*data.type)));
  local.ticks = data.GetValues<int64_t>(1);
  if (!local.clock.is_plain()) {
    local.converted.resize(static_cast<size_t>(num_rows));
    for (int64_t row = 0; row < num_rows; ++row) {
      if (IsValidAt(local.validity, row)) {
        local.converted[static_cast<size_t>(row)] = local.clock.ToLocal(local.ticks[row]);
      }
    }
    local.ticks = local.converted.data();
  }
  return local;
}

/// The civil day of each row.
std::vector<int64_t> DaysOf(const LocalTimes& local, int64_t num_rows) {
  std::vector<int64_t> days(static_cast<size_t>(num_rows));
  if (local.dates != nullptr) {
    std::copy_n(local.dates, num_rows, days.begin());
  } else {
    VisitTicks(local.clock.ticks_per_second(), [&]<int64_t kTicks>() {
      for (size_t row = 0; row < days.size(); ++row) {
        days[row] = FloorDivide(local.ticks[row], kTicks * kSecondsPerDay);
      }
    });
  }
  return days;
}

template <Part kPart>
int64_t PartOfDay(int64_t days) {
  if constexpr (kPart == Part::kYear) return CivilFromDays(days).year;
  if constexpr (kPart == Part::kQuarter) return (CivilFromDays(days).month + 2) / 3;
  if constexpr (kPart == Part::kMonth) return CivilFromDays(days).month;
  if constexpr (kPart == Part::kDay) return CivilFromDays(days).day;
  if constexpr (kPart == Part::kDayOfWeek) return FloorModulo(days + 4, 7);
  if constexpr (kPart == Part::kIsoDayOfWeek) return DaysSinceMonday(days) + 1;
  if constexpr (kPart == Part::kDayOfYear) {
    return days - DaysFromCivil(CivilFromDays(days).year, 1, 1) + 1;
  }
  if constexpr (kPart == Part::kWeek || kPart == Part::kIsoYear) {
    // The week belongs to the year of its Thursday.
    const int64_t thursday = days - DaysSinceMonday(days) + 3;
    const int64_t year = CivilFromDays(thursday).year;
    if constexpr (kPart == Part::kIsoYear) return year;
    return (thursday - DaysFromCivil(year, 1, 1)) / 7 + 1;
  }
  return 0;
}

/// Calls `visitor.operator()<part>()` for a part of a day's date.
template <typename Visitor>
auto VisitDayPart(Part part, Visitor&& visitor) {
  switch (part) {
    case Part::kYear:
      return visitor.template operator()<Part::kYear>();
    case Part::kQuarter:
      return visitor.template operator()<Part::kQuarter>();
    case Part::kMonth:
      return visitor.template operator()<Part::kMonth>();
    case Part::kWeek:
      return visitor.template operator()<Part::kWeek>();
    case Part::kDayOfWeek:
      return visitor.template operator()<Part::kDayOfWeek>();
    case Part::kIsoDayOfWeek:
      return visitor.template operator()<Part::kIsoDayOfWeek>();
    case Part::kDayOfYear:
      return visitor.template operator()<Part::kDayOfYear>();
    case Part::kIsoYear:
      return visitor.template operator()<Part::kIsoYear>();
    default:
      return visitor.template operator()<Part::kDay>();
  }
}

template <int64_t kTicks>
int64_t PartOfTime(Part part, int64_t ticks) {
  const int64_t of_day = FloorModulo(ticks, kTicks * kSecondsPerDay);
  switch (part) {
    case Part::kHour:
      return of_day / (kTicks * 3600);
    case Part::kMinute:
      return of_day / (kTicks * 60) % 60;
    case Part::kSecond:
      return of_day / kTicks % 60;
    case Part::kMillisecond:
      return kTicks >= 1'000 ? of_day % (kTicks * 60) / (kTicks / 1'000)
                             : of_day % (kTicks * 60) * (1'000 / kTicks);
    case Part::kMicrosecond:
      return kTicks >= 1'000'000 ? of_day % (kTicks * 60) / (kTicks / 1'000'000)
                                 : of_day % (kTicks * 60) * (1'000'000 / kTicks);
    default:
      return 0;
  }
}

arrow::Result<Datum> Extract(Part part, const Datum& times, int64_t num_rows) {
  ARROW_ASSIGN_OR_RAISE(const LocalTimes local, ReadTimes(times, num_rows));
  if (IsTimeOfDay(part)) {
    if (local.dates != nullptr) {
      return Generate<int64_t>(arrow::int64(), num_rows, local.validity,
                               [](int64_t) { return int64_t{0}; });
    }
    return VisitTicks(local.clock.ticks_per_second(), [&]<int64_t kTicks>() {
      return Generate<int64_t>(arrow::int64(), num_rows, local.validity, [&](int64_t row) {
        return PartOfTime<kTicks>(part, local.ticks[row]);
      });
    });
  }
  const std::vector<int64_t> days = DaysOf(local, num_rows);
  return VisitDayPart(part, [&]<Part kPart>() {
    return Generate<int64_t>(arrow::int64(), num_rows, local.validity, [&](int64_t row) {
      return PartOfDay<kPart>(days[static_cast<size_t>(row)]);
    });
  });
}

/// Seconds since the epoch, whole (T = int64_t, rounded down) or with their fraction (T = double).
template <typename T>
arrow::Result<Datum> Epoch(const Datum& times, const DataTypePtr& result, int64_t num_rows) {
  const arrow::ArrayData& data = *times.array();
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({times}, num_rows));
  if (IsDate(*data.type)) {
    const int32_t* days = data.GetValues<int32_t>(1);
    return Generate<T>(result, num_rows, validity,
                       [&](int64_t row) { return static_cast<T>(days[row] * kSecondsPerDay); });
  }
  const int64_t* ticks = data.GetValues<int64_t>(1);
  const auto unit = static_cast<const arrow::TimestampType&>(*data.type).unit();
  return VisitTicks(TicksPerSecond(unit), [&]<int64_t kTicks>() {
    return Generate<T>(result, num_rows, validity, [&](int64_t row) {
      if constexpr (std::is_same_v<T, double>) {
        return static_cast<double>(ticks[row]) / static_cast<double>(kTicks);
      } else {
        return FloorDivide(ticks[row], kTicks);
      }
    });
  });
}

// ---- date_trunc ----

/// The first day of the week, month, quarter or year of a day.
int64_t TruncateDay(Part part, int64_t days) {
  switch (part) {
    case Part::kWeek:
      return days - DaysSinceMonday(days);
    case Part::kMonth:
      return days - CivilFromDays(days).day + 1;
    case Part::kQuarter: {
      const CivilDate date = CivilFromDays(days);
      return DaysFromCivil(date.year, (date.month - 1) / 3 * 3 + 1, 1);
    }
    case Part::kYear:
      return DaysFromCivil(CivilFromDays(days).year, 1, 1);
    default:
      return days;
  }
}

template <int64_t kTicks>
int64_t TruncateTicks(Part part, int64_t ticks) {
  switch (part) {
    case Part::kSecond:
      return ticks - FloorModulo(ticks, kTicks);
    case Part::kMinute:
      return ticks - FloorModulo(ticks, kTicks * 60);
    case Part::kHour:
      return ticks - FloorModulo(ticks, kTicks * 3600);
    case Part::kDay:
      return ticks - FloorModulo(ticks, kTicks * kSecondsPerDay);
    default: {
      constexpr int64_t kTicksPerDay = kTicks * kSecondsPerDay;
      return TruncateDay(part, FloorDivide(ticks, kTicksPerDay)) * kTicksPerDay;
    }
  }
}

arrow::Result<Datum> Truncate(Part part, const Datum& times, const std::string& zone,
                              int64_t num_rows) {
  const arrow::ArrayData& data = *times.array();
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({times}, num_rows));
  if (IsDate(*data.type)) {
    const int32_t* days = data.GetValues<int32_t>(1);
    return Generate<int32_t>(data.type, num_rows, validity, [&](int64_t row) {
      return static_cast<int32_t>(TruncateDay(part, days[row]));
    });
  }
  ARROW_ASSIGN_OR_RAISE(const Clock clock,
                        Clock::Of(static_cast<const arrow::TimestampType&>(*data.type), zone));
  const int64_t* ticks = data.GetValues<int64_t>(1);
  return VisitTicks(clock.ticks_per_second(), [&]<int64_t kTicks>() {
    if (clock.is_plain()) {
      // The switch over parts is lifted out of the loop for the units that events are cut by.
      if (part == Part::kDay || part == Part::kHour) {
        const auto cut = [&]<int64_t kStep>() {
          return Generate<int64_t>(data.type, num_rows, validity, [&](int64_t row) {
            return ticks[row] - FloorModulo(ticks[row], kStep);
          });
        };
        return part == Part::kDay ? cut.template operator()<kTicks * kSecondsPerDay>()
                                  : cut.template operator()<kTicks * 3600>();
      }
      return Generate<int64_t>(data.type, num_rows, validity, [&](int64_t row) {
        return TruncateTicks<kTicks>(part, ticks[row]);
      });
    }
    const bool keeps_offset = IsTimeOfDay(part);
    return Generate<int64_t>(data.type, num_rows, validity, [&](int64_t row) {
      if (!IsValidAt(validity, row)) return int64_t{0};
      const int64_t offset = clock.OffsetAt(ticks[row]);
      const int64_t truncated = TruncateTicks<kTicks>(part, ticks[row] + offset);
      return keeps_offset ? truncated - offset : clock.ToInstant(truncated);
    });
  });
}

// ---- resolution ----

std::string PartNames(bool truncatable) {
  std::string names;
  for (const auto& [name, part] : kParts) {
    if (truncatable && !IsTruncatable(part)) continue;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names;
}

arrow::Result<Part> PartArgument(const std::string& function,
                                 const std::vector<ArgumentInfo>& arguments, bool truncatable) {
  if (!IsTextLiteral(arguments[0]) || !arguments[0].literal->is_valid) {
    return NoSignature(function, arguments,
                       "the first argument must be a unit in quotes, such as 'day'");
  }
  const std::string_view name = LiteralText(arguments[0]);
  const std::optional<Part> part = FindPart(name);
  if (!part || (truncatable && !IsTruncatable(*part))) {
    return NoSignature(
        function, arguments,
        "unknown unit '" + std::string(name) + "'; the units are " + PartNames(truncatable));
  }
  return *part;
}

Part PartOf(const Arguments& arguments) {
  return *FindPart(ScalarValue<std::string_view>(*arguments[0].scalar()));
}

Resolver ResolveExtract(std::string name) {
  return [name = std::move(name)](
             const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    ARROW_ASSIGN_OR_RAISE(const Part part, PartArgument(name, arguments, false));
    const DataTypePtr time = Accept(arguments[1], Wanted::kTimestamp);
    if (time == nullptr) {
      return NoSignature(name, arguments, "the second argument must be a date or a timestamp");
    }
    return ScalarSignature{{arrow::utf8(), time},
                           part == Part::kEpoch ? arrow::float64() : arrow::int64()};
  };
}

arrow::Result<ScalarSignature> ResolveTruncate(const std::vector<ArgumentInfo>& arguments) {
  ARROW_RETURN_NOT_OK(PartArgument("date_trunc", arguments, true));
  const DataTypePtr time = Accept(arguments[1], Wanted::kTimestamp);
  if (time == nullptr) {
    return NoSignature("date_trunc", arguments,
                       "the second argument must be a date or a timestamp");
  }
  ScalarSignature signature{{arrow::utf8(), time}, time};
  if (arguments.size() == 3) {
    if (!IsTextLiteral(arguments[2]) || !arguments[2].literal->is_valid) {
      return NoSignature("date_trunc", arguments,
                         "the third argument must be a time zone in quotes");
    }
    const auto* timestamp = dynamic_cast<const arrow::TimestampType*>(time.get());
    if (timestamp == nullptr || timestamp->timezone().empty()) {
      return NoSignature("date_trunc", arguments,
                         "a time zone applies to a timestamp with time zone only");
    }
    ARROW_RETURN_NOT_OK(Clock::Of(*timestamp, std::string(LiteralText(arguments[2]))));
    signature.arguments.push_back(arrow::utf8());
  }
  return signature;
}

arrow::Result<Datum> EvaluateExtract(const Arguments& arguments, const CallContext& context) {
  const Part part = PartOf(arguments);
  if (part == Part::kEpoch) {
    return Epoch<double>(arguments[1], arrow::float64(), context.num_rows);
  }
  return Extract(part, arguments[1], context.num_rows);
}

arrow::Result<Datum> EvaluateTruncate(const Arguments& arguments, const CallContext& context) {
  const std::string zone = arguments.size() == 3
                               ? std::string(ScalarValue<std::string_view>(*arguments[2].scalar()))
                               : "";
  return Truncate(PartOf(arguments), arguments[1], zone, context.num_rows);
}

void AddPart(ScalarRegistry* registry, const char* name, std::vector<std::string> aliases,
             Part part, ScalarFunctionDoc doc, const char* duckdb = "") {
  registry->Add({.name = name,
                 .aliases = std::move(aliases),
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = std::move(doc),
                 .resolve = Takes(name, {Wanted::kTimestamp}, arrow::int64()),
                 .evaluate = OnRows([part](const Arguments& arguments, const CallContext& context) {
                   return Extract(part, arguments[0], context.num_rows);
                 }),
                 .duckdb = duckdb});
}

}  // namespace

void RegisterTimes(ScalarRegistry* registry) {
  registry->Add(
      {.name = "extract",
       .aliases = {"date_part"},
       .min_arguments = 2,
       .max_arguments = 2,
       .doc = {"extract(unit from t)",
               "A part of a date or timestamp, in the timestamp's zone: year, quarter, month, week "
               "(ISO), day, hour, minute, second, millisecond and microsecond (both with the "
               "seconds), dow (0 = Sunday), isodow (1 = Monday), doy, isoyear; all of them bigint. "
               "epoch is seconds since 1970 as double precision. Also date_part(unit, t).",
               "extract(year from date '2026-03-02')", "2026"},
       .resolve = ResolveExtract("extract"),
       .evaluate = OnRows(EvaluateExtract, NullRule::kNullInNullOut, 1),
       .duckdb = "date_part({0}, {1})"});
  registry->Add(
      {.name = "date_trunc",
       .min_arguments = 2,
       .max_arguments = 3,
       .doc =
           {"date_trunc(unit, t [, zone])",
            "t cut down to the second, minute, hour, day, week (Monday), month, quarter or year "
            "that it is in. A date stays a date, a timestamp keeps its type. With time zone, the "
            "unit is one of that zone's calendar (or of `zone`).",
            "date_trunc('month', date '2026-03-17')", "2026-03-01"},
       .resolve = ResolveTruncate,
       .evaluate = OnRows(EvaluateTruncate, NullRule::kNullInNullOut, 1)});
  AddPart(registry, "year", {}, Part::kYear,
          {"year(t)", "The year.", "year(date '2026-03-02')", "2026"});
  AddPart(registry, "quarter", {}, Part::kQuarter,
          {"quarter(t)", "The quarter, 1 to 4.", "quarter(date '2026-03-02')", "1"});
  AddPart(registry, "month", {}, Part::kMonth,
          {"month(t)", "The month, 1 to 12.", "month(date '2026-03-02')", "3"});
  AddPart(registry, "week", {"weekofyear"}, Part::kWeek,
          {"week(t)", "The ISO week of the year, 1 to 53.", "week(date '2026-03-02')", "10"});
  AddPart(registry, "day", {"dayofmonth"}, Part::kDay,
          {"day(t)", "The day of the month, 1 to 31.", "day(date '2026-03-02')", "2"});
  AddPart(registry, "hour", {}, Part::kHour,
          {"hour(t)", "The hour, 0 to 23.", "hour(timestamp '2026-03-02 14:05:09')", "14"});
  AddPart(registry, "minute", {}, Part::kMinute,
          {"minute(t)", "The minute, 0 to 59.", "minute(timestamp '2026-03-02 14:05:09')", "5"});
  AddPart(registry, "second", {}, Part::kSecond,
          {"second(t)", "The whole second, 0 to 59.", "second(timestamp '2026-03-02 14:05:09.5')",
           "9"});
  AddPart(registry, "dayofyear", {}, Part::kDayOfYear,
          {"dayofyear(t)", "The day of the year, 1 to 366.", "dayofyear(date '2026-03-02')", "61"});
  registry->Add({.name = "dayofweek",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {"dayofweek(t)",
                         "The day of the week from 1 = Sunday to 7 = Saturday, as in Spark "
                         "(extract(dow from t) counts from 0 = Sunday).",
                         "dayofweek(date '2026-03-02')", "2"},
                 .resolve = Takes("dayofweek", {Wanted::kTimestamp}, arrow::int64()),
                 .evaluate = OnRows([](const Arguments& arguments,
                                       const CallContext& context) -> arrow::Result<Datum> {
                   ARROW_ASSIGN_OR_RAISE(Datum day_of_week,
                                         Extract(Part::kDayOfWeek, arguments[0], context.num_rows));
                   return CallArrow("add", {day_of_week, Datum(int64_t{1})});
                 }),
                 .duckdb = "(dayofweek({0}) + 1)"});
  registry->Add({.name = "epoch",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {"epoch(t)", "Whole seconds since 1970-01-01T00:00Z, rounded down.",
                         "epoch(timestamp '1970-01-02 00:00:01.5')", "86401"},
                 .resolve = Takes("epoch", {Wanted::kTimestamp}, arrow::int64()),
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return Epoch<int64_t>(arguments[0], arrow::int64(), context.num_rows);
                 }),
                 .duckdb = "CAST(floor(epoch({0})) AS BIGINT)"});
}

}  // namespace tidemill
