#pragma once

/// What one plan makes of one row group: its strata, derived columns, input metrics, and tiles.

#include "engine/dimension_table.h"
#include "engine/morsel_reader.h"
#include "engine/scan.h"
#include "engine/tile_run.h"

namespace tidemill {

/// Reduces the row group `ref`, read as `raw`, to tiles of `shared`'s layout. `raw` holds at least
/// Plan::file_columns; its arrays may be in use elsewhere. `tables` has one element per join of the
/// plan. Adds to `counts` and `metrics`, and rows that a rule quarantines to `quarantine` (null:
/// they are dropped). A run without rows where no row counts.
arrow::Result<TileRun> ScanMorsel(const Plan& plan, const DimensionTables& tables,
                                  const ScanResult& shared, const MorselRef& ref, RawMorsel raw,
                                  ScanCounts* counts, FrameMetrics* metrics,
                                  RowSpoolWriter* quarantine);

}  // namespace tidemill
