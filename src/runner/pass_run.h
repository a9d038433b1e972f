#pragma once

/// A pass from scan to publication: one read of a range of days, one or many feature dates.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/plan.h"
#include "runner/output_table.h"
#include "tidemill/run.h"

namespace tidemill {

/// What became of one date.
struct DateOutcome {
  std::string feature_date;
  std::string status = "failed";  ///< "done" | "empty" | "failed"
  arrow::Status outcome;          ///< why it failed
  std::vector<CheckResult> checks;
  std::vector<PublishedFile> files;
  int64_t rows_written = 0;
  int64_t bytes_written = 0;
};

struct PassOutcome {
  std::vector<DateOutcome> dates;  ///< one per date of the plan
  ScanCounts counts;
  int64_t entities = 0;
  int64_t spilled_bytes = 0;
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, double>> seconds;  ///< per stage
};

/// Runs the pass. Every date is checked, staged, audited and published by itself; one that fails
/// leaves the others alone and is recorded as failed in the ledger. `locks` holds one lock per date
/// of the plan. An error status is returned only for failures of the pass as a whole (reading the
/// source, memory, cancellation), after they too are in the ledger. `parallel` dates are written at
/// the same time.
arrow::Result<PassOutcome> RunPass(const Plan& plan, const Table& table, TableWriter* writer,
                                   const std::vector<DateLock>& locks, const RunOptions& options,
                                   int parallel);

}  // namespace tidemill
