#pragma once

/// The calendar of a pipeline: slots (days or hours), their labels and their instants in a time
/// zone.

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tidemill {

/// A position on a pipeline's calendar. At grain day it counts civil days since 1970-01-01 in the
/// calendar's zone; at grain hour it counts hours of UTC instants since 1970-01-01T00Z. Only
/// Calendar knows which.
struct Slot {
  int32_t index = 0;

  auto operator<=>(const Slot&) const = default;
  friend Slot operator+(Slot slot, int32_t steps) { return {slot.index + steps}; }
  friend Slot operator-(Slot slot, int32_t steps) { return {slot.index - steps}; }
  friend int32_t operator-(Slot a, Slot b) { return a.index - b.index; }
};

/// An inclusive range of slots; empty when last < first.
struct SlotRange {
  Slot first;
  Slot last;

  int32_t size() const { return last < first ? 0 : last - first + 1; }
  bool Contains(Slot slot) const { return first <= slot && slot <= last; }
  bool operator==(const SlotRange&) const = default;
};

/// A civil day counted from 1970-01-01 (the value of an Arrow date32).
using CivilDay = int32_t;

/// "2026-03-02" -> its day; nothing for text that is not exactly a valid date.
std::optional<CivilDay> ParseCivilDay(std::string_view text);
std::string FormatCivilDay(CivilDay day);
CivilDay MakeCivilDay(int year, int month, int day);

struct YearMonthDay {
  int year, month, day;
};
YearMonthDay ToYearMonthDay(CivilDay day);

/// A time zone by its IANA name; UTC is the fast case. Immutable, shared between threads.
class TimeZone {
 public:
  /// Nothing if the name is unknown.
  static std::shared_ptr<const TimeZone> Find(const std::string& name);
  virtual ~TimeZone() = default;

  virtual const std::string& name() const = 0;
  virtual bool is_utc() const = 0;
  /// Microseconds to add to a UTC instant (microseconds since the epoch) to get local time.
  virtual int64_t OffsetAt(int64_t instant_micros) const = 0;
  /// The UTC instant of a local midnight-based time; the earlier of two, and the first instant
  /// after a gap.
  virtual int64_t ToInstant(int64_t local_micros) const = 0;
  /// The civil day of each instant (microseconds). Caches the last zone transition, so that it is
  /// fast on data.
  virtual void CivilDays(const int64_t* instants, int64_t n, int32_t* days) const = 0;
};

/// Which slots there are, at grain day or hour.
class Calendar {
 public:
  enum class Step { kDay, kHour };

  Calendar(Step step, std::shared_ptr<const TimeZone> zone) : step_(step), zone_(std::move(zone)) {}

  Step step() const { return step_; }
  const TimeZone& zone() const { return *zone_; }

  /// "2026-03-02" at grain day, "2026-03-02T14" at grain hour; nothing for anything else.
  std::optional<Slot> Parse(std::string_view label) const;
  std::string Format(Slot slot) const;

  /// The civil day (in the zone) that a slot belongs to.
  CivilDay DayOf(Slot slot) const;
  /// The slots of a civil day: one at grain day; 23, 24 or 25 at grain hour.
  SlotRange SlotsOfDay(CivilDay day) const;
  /// The slots with an instant on that civil day: more than SlotsOfDay where midnight is not on the
  /// full hour of UTC.
  SlotRange SlotsTouchingDay(CivilDay day) const;
  /// The days that the instants of these slots fall on, inclusive.
  std::pair<CivilDay, CivilDay> DaysTouched(SlotRange slots) const;
  /// [first instant, first instant after) in UTC microseconds.
  std::pair<int64_t, int64_t> Instants(Slot slot) const;
  /// The slot of each UTC instant (microseconds).
  void SlotsOfInstants(const int64_t* instants, int64_t n, int32_t* slots) const;

  /// The first slot of the window of `count` `unit`s that ends with `last`, inclusive. `count` days
  /// at grain hour reach back to the same local hour `count` days before, exclusive.
  Slot WindowBegin(Slot last, int32_t count, Step unit) const;
  /// The slot `count` `unit`s after `slot`. Days after at grain hour lead to the same local hour,
  /// the first if it comes twice, the next one that there is if it is skipped.
  Slot After(Slot slot, int32_t count, Step unit) const;

 private:
  Step step_;
  std::shared_ptr<const TimeZone> zone_;
};

}  // namespace tidemill
