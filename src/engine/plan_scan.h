#pragma once

/// The scan of one plan in work, whoever hands it its row groups.

#include <memory>
#include <vector>

#include "engine/dimension_table.h"
#include "engine/morsel_reader.h"
#include "engine/scan.h"
#include "engine/spilled_rows.h"

namespace tidemill {

class PlanScan {
 public:
  /// `plan` outlives it. `options.threads` threads (numbered from 0) may hand row groups over.
  /// Loads the dimensions of the plan, if there is anything to join with them.
  static arrow::Result<PlanScan> Begin(const Plan& plan, const PassOptions& options);

  /// Reduces a row group of the plan to tiles, or cuts its rows into parts for later. Safe to call
  /// from each thread under its own number. An error names the file.
  arrow::Status Take(const MorselRef& morsel, RawMorsel raw, int thread);

  /// After the last Take.
  arrow::Result<ScanResult> Finish() &&;

 private:
  PlanScan(const Plan* plan, const PassOptions& options, ScanResult result)
      : plan_(plan), options_(options), result_(std::move(result)) {}

  arrow::Status LoadDimensions();
  arrow::Status ScanParts();

  const Plan* plan_;
  PassOptions options_;
  ScanResult result_;
  DimensionTables tables_;
  JoinParts cut_;
  std::unique_ptr<SpilledRows> spilled_;  ///< if a join is cut
  std::vector<ScanCounts> counts_;        ///< per thread
  std::vector<FrameMetrics> metrics_;
};

}  // namespace tidemill
