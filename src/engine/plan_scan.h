#pragma once

/// The scan of one plan in work, whoever hands it its row groups.
///
/// Row groups become tiles as they come. Where a dimension does not fit into memory, they are cut
/// into parts on disk instead, and become tiles part by part at the end.

#include <memory>
#include <vector>

#include "engine/morsel_scanner.h"
#include "engine/scan.h"

namespace tidemill {

class PlanScan {
 public:
  /// `plan` and `options` outlive it. `options.threads` threads (numbered from 0) may hand row
  /// groups over.
  static arrow::Result<PlanScan> Begin(const Plan& plan, const PassOptions& options);

  /// Takes a row group, an element of Plan::morsels. Safe to call from each thread under its own
  /// number. An error names the file.
  arrow::Status Take(const MorselRef& morsel, RawMorsel raw, int thread);

  /// After the last Take. Fails if spilled rows cannot be reduced or quarantined ones not be kept.
  arrow::Result<ScanResult> Finish() &&;

 private:
  PlanScan(const Plan* plan, const PassOptions* options, ScanResult result)
      : plan_(plan), options_(options), result_(std::move(result)) {}

  MorselTarget TargetOf(int thread);
  arrow::Status ReduceParts();

  const Plan* plan_;
  const PassOptions* options_;
  JoinParts cut_;
  std::unique_ptr<SpilledRows> spilled_;  ///< null: no join is cut
  DimensionTables tables_;                ///< one per join
  ScanResult result_;
  std::vector<ScanCounts> counts_;  ///< per thread
  std::vector<FrameMetrics> metrics_;
  std::vector<RowSpoolWriter> quarantine_;  ///< per thread; empty: quarantined rows are dropped
};

}  // namespace tidemill
