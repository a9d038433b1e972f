#include "engine/plan_scan.h"

#include <algorithm>
#include <utility>

#include "engine/morsel_scanner.h"
#include "storage/parallel_for.h"

namespace tidemill {

arrow::Result<PlanScan> PlanScan::Begin(const Plan& plan, const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(ScanResult result, EmptyScan(plan, options));
  PlanScan scan(&plan, options, std::move(result));
  for (int t = 0; t < std::max(options.threads, 1); ++t) {
    scan.counts_.push_back(scan.result_.counts);
    scan.metrics_.emplace_back(&plan.pipeline->input_checks, plan.strata.size());
  }
  if (!plan.dimensions.empty() && !plan.morsels.empty()) {
    ARROW_RETURN_NOT_OK(scan.LoadDimensions());
  }
  return scan;
}

arrow::Status PlanScan::LoadDimensions() {
  const BoundPipeline& pipeline = *plan_->pipeline;
  ARROW_ASSIGN_OR_RAISE(cut_, CutJoins(*plan_, options_.dimension_memory));
  std::vector<bool> whole = plan_->needed_joins;
  if (cut_.join >= 0) {
    whole[static_cast<size_t>(cut_.join)] = false;
    cut_.filters_before = plan_->scope == PlanScope::kFeatures &&
                          !DependsOnJoin(pipeline, cut_.join, NeededBefore(pipeline));
    spilled_ = std::make_unique<SpilledRows>(*plan_, cut_.parts, options_.scratch);
  }
  ARROW_ASSIGN_OR_RAISE(
      tables_, plan_->loaded->Get(pipeline, plan_->dimensions, plan_->needed_columns, whole,
                                  std::max(options_.threads, 1), options_.cancelled));
  return arrow::Status::OK();
}

arrow::Status PlanScan::Take(const MorselRef& morsel, RawMorsel raw, int thread) {
  const auto t = static_cast<size_t>(thread);
  if (spilled_ != nullptr) {
    const auto status = SpillMorsel(*plan_, tables_, result_, morsel, std::move(raw), cut_,
                                    spilled_.get(), &counts_[t], &metrics_[t]);
    return status.ok() ? status : NamingFile(status, *plan_->source, morsel.file);
  }
  auto run =
      ScanMorsel(*plan_, tables_, result_, morsel, std::move(raw), &counts_[t], &metrics_[t]);
  if (run.ok()) return result_.tiles->Add(*std::move(run));
  return NamingFile(run.status(), *plan_->source, morsel.file);
}

/// Loads part after part of the dimension that is cut, and joins it with its events.
arrow::Status PlanScan::ScanParts() {
  ARROW_ASSIGN_OR_RAISE(const std::vector<int64_t> batches, spilled_->Finish());
  const auto join = static_cast<size_t>(cut_.join);
  const int threads = std::max(options_.threads, 1);
  for (int part = 0; part < cut_.parts; ++part) {
    if (batches[static_cast<size_t>(part)] == 0) continue;
    ARROW_ASSIGN_OR_RAISE(
        tables_[join],
        LoadDimension(plan_->dimensions[join], plan_->pipeline->joins[join], plan_->needed_columns,
                      threads, options_.cancelled, {part, cut_.parts}));
    ARROW_RETURN_NOT_OK(ParallelFor(
        batches[static_cast<size_t>(part)], threads, options_.cancelled,
        [&](int64_t index, int thread) -> arrow::Status {
          const auto t = static_cast<size_t>(thread);
          ARROW_ASSIGN_OR_RAISE(SpilledBatch batch, spilled_->Read(part, index));
          ARROW_ASSIGN_OR_RAISE(TileRun run, ScanSpilled(*plan_, tables_, result_, std::move(batch),
                                                         cut_, &counts_[t], &metrics_[t]));
          return result_.tiles->Add(std::move(run));
        }));
    spilled_->Remove(part);
    tables_[join] = nullptr;
  }
  result_.spilled_rows = spilled_->bytes();
  return arrow::Status::OK();
}

arrow::Result<ScanResult> PlanScan::Finish() && {
  if (spilled_ != nullptr) ARROW_RETURN_NOT_OK(ScanParts());
  for (const ScanCounts& part : counts_) result_.counts.Add(part);
  for (const FrameMetrics& part : metrics_) result_.input_metrics.Merge(part);
  return std::move(result_);
}

}  // namespace tidemill
