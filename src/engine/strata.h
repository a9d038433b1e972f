#pragma once

/// The division of a pass's slots into strata.
///
/// A pass computes one or many feature dates, each over one or more windows. Two neighbouring slots
/// that lie in exactly the same windows of all those dates need never be told apart, so their
/// events can share one tile. A stratum is a longest run of such slots. One date with one window
/// has a single stratum, and its tiles are its entities; one date with windows of 1, 7 and 31 days
/// has three; a backfill over consecutive dates has one per day, except for the days before its
/// first date's shortest window. Thus a single date and a backfill are the same code, and neither
/// pays for the other.

#include <cstdint>
#include <vector>

#include "base/calendar.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// An inclusive range of strata.
struct StratumRange {
  int32_t first = 0;
  int32_t last = -1;
};

class Strata {
 public:
  Strata() = default;
  /// `dates` ascending and distinct, `windows` not empty.
  Strata(const Calendar& calendar, const std::vector<Slot>& dates,
         const std::vector<WindowLength>& windows);

  int32_t size() const { return size_; }
  /// First to last slot of any window. Slots between that no window needs belong to no stratum.
  SlotRange slots() const { return slots_; }
  /// The stratum of a slot, -1 if no window holds it.
  int32_t Of(Slot slot) const {
    return slots_.Contains(slot) ? of_slot_[static_cast<size_t>(slot - slots_.first)] : -1;
  }
  /// The strata of a date's window.
  StratumRange Window(size_t date, size_t window) const {
    return windows_[date * windows_per_date_ + window];
  }
  /// The window of a date that reaches back furthest: which one that is may change where windows of
  /// days and of hours meet a day of 23 or 25 hours.
  size_t Longest(size_t date) const;
  /// The slots of a date's window.
  SlotRange WindowSlots(size_t date, size_t window) const {
    return window_slots_[date * windows_per_date_ + window];
  }

 private:
  int32_t size_ = 0;
  SlotRange slots_;
  std::vector<int32_t> of_slot_;
  size_t windows_per_date_ = 0;
  std::vector<StratumRange> windows_;
  std::vector<SlotRange> window_slots_;
};

/// The grain of a pipeline file as a step of its calendar.
inline Calendar::Step StepOf(Grain grain) {
  return grain == Grain::kDay ? Calendar::Step::kDay : Calendar::Step::kHour;
}

}  // namespace tidemill
