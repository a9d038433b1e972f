#pragma once

/// The source of a pipeline, opened: which files there are, what is in their footers, and on which
/// day they count. A directory of Parquet files or a version of a Delta table.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/calendar.h"
#include "engine/listed_table.h"
#include "pipeline/bound_pipeline.h"

namespace tidemill {

struct Source : OpenedTable {  ///< its files are those that may hold events of the needed days
  std::shared_ptr<ListedTable> listed;             ///< what it was opened from
  std::vector<std::optional<CivilDay>> file_days;  ///< one per file; set where partition columns
                                                   ///< alone tell the day
  bool day_is_partition = false;
  std::vector<CivilDay> days;    ///< ascending, of all files; only if day_is_partition
  std::vector<DataFile> pruned;  ///< files of other days; no footers were read
};

/// Opens the files that may hold events of `needed` (all files if absent) of the source, which is
/// `listed`; where that is null, it is listed first. At least one footer is read even if no file is
/// needed, for the schema (a Delta table's is in its log). Errors: missing or empty source, a
/// version that is not there, bad files, partition directories that are no dates (kRunFailed), a
/// `day` that does not bind (kInvalid).
arrow::Result<Source> OpenSource(const Pipeline& pipeline,
                                 std::optional<std::pair<CivilDay, CivilDay>> needed, int threads,
                                 std::shared_ptr<ListedTable> listed = nullptr);

/// Adds those of the columns `names` (without regard to case) that only files of other days have,
/// so that they are NULL in the needed ones. Reads the footers of all files.
arrow::Status AddColumnsOfOtherDays(const std::vector<std::string>& names, int threads,
                                    Source* source);

}  // namespace tidemill
