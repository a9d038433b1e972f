#pragma once

/// Windows that end at the instants of labels.
///
/// A feature date cuts time for all entities at once; a label cuts it for its own entity alone, at
/// any microsecond. So what strata are to a pass over feature dates, the elementary intervals of an
/// entity are to a pass over labels: the begins and ends of the windows of its labels cut time into
/// intervals, and two events of the entity in one interval lie in exactly the same windows. They
/// share a tile, whatever the number of labels, and each label's window is a range of intervals.
/// Interval numbers are the entity's own and take the place of stratum numbers, so that everything
/// between the grouping of rows and the merging of windows (tiles, runs, spilling, buckets) does
/// not know which of the two it works for.
///
/// A window of a label at instant t is [begin, t): an event at t is not in it. `31d` begins at the
/// same local time 31 days before, `6h` six times 60 minutes before.

#include <cstdint>
#include <utility>
#include <vector>

#include "base/calendar.h"
#include "engine/entity_index.h"
#include "engine/group_rows.h"
#include "engine/strata.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// Labels as a pipeline sees them.
struct LabelKeys {
  EntityIndex entities;
  std::vector<uint32_t> entity;   ///< per label; EntityIndex::kNone: it can have no features
  std::vector<int64_t> instants;  ///< per label, UTC microseconds; any where it has no entity
};

/// The instant at which a window that ends at `instant` begins.
int64_t WindowBeginAt(int64_t instant, const WindowLength& window, const TimeZone& zone);

class LabelWindows {
 public:
  /// `labels` outlives this.
  LabelWindows(const LabelKeys& labels, const std::vector<WindowLength>& windows,
               const TimeZone& zone);

  const LabelKeys& labels() const { return labels_; }
  uint32_t Find(const Bytes& entity) const { return labels_.entities.Find(entity); }

  /// The interval of an entity that holds the instant, -1 if no window of its labels does.
  int32_t IntervalOf(uint32_t entity, int64_t instant) const;

  /// The labels of an entity, by instant, have the places [begin(e), begin(e + 1)).
  size_t begin(uint32_t entity) const { return label_begin_[entity]; }
  uint32_t label(size_t place) const { return order_[place]; }
  /// The intervals that a window of the label at a place consists of.
  StratumRange Window(size_t place, size_t window) const {
    return {first_[place * windows_ + window], last_[place]};
  }

  /// All windows lie in [first, second).
  std::pair<int64_t, int64_t> span() const { return span_; }

 private:
  void OrderLabels();
  void CutEntity(uint32_t entity, const std::vector<WindowLength>& windows, const TimeZone& zone);

  const LabelKeys& labels_;
  size_t windows_;
  std::vector<size_t> label_begin_;  ///< per entity, and one more
  std::vector<uint32_t> order_;      ///< labels with an entity, by entity and instant
  std::vector<size_t> bound_begin_;  ///< per entity, and one more
  std::vector<int64_t> bounds_;      ///< ascending within an entity
  std::vector<uint8_t> is_covered_;  ///< per bound: whether a window holds what follows it
  std::vector<int32_t> first_;       ///< per place and window
  std::vector<int32_t> last_;        ///< per place
  std::pair<int64_t, int64_t> span_ = {0, 0};
};

/// Divides groups by entity into groups by (entity, interval). `instants` is one per row. Rows in
/// no window take no part; there may be no group at all.
RowGroups GroupByIntervals(const LabelWindows& windows, RowGroups entities,
                           const std::vector<int64_t>& instants);

}  // namespace tidemill
