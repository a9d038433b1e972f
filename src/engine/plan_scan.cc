#include "engine/plan_scan.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/row_rules.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

int ThreadsOf(const PassOptions& options) { return std::max(options.threads, 1); }

/// The join to cut. A rule about a joined column is judged while the file of a row is known, and
/// labels are found by instants, which are not spilled: there, dimensions are held as a whole.
arrow::Result<JoinParts> CutOf(const Plan& plan, const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const JoinParts cut, CutJoins(plan, options.dimension_memory));
  if (cut.join < 0 || plan.labels != nullptr) return JoinParts{};
  const BoundPipeline& pipeline = *plan.pipeline;
  const auto judged = ReadFor(pipeline, ColumnsOfRules(pipeline.row_rules));
  return DependsOnJoin(pipeline, cut.join, judged) ? JoinParts{} : cut;
}

}  // namespace

arrow::Result<PlanScan> PlanScan::Begin(const Plan& plan, const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(ScanResult result, EmptyScan(plan, options));
  PlanScan scan(&plan, &options, std::move(result));
  if (!plan.morsels.empty()) {
    ARROW_ASSIGN_OR_RAISE(scan.cut_, CutOf(plan, options));
    std::vector<bool> whole = plan.needed_joins;
    if (scan.cut_.join >= 0) {
      whole[static_cast<size_t>(scan.cut_.join)] = false;
      scan.cut_.filters_before = FiltersBefore(plan, scan.cut_);
      scan.spilled_ = std::make_unique<SpilledRows>(plan, scan.cut_.parts, options.scratch);
    }
    ARROW_ASSIGN_OR_RAISE(
        scan.tables_, plan.loaded->Get(*plan.pipeline, plan.dimensions, plan.needed_columns, whole,
                                       ThreadsOf(options), options.cancelled));
  }
  for (int t = 0; t < ThreadsOf(options); ++t) {
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

MorselTarget PlanScan::TargetOf(int thread) {
  const auto t = static_cast<size_t>(thread);
  return {tables_, result_, &counts_[t], &metrics_[t],
          quarantine_.empty() ? nullptr : &quarantine_[t]};
}

arrow::Status PlanScan::Take(const MorselRef& morsel, RawMorsel raw, int thread) {
  const MorselTarget target = TargetOf(thread);
  arrow::Status status;
  if (spilled_ != nullptr) {
    status = SpillMorsel(*plan_, target, morsel, std::move(raw), cut_, spilled_.get());
  } else {
    auto run = ScanMorsel(*plan_, target, morsel, std::move(raw));
    if (run.ok()) return result_.tiles->Add(*std::move(run));
    status = run.status();
  }
  return status.ok() ? status : NamingFile(status, *plan_->source, morsel.file);
}

arrow::Status PlanScan::ReduceParts() {
  ARROW_ASSIGN_OR_RAISE(const std::vector<int64_t> batches, spilled_->Finish());
  const auto join = static_cast<size_t>(cut_.join);
  const std::vector<bool> no_columns(plan_->needed_columns.size(), false);
  for (int part = 0; part < cut_.parts; ++part) {
    const int64_t n = batches[static_cast<size_t>(part)];
    // Where no event is, keys must be there once all the same.
    ARROW_ASSIGN_OR_RAISE(
        tables_[join],
        LoadDimension(plan_->dimensions[join], plan_->pipeline->joins[join],
                      n > 0 ? plan_->needed_columns : no_columns, ThreadsOf(*options_),
                      options_->cancelled, {part, cut_.parts}));
    ARROW_RETURN_NOT_OK(ParallelFor(
        n, ThreadsOf(*options_), options_->cancelled,
        [&](int64_t index, int thread) -> arrow::Status {
          ARROW_ASSIGN_OR_RAISE(SpilledBatch batch, spilled_->Read(part, index));
          ARROW_ASSIGN_OR_RAISE(TileRun run,
                                ReduceSpilled(*plan_, TargetOf(thread), std::move(batch), cut_));
          return result_.tiles->Add(std::move(run));
        }));
    spilled_->Remove(part);
    tables_[join] = nullptr;
  }
  result_.spilled_rows = spilled_->bytes();
  return arrow::Status::OK();
}

arrow::Result<ScanResult> PlanScan::Finish() && {
  if (spilled_ != nullptr) ARROW_RETURN_NOT_OK(ReduceParts());
  for (const ScanCounts& part : counts_) result_.counts.Add(part);
  for (const FrameMetrics& part : metrics_) result_.input_metrics.Merge(part);
  for (RowSpoolWriter& part : quarantine_) {
    ARROW_RETURN_NOT_OK(part.Finish(&result_.quarantined));
  }
  return std::move(result_);
}

}  // namespace tidemill
