#pragma once

/// Lengths of time as text: interval '1 week 2 days 03:30'.

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace tidemill {

/// Days are civil days; what is shorter is exact time.
struct Interval {
  int64_t days = 0;
  int64_t micros = 0;
};

/// Reads pairs of a number and a unit (microseconds to weeks) and a time hh:mm[:ss[.ffffff]], each
/// with an optional sign, added up. Errors (Invalid, a message only) for anything else; months and
/// years are refused, since they have no fixed length; so is what exceeds 10000 years.
arrow::Result<Interval> ParseInterval(std::string_view text);

}  // namespace tidemill
