#pragma once

/// The source of a pipeline, opened: which files there are, what is in their footers, and on which
/// day they count. A directory of Parquet files or a version of a Delta table.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/calendar.h"
#include "engine/source_files.h"
#include "pipeline/bound_pipeline.h"
#include "storage/hive_listing.h"
#include "storage/parquet_source.h"
#include "table/delta_listing.h"

namespace tidemill {

struct Source {
  std::shared_ptr<SourceFiles> listed;  ///< what it was opened from
  Location root;
  std::vector<DataFile> files;         ///< that may hold events of the needed days
  std::vector<ParquetFooter> footers;  ///< one per file
  std::vector<std::optional<CivilDay>>
      file_days;  ///< set where the day depends on partition columns alone
  std::shared_ptr<arrow::Schema> file_schema;  ///< of the files together
  std::shared_ptr<arrow::Schema> partition_schema;
  std::shared_ptr<arrow::Schema> schema;  ///< file columns, then partition columns (which win)
  bool day_is_partition = false;
  std::vector<CivilDay> days;      ///< ascending, of all files; only if day_is_partition
  std::vector<DataFile> pruned;    ///< files of other days; no footers were read
  std::optional<int64_t> version;  ///< of a Delta table
  std::vector<std::string> warnings;
};

/// Opens the files that may hold events of `needed` (all files if absent) of the source, which is
/// `listed`; where that is null, it is listed first. At least one footer is read even if no file is
/// needed, for the schema (a Delta table's is in its log). Errors: missing or empty source, a
/// version that is not there, bad files, partition directories that are no dates (kRunFailed), a
/// `day` that does not bind (kInvalid).
arrow::Result<Source> OpenSource(const Pipeline& pipeline,
                                 std::optional<std::pair<CivilDay, CivilDay>> needed, int threads,
                                 std::shared_ptr<SourceFiles> listed = nullptr);

/// Lists the version of a Delta table that `spec` asks for; nothing if it is a directory of Parquet
/// files. `name` is what the file calls the table ("source", "join").
arrow::Result<std::optional<DeltaListing>> ListIfDelta(const TableSpec& spec, const Location& root,
                                                       const std::string& name);

/// The columns of files, then those of partitions, which win over files' of the same name.
std::shared_ptr<arrow::Schema> CombineSchemas(const arrow::Schema& files,
                                              const arrow::Schema& partitions);

/// Adds those of the columns `names` (without regard to case) that only files of other days have,
/// so that they are NULL in the needed ones. Reads the footers of all files.
arrow::Status AddColumnsOfOtherDays(const std::vector<std::string>& names, int threads,
                                    Source* source);

}  // namespace tidemill
