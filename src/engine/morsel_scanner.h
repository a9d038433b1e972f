#pragma once

/// What one plan makes of one row group: its strata, joined and derived columns, input metrics, and
/// tiles.

#include <vector>

#include "engine/dimension_table.h"
#include "engine/morsel_reader.h"
#include "engine/scan.h"
#include "engine/spilled_rows.h"
#include "engine/tile_run.h"

namespace tidemill {

/// Reduces the row group `ref`, read as `raw`, to tiles of `shared`'s layout. `raw` holds at least
/// Plan::file_columns; its arrays may be in use elsewhere. `tables` are of the joins. Adds to
/// `counts` and `metrics`. A run without rows where no row counts.
arrow::Result<TileRun> ScanMorsel(const Plan& plan, const DimensionTables& tables,
                                  const ScanResult& shared, const MorselRef& ref, RawMorsel raw,
                                  ScanCounts* counts, FrameMetrics* metrics);

/// Appends the rows that count to their parts, before anything that needs the join that is cut;
/// where filter and input checks do not need it, after them.
arrow::Status SpillMorsel(const Plan& plan, const DimensionTables& tables, const ScanResult& shared,
                          const MorselRef& ref, RawMorsel raw, const JoinParts& cut,
                          SpilledRows* rows, ScanCounts* counts, FrameMetrics* metrics);

/// What SpillMorsel left to do for rows of one part, whose dimension is among `tables`.
arrow::Result<TileRun> ScanSpilled(const Plan& plan, const DimensionTables& tables,
                                   const ScanResult& shared, SpilledBatch batch,
                                   const JoinParts& cut, ScanCounts* counts, FrameMetrics* metrics);

/// The columns that input checks and filter need.
std::vector<bool> NeededBefore(const BoundPipeline& pipeline);

}  // namespace tidemill
