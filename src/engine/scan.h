#pragma once

/// The first phase of a pass: every morsel read once and reduced to tiles, in parallel, with no
/// shared state.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/entity_key.h"
#include "engine/frame_metrics.h"
#include "engine/plan.h"
#include "engine/row_rules.h"
#include "engine/row_spool.h"
#include "engine/tile_store.h"
#include "engine/value_interner.h"

namespace tidemill {

/// How a pass runs.
struct PassOptions {
  int threads = 1;
  int writers = 1;          ///< dates that take rows at the same time
  int64_t tile_memory = 0;  ///< bytes of tiles to hold before spilling; 0: no limit
  /// Bytes of dimensions to hold; beyond them events are cut into parts on disk. 0: no limit.
  int64_t dimension_memory = 0;
  int64_t wave_rows =
      1 << 19;  ///< features (over all dates) that are computed before they are written
  /// Whether the tiles shall mean the same in another process: distinct values as such, not as
  /// masks of this process's ValueInterners.
  bool portable_tiles = false;
  /// A new path in the scratch folder; asked for when something must be spilled.
  std::function<arrow::Result<std::string>()> scratch;
  /// Where quarantined rows go, one file per thread; empty: they are counted and dropped.
  MakeFile quarantine;
  const std::atomic<bool>* cancelled = nullptr;
  /// Called after each morsel or bucket with what is done and how much there is; one call at a
  /// time.
  std::function<void(const char* stage, int64_t done, int64_t total)> on_progress;
};

struct ScanCounts {
  int64_t rows_read = 0;              ///< events of the windows
  int64_t rows_filtered = 0;          ///< by source.where
  int64_t rows_without_entity = 0;    ///< dropped or kept, by null_entity
  int64_t rows_without_day = 0;       ///< whose day is NULL: they belong to no window
  int64_t rows_misplaced = 0;         ///< whose hour is not near their partition: likewise
  int64_t rows_unmatched = 0;         ///< that left since an inner join found nothing for them
  std::vector<int64_t> looked_up;     ///< per join: rows that it was to find something for
  std::vector<int64_t> not_found;     ///< per join: those of them that it found nothing for
  std::vector<int64_t> rows_of_slot;  ///< per slot of Strata::slots()
  RuleCountsOfSlots rules;            ///< of rows_read

  void Add(const ScanCounts& other);
};

/// What the scan leaves: the tiles of all morsels.
struct ScanResult {
  std::shared_ptr<const TileLayout> layout;
  std::shared_ptr<const EntityKeyCodec> codec;
  std::unique_ptr<TileStore> tiles;
  std::unique_ptr<std::vector<ValueInterner>> interners;
  FrameMetrics input_metrics;
  ScanCounts counts;
  std::vector<RowSpoolFile> quarantined;
  int64_t spilled_rows = 0;  ///< bytes of events that were cut into parts on disk
};

/// The result of reading nothing: tiles may be added to it.
arrow::Result<ScanResult> EmptyScan(const Plan& plan, const PassOptions& options);

/// Reads the morsels [begin, end) of the plan.
arrow::Result<ScanResult> ScanMorsels(const Plan& plan, size_t begin, size_t end,
                                      const PassOptions& options);

/// Reads all of them, and the entities that have a row anyway.
arrow::Result<ScanResult> Scan(const Plan& plan, const PassOptions& options);

}  // namespace tidemill
