#pragma once

/// The proleptic Gregorian calendar as integer arithmetic, inline because it runs on every event.
/// The algorithms are those of Howard Hinnant, "chrono-compatible low-level date algorithms".

#include <cstdint>

namespace tidemill {

constexpr int64_t kSecondsPerDay = 86400;

constexpr int64_t FloorDivide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient - (a % b < 0 ? 1 : 0);
}

/// a mod b in [0, b).
constexpr int64_t FloorModulo(int64_t a, int64_t b) {
  const int64_t rest = a % b;
  return rest < 0 ? rest + b : rest;
}

struct CivilDate {
  int64_t year;
  int32_t month;  ///< 1..12
  int32_t day;    ///< 1..31
};

/// The date of a day counted from 1970-01-01.
constexpr CivilDate CivilFromDays(int64_t days) {
  const int64_t shifted = days + 719468;  // from 0000-03-01
  const int64_t era = FloorDivide(shifted, 146097);
  const auto day_of_era = static_cast<uint32_t>(shifted - era * 146097);
  const uint32_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const uint32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted_month = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<int32_t>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  const auto month =
      static_cast<int32_t>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {int64_t{year_of_era} + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

/// Days from 1970-01-01 to a date.
constexpr int64_t DaysFromCivil(int64_t year, int32_t month, int32_t day) {
  const int64_t shifted_year = year - (month <= 2 ? 1 : 0);
  const int64_t era = FloorDivide(shifted_year, 400);
  const int64_t year_of_era = shifted_year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

constexpr bool IsLeapYear(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int32_t DaysInMonth(int64_t year, int32_t month) {
  constexpr int32_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[month - 1];
}

/// Days since Monday: 0..6.
constexpr int64_t DaysSinceMonday(int64_t days) { return FloorModulo(days + 3, 7); }

}  // namespace tidemill
