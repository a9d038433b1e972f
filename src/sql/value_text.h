#pragma once

/// Values as text and back: what cast(text as T) reads and cast(x as text) writes. The forms are
/// PostgreSQL's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/int128.h"

namespace tidemill {

/// Readers ignore white space around the value and give nothing for text that is no value of the
/// type.
std::optional<bool> ParseBoolean(std::string_view text);
std::optional<int64_t> ParseInteger(std::string_view text);
std::optional<uint64_t> ParseUnsigned(std::string_view text);
/// Also NaN, Infinity, -Infinity, inf.
std::optional<double> ParseDouble(std::string_view text);
/// A decimal of so many digits, rounded half away from zero to `scale` places; nothing if it has
/// more digits.
std::optional<int128_t> ParseDecimal(std::string_view text, int precision, int scale);

/// A date with an optional time of day and an optional offset from UTC.
struct TimeText {
  int64_t days = 0;                       ///< since 1970-01-01, local
  int64_t nanos_of_day = 0;               ///< digits beyond nanoseconds are cut off
  std::optional<int64_t> offset_seconds;  ///< of a zone suffix: Z, UTC, +02, +02:00
};
/// "2026-03-02", "2026-03-02 14:05", "2026-03-02T14:05:09.25+02:00"; years of 4 to 6 digits.
std::optional<TimeText> ParseTime(std::string_view text);

/// The shortest text that reads back as the same value: "1", "1.5", "1e+20", "NaN", "-Infinity".
std::string FormatDouble(double value);
std::string FormatFloat(float value);
/// "2026-03-02"
std::string FormatDate(int64_t days);
/// "14:05:09.25": no fraction where it is zero, no trailing zeros. `ticks` of the day.
std::string FormatTimeOfDay(int64_t ticks, int64_t ticks_per_second);
/// "+02", "-03:30"
std::string FormatUtcOffset(int64_t seconds);

}  // namespace tidemill
