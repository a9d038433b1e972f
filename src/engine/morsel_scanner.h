#pragma once

/// What one plan makes of one row group: its strata, derived columns, input metrics, and tiles.

#include "engine/dimension_table.h"
#include "engine/morsel_reader.h"
#include "engine/scan.h"
#include "engine/spilled_rows.h"
#include "engine/tile_run.h"

namespace tidemill {

/// Where a thread of a scan takes dimensions from and puts what it finds.
struct MorselTarget {
  const DimensionTables& tables;  ///< one per join of the plan
  const ScanResult& shared;       ///< whose layout, entity codec and interners are used
  ScanCounts* counts;
  FrameMetrics* metrics;
  RowSpoolWriter* quarantine;  ///< of rows that a rule quarantines; null: they are dropped
};

/// Reduces the row group `ref`, an element of Plan::morsels, read as `raw`, to tiles. `raw` holds
/// at least Plan::file_columns; its arrays may be in use elsewhere. A run without rows where no row
/// counts.
arrow::Result<TileRun> ScanMorsel(const Plan& plan, const MorselTarget& target,
                                  const MorselRef& ref, RawMorsel raw);

/// Whether input checks and filter come before the join that is cut: they do not need it.
bool FiltersBefore(const Plan& plan, const JoinParts& cut);

/// Appends the rows of a row group to their parts, before anything that needs the join that is cut.
arrow::Status SpillMorsel(const Plan& plan, const MorselTarget& target, const MorselRef& ref,
                          RawMorsel raw, const JoinParts& cut, SpilledRows* rows);

/// The rest of ScanMorsel for rows that were spilled.
arrow::Result<TileRun> ReduceSpilled(const Plan& plan, const MorselTarget& target,
                                     SpilledBatch batch, const JoinParts& cut);

}  // namespace tidemill
