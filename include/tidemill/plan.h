#pragma once

/// What would be read, computed and written, told without doing it.

#include <cstdint>
#include <string>
#include <vector>

#include "tidemill/backfill.h"

namespace tidemill {

struct PlannedDate {
  std::string feature_date;
  std::string
      status;  ///< state in the ledger: "missing", "done", "empty", "failed", "stale", "changed"
  std::string reason;
  bool is_picked = true;  ///< by `only`
};

/// A dimension that a pass reads.
struct PlannedDimension {
  std::string path;  ///< as the pipeline file has it
  int64_t files = 0;
  int64_t rows = 0;
  int64_t bytes = 0;                 ///< of the columns that are needed
  int64_t memory_bytes = 0;          ///< while events are read, roughly
  std::vector<std::string> columns;  ///< that are read, its key included
};

struct PlanReport {
  std::string pipeline;
  std::string source;
  std::string output;
  std::string first_day, last_day;  ///< days of the source that windows need
  int64_t days_read = 0;            ///< days that exist in the source
  int64_t files_read = 0;
  int64_t files_pruned = 0;
  int64_t row_groups_read = 0;
  int64_t row_groups_pruned = 0;
  int64_t bytes_read = 0;  ///< of the columns that are needed
  int64_t rows_read = 0;
  int64_t memory_bytes = 0;  ///< expected peak of a pass
  int64_t passes = 0;
  int64_t rows_expected =
      -1;  ///< that will be written, if dates are like the last published; -1: none yet
  int64_t files_expected = -1;               ///< likewise
  std::vector<std::string> columns;          ///< that are read
  std::vector<PlannedDimension> dimensions;  ///< those that are needed
  std::vector<PlannedDate> dates;
  std::vector<std::string> warnings;
};

/// What a backfill with these options would do (a run is one of a single date). Writes nothing.
arrow::Result<PlanReport> PlanDates(const Pipeline& pipeline, const BackfillOptions& options);

}  // namespace tidemill
