#pragma once

/// What a pass will read and compute: dates, strata, files, morsels, columns. Made without touching
/// any data page.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/calendar.h"
#include "engine/dimension_table.h"
#include "engine/entity_universe.h"
#include "engine/source.h"
#include "engine/strata.h"
#include "pipeline/bound_pipeline.h"

namespace tidemill {

class LabelWindows;  // engine/label_windows.h

/// One row group to scan.
struct MorselRef {
  int file = 0;  ///< index in Source::files
  int row_group = 0;
  int64_t num_rows = 0;
  int64_t bytes = 0;         ///< compressed, of the needed columns
  std::optional<Slot> slot;  ///< the slot of all its rows, where that is known
};

/// What a pass is for, which decides the columns it reads.
enum class PlanScope {
  kFeatures,     ///< everything
  kInputChecks,  ///< row rules and the metrics of the input checks alone
};

struct Plan {
  PlanScope scope = PlanScope::kFeatures;
  std::shared_ptr<const BoundPipeline> pipeline;
  std::shared_ptr<const Source> source;
  std::shared_ptr<const EntityUniverse> universe;  ///< of output.entities; may be null
  std::shared_ptr<const Calendar> calendar;
  Dimensions dimensions;                     ///< one per join
  std::vector<bool> needed_joins;            ///< whether it is looked up at all
  std::shared_ptr<LoadedDimensions> loaded;  ///< what of them is in memory
  std::vector<Slot> dates;                   ///< ascending
  Strata strata;
  /// Which columns of BoundPipeline::rows are needed, derived ones included.
  std::vector<bool> needed_columns;
  /// The needed columns that come from files.
  std::vector<std::string> file_columns;
  std::vector<MorselRef> morsels;
  /// Per source file: slots that its rows can count in; nothing means any. Empty if it has no rows.
  std::vector<std::optional<SlotRange>> file_slots;
  int64_t files_read = 0;
  int64_t files_pruned = 0;
  int64_t morsels_pruned = 0;
  int64_t bytes = 0;
  int64_t num_rows = 0;
  int64_t rows_misplaced = 0;  ///< of row groups that lie too far from their partition altogether
  /// The labels at whose instants windows end; null: windows end with `dates`.
  std::shared_ptr<const LabelWindows> labels;

  /// Adds a row group to read. `footer` is of its file.
  void Add(MorselRef morsel, const ParquetFooter& footer);
};

/// Those of the `needed` columns of BoundPipeline::rows that come from files.
std::vector<std::string> FileColumns(const BoundPipeline& pipeline, const Source& source,
                                     const std::vector<bool>& needed);

/// The days whose partitions can hold events of these dates' windows, from the pipeline file alone
/// (before its source is opened). Every window length that the file mentions counts.
std::pair<CivilDay, CivilDay> DaysNeeded(const Pipeline& pipeline, const Calendar& calendar,
                                         const std::vector<Slot>& dates);

/// The slots in which events of a partition count. At grain hour the hour of event_time decides,
/// and partitions may be cut by the days of another zone: events up to a day off count, others of
/// the partition in no slot, so that what a date sees does not depend on what else was read.
SlotRange SlotsOfPartition(const Calendar& calendar, CivilDay day);

arrow::Result<Plan> MakePlan(std::shared_ptr<const BoundPipeline> pipeline,
                             std::shared_ptr<const Source> source,
                             std::shared_ptr<const Calendar> calendar, std::vector<Slot> dates,
                             PlanScope scope = PlanScope::kFeatures, Dimensions dimensions = {});

}  // namespace tidemill
