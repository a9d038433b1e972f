#pragma once

/// Timestamps of any unit and zone as integers: ticks per second, local time, and back.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>
#include <arrow/type.h>

#include "base/calendar.h"
#include "sql/civil.h"

namespace tidemill {

constexpr int64_t TicksPerSecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1'000;
    case arrow::TimeUnit::MICRO:
      return 1'000'000;
    case arrow::TimeUnit::NANO:
      return 1'000'000'000;
  }
  return 1;
}

/// The seconds of an offset from UTC: "Z", "+05", "+0530", "-05:30" or "-05:30:15"; nothing for
/// other text.
std::optional<int64_t> ParseUtcOffset(std::string_view text);

/// The clock that a timestamp type's values are read by.
class Clock {
 public:
  /// The clock of `type`; `zone` replaces the type's own if not empty. An error that names an
  /// unknown zone.
  static arrow::Result<Clock> Of(const arrow::TimestampType& type, const std::string& zone = "");

  int64_t ticks_per_second() const { return ticks_; }
  int64_t ticks_per_day() const { return ticks_ * kSecondsPerDay; }
  /// Whether local time is the stored value: naive timestamps and UTC.
  bool is_plain() const { return zone_ == nullptr && fixed_offset_ == 0; }

  /// Ticks to add to an instant to get local time.
  int64_t OffsetAt(int64_t instant) const {
    return zone_ == nullptr ? fixed_offset_ : FromMicros(zone_->OffsetAt(ToMicros(instant)));
  }
  int64_t ToLocal(int64_t instant) const { return instant + OffsetAt(instant); }
  /// The instant of a local time: the earlier of two, the first after a gap.
  int64_t ToInstant(int64_t local) const {
    if (zone_ == nullptr) return local - fixed_offset_;
    const int64_t micros = ToMicros(local);
    return local + FromMicros(zone_->ToInstant(micros) - micros);
  }

 private:
  int64_t ToMicros(int64_t ticks) const {
    constexpr int64_t kMicros = 1'000'000;
    if (ticks_ > kMicros) return FloorDivide(ticks, ticks_ / kMicros);
    int64_t micros;
    if (!__builtin_mul_overflow(ticks, kMicros / ticks_, &micros)) return micros;
    return ticks < 0 ? INT64_MIN : INT64_MAX;
  }
  int64_t FromMicros(int64_t micros) const {
    constexpr int64_t kMicros = 1'000'000;
    return ticks_ > kMicros ? micros * (ticks_ / kMicros) : FloorDivide(micros, kMicros / ticks_);
  }

  int64_t ticks_ = 1;
  int64_t fixed_offset_ = 0;  ///< ticks; for zones such as "+05:30"
  std::shared_ptr<const TimeZone> zone_;
};

}  // namespace tidemill
