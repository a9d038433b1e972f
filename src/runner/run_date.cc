// `tidemill run`: one feature date of each pipeline, from its source to its place in the table.

#include <optional>
#include <utility>

#include "pipeline/definition_hash.h"
#include "runner/join_report.h"
#include "runner/pass_run.h"
#include "runner/pass_size.h"
#include "runner/pipeline_group.h"
#include "runner/prepare.h"
#include "runner/run_record.h"
#include "runner/stopwatch.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

class DateRun {
 public:
  DateRun(const Pipeline& pipeline, RunOptions options)
      : pipeline_(pipeline), options_(std::move(options)) {
    report_.run_id = MakeRunId();
    report_.pipeline = pipeline.name;
    report_.status = "failed";
  }

  /// Opens the table and plans. An error means that no run can begin.
  arrow::Status Prepare(SourcePool* pool) {
    ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline_));
    ARROW_ASSIGN_OR_RAISE(slot_, ParseFeatureDate(*calendar, options_.date));
    report_.feature_date = calendar->Format(slot_);
    ARROW_ASSIGN_OR_RAISE(table_, OpenOutput(pipeline_, *calendar, options_.scratch));
    auto plan = PreparePass(pipeline_, calendar, {slot_}, options_, PlanScope::kFeatures, pool);
    if (!plan.ok() && CodeOf(plan.status()) == ErrorCode::kInvalid) return plan.status();
    plan_status_ = plan.status();
    if (!plan.ok()) return arrow::Status::OK();
    plan_ = *std::move(plan);
    ARROW_RETURN_NOT_OK(table_->layout().CheckSchema(*plan_->pipeline->output));
    return DivideMemory(*plan_, options_).status();
  }

  PreparedPipeline prepared(const arrow::Status& status) const {
    return {&pipeline_, status, table_ ? &*table_ : nullptr, plan_ ? &*plan_ : nullptr};
  }

  /// Takes the date. Afterwards there is a pass to run, or the run has failed. An error is the same
  /// as of Prepare.
  arrow::Status Begin() {
    ARROW_ASSIGN_OR_RAISE(writer_, table_->Begin(report_.run_id));
    auto lock = table_->Lock(writer_.get(), slot_);
    if (!lock.ok()) {
      Fail(lock.status());
      return arrow::Status::OK();
    }
    if (!plan_) {
      ARROW_RETURN_NOT_OK(writer_->RecordFailure(*lock, ReasonOf(plan_status_)));
      Fail(plan_status_);
      return arrow::Status::OK();
    }
    report_.seconds.emplace_back("plan", watch_.Lap());
    for (std::string& warning : PlanWarnings(*plan_)) Warn(std::move(warning));
    report_.files_read = plan_->files_read;
    report_.bytes_read = plan_->bytes;
    report_.features = static_cast<int64_t>(plan_->pipeline->features.size());
    locks_.push_back(*std::move(lock));
    return arrow::Status::OK();
  }

  std::optional<PassInput> pass() const {
    if (locks_.empty()) return std::nullopt;
    return PassInput{&*plan_, &*table_, writer_.get(), &locks_, &options_, /*parallel=*/1};
  }

  void End(PassOutcome outcome) {
    TakeOver(*plan_, std::move(outcome));
    Finish();
    WriteRecord(*plan_, writer_.get());
    locks_.clear();
  }

  void Fail(const arrow::Status& status) {
    report_.outcome = status;
    Finish();
  }

  RunReport report() && { return std::move(report_); }

 private:
  void Warn(std::string warning) {
    if (options_.on_warning) options_.on_warning(warning);
    report_.warnings.push_back(std::move(warning));
  }

  void Finish() {
    report_.peak_memory = PeakMemory();
    report_.seconds.emplace_back("total", watch_.Total());
  }

  void TakeOver(const Plan& plan, PassOutcome pass) {
    DateOutcome& date = pass.dates[0];
    report_.status = date.status;
    report_.outcome = date.outcome;
    report_.row_rules = std::move(date.row_rules);
    report_.checks = std::move(date.checks);
    report_.files = std::move(date.files);
    report_.rows_written = date.rows_written;
    report_.bytes_written = date.bytes_written;
    report_.rows_read = pass.counts.rows_read;
    report_.rows_quarantined = pass.rows_quarantined;
    report_.quarantine = pass.quarantine;
    report_.rows_filtered = pass.counts.rows_filtered;
    report_.rows_unmatched = pass.counts.rows_unmatched;
    AddJoins(plan, pass.counts, &report_.joins);
    if (pipeline_.null_entity == NullEntity::kDrop) {
      report_.rows_dropped = pass.counts.rows_without_entity;
    }
    report_.entities = pass.entities;
    report_.entities_entered = date.entities_entered;
    report_.entities_left = date.entities_left;
    report_.spilled_bytes = pass.spilled_bytes;
    report_.io_retries = plan.source->root.retries->count();
    CivilDay last_day = 0;
    for (size_t i = 0; i < pass.counts.rows_of_slot.size(); ++i) {
      if (pass.counts.rows_of_slot[i] == 0) continue;
      const CivilDay day =
          plan.calendar->DayOf(plan.strata.slots().first + static_cast<int32_t>(i));
      if (report_.days_read == 0 || day != last_day) ++report_.days_read;
      last_day = day;
    }
    for (std::string& warning : pass.warnings) Warn(std::move(warning));
    for (auto& stage : pass.seconds) report_.seconds.push_back(std::move(stage));
  }

  void WriteRecord(const Plan& plan, TableWriter* writer) {
    RunRecord record;
    record.command = "run";
    record.definition_hash = DefinitionHash(*plan.pipeline);
    record.status = report_.status == "failed" ? "failed" : "done";
    if (!report_.outcome.ok()) record.reason = DiagnosticsOf(report_.outcome).front().message;
    record.started_at = started_at_;
    record.dates.push_back(
        {report_.feature_date, report_.status, record.reason, report_.rows_written});
    // What is published stays published, whether or not the record of the run could be kept.
    if (auto status = WriteRunRecord(std::move(record), report_, writer); !status.ok()) {
      Warn(status.message());
    }
  }

  const Pipeline& pipeline_;
  RunOptions options_;
  Slot slot_;
  std::optional<Table> table_;
  std::optional<Plan> plan_;
  arrow::Status plan_status_;  ///< why there is no plan
  std::unique_ptr<TableWriter> writer_;
  std::vector<DateLock> locks_;
  Stopwatch watch_;
  int64_t started_at_ = NowMicros();
  RunReport report_;
};

/// Runs pipelines that share a scan. An error is that of the only one.
arrow::Status RunGroup(const std::vector<DateRun*>& runs, bool is_alone) {
  std::vector<PassInput> passes;
  std::vector<DateRun*> with_pass;
  for (DateRun* run : runs) {
    const arrow::Status status = run->Begin();
    if (!status.ok() && is_alone) return status;
    if (!status.ok()) run->Fail(status);
    const auto pass = run->pass();
    if (!status.ok() || !pass) continue;
    passes.push_back(*pass);
    with_pass.push_back(run);
  }
  if (passes.empty()) return arrow::Status::OK();
  RunPasses(passes, [&](size_t i, PassOutcome outcome) { with_pass[i]->End(std::move(outcome)); });
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<RunReport> RunDate(const Pipeline& pipeline, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto reports, RunPipelines({&pipeline, 1}, options));
  return std::move(reports.front());
}

arrow::Result<std::vector<RunReport>> RunPipelines(std::span<const Pipeline> pipelines,
                                                   const RunOptions& options) {
  SourcePool pool;
  std::vector<std::unique_ptr<DateRun>> runs;
  std::vector<PreparedPipeline> prepared;
  for (const Pipeline& pipeline : pipelines) {
    runs.push_back(
        std::make_unique<DateRun>(pipeline, OptionsAmong(pipelines.size(), pipeline, options)));
    const arrow::Status status = runs.back()->Prepare(&pool);
    prepared.push_back(runs.back()->prepared(status));
  }
  ARROW_RETURN_NOT_OK(FaultsOf(prepared));
  ARROW_ASSIGN_OR_RAISE(const auto groups, GroupBySource(prepared, options));
  for (const std::vector<size_t>& group : groups) {
    std::vector<DateRun*> members;
    for (size_t i : group) members.push_back(runs[i].get());
    const bool is_cancelled = options.cancelled != nullptr && *options.cancelled;
    if (is_cancelled && pipelines.size() > 1) {
      for (DateRun* run : members) run->Fail(MakeError(ErrorCode::kInterrupted, "interrupted"));
      continue;
    }
    ARROW_RETURN_NOT_OK(RunGroup(members, pipelines.size() == 1));
  }
  std::vector<RunReport> reports;
  for (auto& run : runs) reports.push_back(std::move(*run).report());
  return reports;
}

}  // namespace tidemill
