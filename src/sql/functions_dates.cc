#include <cmath>
#include <string>

#include "sql/clock.h"
#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

arrow::Status OutOfRange(const DataTypePtr& type, int64_t steps, const char* what) {
  return arrow::Status::Invalid(TypeName(*type), " out of range: moved by ", steps, " ", what);
}

arrow::Result<Datum> DateDiff(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return VisitValues<int32_t>(arguments[0], [&](auto end) {
    return VisitValues<int32_t>(arguments[1], [&](auto start) {
      return Generate<int64_t>(arrow::int64(), context.num_rows, validity, [&](int64_t row) {
        return int64_t{end(row)} - int64_t{start(row)};
      });
    });
  });
}

/// t + direction * days, on the calendar of the timestamp's zone.
arrow::Result<Datum> AddDays(const Arguments& arguments, const CallContext& context,
                             int64_t direction) {
  const DataTypePtr& type = context.call->type;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return VisitValues<int64_t>(arguments[1], [&](auto days) -> arrow::Result<Datum> {
    const auto refuse = [&](int64_t row) { return OutOfRange(type, days(row), "days"); };
    if (IsDate(*type)) {
      return VisitValues<int32_t>(arguments[0], [&](auto date) {
        return GenerateOrFail<int32_t>(
            type, context.num_rows, validity,
            [&](int64_t row, int32_t* out) {
              int64_t moved;
              if (__builtin_mul_overflow(days(row), direction, &moved) ||
                  __builtin_add_overflow(moved, int64_t{date(row)}, &moved)) {
                return false;
              }
              *out = static_cast<int32_t>(moved);
              return *out == moved;
            },
            refuse);
      });
    }
    ARROW_ASSIGN_OR_RAISE(const Clock clock,
                          Clock::Of(static_cast<const arrow::TimestampType&>(*type)));
    return VisitValues<int64_t>(arguments[0], [&](auto time) {
      return GenerateOrFail<int64_t>(
          type, context.num_rows, validity,
          [&](int64_t row, int64_t* out) {
            int64_t moved;
            if (__builtin_mul_overflow(days(row), direction * clock.ticks_per_day(), &moved) ||
                __builtin_add_overflow(moved, clock.ToLocal(time(row)), &moved)) {
              return false;
            }
            *out = clock.ToInstant(moved);
            return true;
          },
          refuse);
    });
  });
}

arrow::Result<Datum> AddMicros(const Arguments& arguments, const CallContext& context) {
  const DataTypePtr& type = context.call->type;
  const auto unit = static_cast<const arrow::TimestampType&>(*type).unit();
  const int64_t ticks_per_micro = TicksPerSecond(unit) / 1'000'000;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return VisitValues<int64_t>(arguments[0], [&](auto time) {
    return VisitValues<int64_t>(arguments[1], [&](auto micros) {
      return GenerateOrFail<int64_t>(
          type, context.num_rows, validity,
          [&](int64_t row, int64_t* out) {
            int64_t ticks;
            return !__builtin_mul_overflow(micros(row), ticks_per_micro, &ticks) &&
                   !__builtin_add_overflow(ticks, time(row), out);
          },
          [&](int64_t row) { return OutOfRange(type, micros(row), "microseconds"); });
    });
  });
}

arrow::Result<Datum> MakeDate(const Arguments& arguments, const CallContext& context) {
  constexpr int64_t kMaxYear = 9999;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return VisitValues<int64_t>(arguments[0], [&](auto year) {
    return VisitValues<int64_t>(arguments[1], [&](auto month) {
      return VisitValues<int64_t>(arguments[2], [&](auto day) {
        return GenerateOrFail<int32_t>(
            arrow::date32(), context.num_rows, validity,
            [&](int64_t row, int32_t* out) {
              const int64_t y = year(row), m = month(row), d = day(row);
              if (y < 1 || y > kMaxYear || m < 1 || m > 12 || d < 1 ||
                  d > DaysInMonth(y, static_cast<int32_t>(m))) {
                return false;
              }
              *out = static_cast<int32_t>(
                  DaysFromCivil(y, static_cast<int32_t>(m), static_cast<int32_t>(d)));
              return true;
            },
            [&](int64_t row) {
              return arrow::Status::Invalid("make_date(", year(row), ", ", month(row), ", ",
                                            day(row), "): there is no such date");
            });
      });
    });
  });
}

template <typename T>
arrow::Result<Datum> ToTimestampFrom(const Arguments& arguments, const CallContext& context) {
  constexpr int64_t kMicros = 1'000'000;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const ColumnValues<T> seconds(*arguments[0].array());
  return GenerateOrFail<int64_t>(
      context.call->type, context.num_rows, validity,
      [&](int64_t row, int64_t* out) {
        if constexpr (std::is_same_v<T, double>) {
          constexpr double kLimit = 9.2233720368547e18;
          const double micros = std::round(seconds(row) * static_cast<double>(kMicros));
          if (!(std::fabs(micros) < kLimit)) return false;
          *out = static_cast<int64_t>(micros);
          return true;
        } else {
          return !__builtin_mul_overflow(seconds(row), kMicros, out);
        }
      },
      [&](int64_t row) {
        return arrow::Status::Invalid("timestamp out of range: to_timestamp(", seconds(row), ")");
      });
}

arrow::Result<Datum> ToTimestamp(const Arguments& arguments, const CallContext& context) {
  return IsInteger(*arguments[0].type()) ? ToTimestampFrom<int64_t>(arguments, context)
                                         : ToTimestampFrom<double>(arguments, context);
}

// ---- resolution ----

arrow::Result<ScalarSignature> ResolveDateDiff(const std::vector<ArgumentInfo>& arguments) {
  for (const ArgumentInfo& argument : arguments) {
    if (Accept(argument, Wanted::kTimestamp) == nullptr) {
      return NoSignature("datediff", arguments,
                         "both arguments must be dates or timestamps: datediff(end, start)");
    }
  }
  return ScalarSignature{{arrow::date32(), arrow::date32()}, arrow::int64()};
}

Resolver ResolveDateAdd(std::string name) {
  return [name = std::move(name)](
             const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    if (Accept(arguments[0], Wanted::kDate) == nullptr) {
      return NoSignature(name, arguments,
                         "the first argument must be a date; cast it, or use add_days(t, n) to "
                         "keep the time of day");
    }
    if (Accept(arguments[1], Wanted::kInteger) == nullptr) {
      return NoSignature(name, arguments, "the second argument must be a number of days");
    }
    return ScalarSignature{{arrow::date32(), arrow::int64()}, arrow::date32()};
  };
}

arrow::Result<ScalarSignature> ResolveAddDays(const std::vector<ArgumentInfo>& arguments) {
  const DataTypePtr time = Accept(arguments[0], Wanted::kTimestamp);
  if (time == nullptr || Accept(arguments[1], Wanted::kInteger) == nullptr) {
    return NoSignature("add_days", arguments,
                       "the arguments must be a date or timestamp and a number of days");
  }
  return ScalarSignature{{time, arrow::int64()}, time};
}

arrow::Result<ScalarSignature> ResolveAddMicros(const std::vector<ArgumentInfo>& arguments) {
  DataTypePtr time = Accept(arguments[0], Wanted::kTimestamp);
  if (time == nullptr || Accept(arguments[1], Wanted::kInteger) == nullptr) {
    return NoSignature("add_micros", arguments,
                       "the arguments must be a timestamp and a number of microseconds");
  }
  if (IsDate(*time)) {
    time = arrow::timestamp(arrow::TimeUnit::MICRO);
  } else {
    const auto& timestamp = static_cast<const arrow::TimestampType&>(*time);
    if (timestamp.unit() < arrow::TimeUnit::MICRO) {
      time = arrow::timestamp(arrow::TimeUnit::MICRO, timestamp.timezone());
    }
  }
  return ScalarSignature{{time, arrow::int64()}, time};
}

arrow::Result<ScalarSignature> ResolveToTimestamp(const std::vector<ArgumentInfo>& arguments) {
  const bool integer = IsInteger(*arguments[0].type);
  if (!integer && Accept(arguments[0], Wanted::kDouble) == nullptr) {
    return NoSignature("to_timestamp", arguments,
                       "the argument must be seconds since 1970; for text write "
                       "cast(x as timestamp)");
  }
  return ScalarSignature{{integer ? arrow::int64() : arrow::float64()},
                         arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")};
}

}  // namespace

void RegisterDates(ScalarRegistry* registry) {
  registry->Add({.name = "datediff",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .doc = {"datediff(end, start)",
                         "Days from the date of `start` to the date of `end`; the date of a "
                         "timestamp is that of its zone.",
                         "datediff(date '2026-03-02', date '2026-02-27')", "3"},
                 .resolve = ResolveDateDiff,
                 .evaluate = OnRows(DateDiff),
                 .duckdb = "date_diff('day', CAST({1} AS DATE), CAST({0} AS DATE))"});
  registry->Add({.name = "date_add",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .doc = {"date_add(date, days)", "The date so many days later.",
                         "date_add(date '2026-02-27', 3)", "2026-03-02"},
                 .resolve = ResolveDateAdd("date_add"),
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return AddDays(arguments, context, 1);
                 }),
                 .duckdb = "({0} + CAST({1} AS INTEGER))"});
  registry->Add({.name = "date_sub",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .doc = {"date_sub(date, days)", "The date so many days before.",
                         "date_sub(date '2026-03-02', 3)", "2026-02-27"},
                 .resolve = ResolveDateAdd("date_sub"),
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return AddDays(arguments, context, -1);
                 }),
                 .duckdb = "({0} - CAST({1} AS INTEGER))"});
  registry->Add({.name = "add_days",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .doc = {"add_days(t, n)",
                         "A date or timestamp n calendar days later; a timestamp with time zone "
                         "keeps its local time of day.",
                         "add_days(timestamp '2026-02-28 12:00:00', 1)", "2026-03-01 12:00:00"},
                 .resolve = ResolveAddDays,
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return AddDays(arguments, context, 1);
                 }),
                 .duckdb = "({0} + to_days(CAST({1} AS INTEGER)))"});
  registry->Add(
      {.name = "add_micros",
       .min_arguments = 2,
       .max_arguments = 2,
       .doc = {"add_micros(t, n)", "A timestamp n microseconds later.",
               "add_micros(timestamp '2026-03-02 00:00:00', 1500000)", "2026-03-02 00:00:01.5"},
       .resolve = ResolveAddMicros,
       .evaluate = OnRows(AddMicros),
       .duckdb = "({0} + to_microseconds({1}))"});
  registry->Add(
      {.name = "make_date",
       .min_arguments = 3,
       .max_arguments = 3,
       .doc = {"make_date(year, month, day)",
               "A date from its parts; an error if there is no such date.", "make_date(2026, 3, 2)",
               "2026-03-02"},
       .resolve = Takes("make_date", {Wanted::kInteger, Wanted::kInteger, Wanted::kInteger},
                        arrow::date32()),
       .evaluate = OnRows(MakeDate)});
  registry->Add({.name = "to_timestamp",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {"to_timestamp(seconds)",
                         "The UTC timestamp of seconds since 1970, to the microsecond.",
                         "to_timestamp(86400.5)", "1970-01-02 00:00:00.5+00"},
                 .resolve = ResolveToTimestamp,
                 .evaluate = OnRows(ToTimestamp)});
}

}  // namespace tidemill
