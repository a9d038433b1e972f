#pragma once

/// The click stream behind `GenerateEvents`: one day of it as a table.

#include <cstdint>
#include <memory>

#include <arrow/result.h>
#include <arrow/table.h>

#include "base/calendar.h"
#include "tidemill/generate.h"

namespace tidemill {

/// Pseudo-random numbers that are the same on every machine (splitmix64).
class RandomStream {
 public:
  /// Streams of different `seed` or `stream` are unrelated.
  RandomStream(uint64_t seed, uint64_t stream);

  uint64_t Next();
  /// Uniform in [0, 1), a multiple of 2^-53.
  double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  /// Uniform in [0, bound), bound > 0. The bias is below bound / 2^64.
  int64_t NextBelow(int64_t bound);

 private:
  uint64_t state_;
};

/// Ranks 0 .. count - 1, of which rank r is drawn about (r + 1)^-skew as often as rank 0: the
/// inverse distribution function of the continuous power law, cut into unit steps.
class PowerLawRanks {
 public:
  PowerLawRanks(int64_t count, double skew);

  int64_t Draw(RandomStream* random) const;

 private:
  int64_t count_;
  double skew_;
  double low_, high_;  ///< the integral of x^-skew at the ends of [0.5, count + 0.5]
};

/// The events of one day, ordered by time.
arrow::Result<std::shared_ptr<arrow::Table>> EventsOfDay(const GenerateOptions& options,
                                                         CivilDay day);

}  // namespace tidemill
