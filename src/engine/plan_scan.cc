#include "engine/plan_scan.h"

#include <algorithm>
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
  return scan;
}

arrow::Status PlanScan::Take(const MorselRef& morsel, RawMorsel raw, int thread) {
  const auto t = static_cast<size_t>(thread);
  auto run =
      ScanMorsel(*plan_, tables_, result_, morsel, std::move(raw), &counts_[t], &metrics_[t]);
  if (run.ok()) return result_.tiles->Add(*std::move(run));
  return NamingFile(run.status(), *plan_->source, morsel.file);
}

ScanResult PlanScan::Finish() && {
  for (const ScanCounts& part : counts_) result_.counts.Add(part);
  for (const FrameMetrics& part : metrics_) result_.input_metrics.Merge(part);
  return std::move(result_);
}

}  // namespace tidemill
