#pragma once

/// A pass from scan to publication: one read of a range of days, one or many feature dates.

#include <functional>
#include <memory>
#include <optional>
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
  bool is_published = false;
  std::vector<RowRuleResult> row_rules;
  std::vector<CheckResult> checks;
  std::vector<PublishedFile> files;
  int64_t rows_quarantined = 0;
  std::optional<int64_t> entities_entered, entities_left;  ///< of a single date
  int64_t rows_written = 0;
  int64_t bytes_written = 0;
};

struct PassOutcome {
  /// A failure of the pass as a whole: reading the source, memory, cancellation. Dates that were
  /// published before it stay published; the others have failed.
  arrow::Status status;
  std::vector<DateOutcome> dates;  ///< one per date of the plan
  ScanCounts counts;
  int64_t rows_quarantined = 0;
  std::string quarantine;  ///< matches the files with them; empty: none were written
  int64_t entities = 0;
  int64_t spilled_bytes = 0;
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, double>> seconds;  ///< per stage
};

/// All messages of a failure in one line, as the ledger and reports keep them.
std::string ReasonOf(const arrow::Status& status);

/// What a pass works on; all of it outlives the pass.
struct PassInput {
  const Plan* plan = nullptr;
  const Table* table = nullptr;
  TableWriter* writer = nullptr;
  const std::vector<DateLock>* locks = nullptr;  ///< one per date of the plan
  const RunOptions* options = nullptr;
  int parallel = 1;  ///< dates that are written at the same time
};

/// Runs the pass. Every date is checked, staged, audited and published by itself; one that fails
/// leaves the others alone and is recorded as failed in the ledger.
PassOutcome RunPass(const PassInput& pass);

/// Runs passes whose plans found their source in the same SourcePool: one scan for all, in this
/// process, then each in its turn is published as if it had run alone. One that fails leaves the
/// others alone. `on_end` is called as each has ended, in their order.
void RunPasses(const std::vector<PassInput>& passes,
               const std::function<void(size_t index, PassOutcome outcome)>& on_end);

}  // namespace tidemill
