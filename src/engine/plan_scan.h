#pragma once

/// The scan of one plan in work, whoever hands it its row groups.

#include <vector>

#include "engine/morsel_reader.h"
#include "engine/scan.h"

namespace tidemill {

class PlanScan {
 public:
  /// `plan` outlives it. `options.threads` threads (numbered from 0) may hand row groups over.
  static arrow::Result<PlanScan> Begin(const Plan& plan, const PassOptions& options);

  /// Reduces a row group, an element of Plan::morsels, to tiles. Safe to call from each thread
  /// under its own number. An error names the file.
  arrow::Status Take(const MorselRef& morsel, RawMorsel raw, int thread);

  /// After the last Take. Fails if quarantined rows could not be written.
  arrow::Result<ScanResult> Finish() &&;

 private:
  PlanScan(const Plan* plan, DimensionTables tables, ScanResult result)
      : plan_(plan), tables_(std::move(tables)), result_(std::move(result)) {}

  const Plan* plan_;
  DimensionTables tables_;  ///< one per join
  ScanResult result_;
  std::vector<ScanCounts> counts_;  ///< per thread
  std::vector<FrameMetrics> metrics_;
  std::vector<RowSpoolWriter> quarantine_;  ///< per thread; empty: quarantined rows are dropped
};

}  // namespace tidemill
