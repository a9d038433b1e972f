#include "engine/plan_scan.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/morsel_scanner.h"

namespace tidemill {

arrow::Result<PlanScan> PlanScan::Begin(const Plan& plan, const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(ScanResult result, EmptyScan(plan, options));
  DimensionTables tables;
  if (!plan.morsels.empty()) {
    ARROW_ASSIGN_OR_RAISE(
        tables,
        plan.loaded->Get(*plan.pipeline, plan.dimensions, plan.needed_columns, plan.needed_joins,
                         std::max(options.threads, 1), options.cancelled));
  }
  PlanScan scan(&plan, std::move(tables), std::move(result));
  for (int t = 0; t < std::max(options.threads, 1); ++t) {
    scan.counts_.push_back(scan.result_.counts);
    scan.metrics_.emplace_back(&plan.pipeline->input_checks, plan.strata.size());
  }
  if (options.quarantine) {
    const auto mutex = std::make_shared<std::mutex>();
    const auto make_file = [mutex, make = options.quarantine]() -> arrow::Result<NewFile> {
      const std::lock_guard lock(*mutex);
      return make();
    };
    scan.quarantine_.assign(scan.counts_.size(), RowSpoolWriter(make_file));
  }
  return scan;
}

arrow::Status PlanScan::Take(const MorselRef& morsel, RawMorsel raw, int thread) {
  const auto t = static_cast<size_t>(thread);
  RowSpoolWriter* quarantine = quarantine_.empty() ? nullptr : &quarantine_[t];
  auto run = ScanMorsel(*plan_, tables_, result_, morsel, std::move(raw), &counts_[t], &metrics_[t],
                        quarantine);
  if (run.ok()) return result_.tiles->Add(*std::move(run));
  return NamingFile(run.status(), *plan_->source, morsel.file);
}

arrow::Result<ScanResult> PlanScan::Finish() && {
  for (const ScanCounts& part : counts_) result_.counts.Add(part);
  for (const FrameMetrics& part : metrics_) result_.input_metrics.Merge(part);
  for (RowSpoolWriter& part : quarantine_) {
    ARROW_RETURN_NOT_OK(part.Finish(&result_.quarantined));
  }
  return std::move(result_);
}

}  // namespace tidemill
