#pragma once

/// COUNT(DISTINCT) over all windows of all dates of a pass, without a set per window.
///
/// Take one entity and one value, and the strata s1 < s2 < ... in which the value occurs. The value
/// counts for a date if the date's window holds at least one of them. Sweeping the occurrences in
/// order, occurrence s with its predecessor p adds exactly the dates whose window holds s but not
/// p: those that end at s or later, and begin after p and not after s. Windows of consecutive dates
/// move forward, so these dates are consecutive, and the sweep only notes +1 at the first and -1
/// behind the last of them in a difference array per (entity, window). Prefix sums over the dates
/// give every count. The work is one step per distinct (entity, stratum, value), whatever the
/// number of dates and the length of the windows; with a single date it degenerates to counting
/// each value once.

#include <cstdint>
#include <vector>

#include "engine/bucket.h"
#include "engine/strata.h"

namespace tidemill {

/// Which dates an occurrence adds; the same for all buckets of a pass.
class DateSpans {
 public:
  DateSpans(const Strata& strata, size_t num_dates, size_t num_windows);

  struct Span {
    int32_t first;
    int32_t last;  ///< inclusive; before `first` if there is no date
  };
  bool has_one_stratum() const { return num_strata_ == 1; }
  /// The dates whose window holds `stratum` but not `previous` (< stratum, or -1 for none).
  Span NewDates(size_t window, int32_t stratum, int32_t previous) const {
    const size_t base = window * num_strata_;
    int32_t first = ends_from_[base + static_cast<size_t>(stratum)];
    if (previous >= 0) {
      const int32_t after = begins_after_[base + static_cast<size_t>(previous)];
      if (after > first) first = after;
    }
    return {first, begins_until_[base + static_cast<size_t>(stratum)]};
  }

 private:
  size_t num_strata_;
  std::vector<int32_t> ends_from_;     ///< first date whose window ends at the stratum or later
  std::vector<int32_t> begins_after_;  ///< first date whose window begins after the stratum
  std::vector<int32_t> begins_until_;  ///< last date whose window begins at the stratum or before
};

/// Updates a state with one distinct value of a slot, whose argument is of `kind`.
void FeedDistinctValue(const DistinctSlot& slot, ArgumentKind kind, const Hash128& value,
                       const AggregateKernel& kernel, uint8_t* state, Arena* arena);

/// Results of one DistinctSlot for one bucket.
class DistinctSweep {
 public:
  DistinctSweep(const TileLayout& layout, size_t slot, const ValueInterner& interner,
                const DateSpans& spans, size_t num_dates, size_t num_windows);

  arrow::Status Run(const BucketTable& table);

  /// Whether the masks of the tiles are in the counts already. If not, a window's mask tells its
  /// whole count.
  bool masks_are_values() const { return interner_.overflowed(); }

  /// Moves on to the next date, in order from 0; afterwards `count` speaks of that date.
  void Advance();
  int64_t count(size_t window, size_t entity) const {
    return running_[window * num_entities_ + entity];
  }
  /// The state that the distinct values of (date, entity) were fed into.
  const uint8_t* fed_state(size_t result, size_t date, size_t entity) const;

 private:
  void MakeRoom();
  void AddDates(size_t entity, const Hash128& value, int32_t stratum, int32_t previous);

  const TileLayout& layout_;
  size_t slot_;
  const ValueInterner& interner_;
  const DateSpans& spans_;
  size_t num_dates_;
  size_t num_windows_;
  size_t num_entities_ = 0;
  bool has_values_ = false;
  size_t date_ = 0;
  ArgumentKind kind_ = ArgumentKind::kNone;
  std::vector<bool> window_counts_;        ///< which windows are asked for
  std::vector<int32_t> differences_;       ///< [date][window][entity]
  std::vector<int32_t> running_;           ///< [window][entity]
  std::vector<std::vector<uint8_t>> fed_;  ///< per result: [entity][date] states
  Arena arena_;
};

}  // namespace tidemill
