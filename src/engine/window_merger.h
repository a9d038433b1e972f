#pragma once

/// From the tiles of a bucket to the aggregates of one feature date after another.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/array.h>

#include "engine/bucket.h"
#include "engine/distinct_sweep.h"
#include "engine/plan.h"
#include "engine/scan.h"

namespace tidemill {

/// The aggregates of one date: a row per entity that has any event in the longest window, or one
/// anyway (entity_universe.h).
struct DateAggregates {
  size_t index = 0;                                    ///< of the date in the plan
  std::vector<uint32_t> entities;                      ///< indices into BucketTable, ascending
  std::vector<std::shared_ptr<arrow::Array>> results;  ///< one per BoundPipeline::aggregates
};

/// Walks the dates of a pass in order. Tiles of an entity are sorted by stratum and windows only
/// move forward, so each window keeps two cursors per entity; a window is the merge of the tiles
/// between them. Merging is preferred to subtracting the tiles that fall out: it holds for every
/// function, and typical entities have few tiles.
class WindowMerger {
 public:
  WindowMerger(const Plan& plan, const ScanResult& scan, const BucketTable& table,
               const DateSpans& spans);

  arrow::Status Prepare();

  /// The next date; call once per date of the plan, in order. With `wanted` false the date is
  /// passed over; one that failed does not disturb those after it.
  arrow::Result<DateAggregates> Next(bool wanted);

 private:
  void MoveCursors(size_t date_index);
  /// Whether the entity has a row on every date.
  bool IsInUniverse(size_t entity) const;
  arrow::Status Finalize(size_t result, const std::vector<const uint8_t*>& rows,
                         DateAggregates* date) const;
  arrow::Result<std::shared_ptr<arrow::Array>> CountDistinct(
      const ResultSlot& result, const std::vector<const uint8_t*>& rows,
      const DateAggregates& date) const;

  const Plan& plan_;
  const TileLayout& layout_;
  const BucketTable& table_;
  std::vector<DistinctSweep> sweeps_;
  size_t next_date_ = 0;
  std::vector<uint32_t> end_;                 ///< per entity: behind the last tile of the date
  std::vector<std::vector<uint32_t>> begin_;  ///< per window and entity: first tile of the window
  std::vector<uint8_t> identity_;             ///< states over no rows
  std::unique_ptr<uint8_t[]> merged_;
  size_t merged_capacity_ = 0;
};

}  // namespace tidemill
