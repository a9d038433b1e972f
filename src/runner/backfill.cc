// `tidemill backfill`: many feature dates of each pipeline in as few passes as memory allows.

#include "tidemill/backfill.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "pipeline/definition_hash.h"
#include "runner/date_states.h"
#include "runner/join_report.h"
#include "runner/output_table.h"
#include "runner/pass_rounds.h"
#include "runner/pass_run.h"
#include "runner/pass_size.h"
#include "runner/pipeline_group.h"
#include "runner/prepare.h"
#include "runner/run_record.h"
#include "runner/stopwatch.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

/// The backfill of one pipeline, pass by pass.
class BackfillRun {
 public:
  BackfillRun(const Pipeline& pipeline, BackfillOptions options)
      : pipeline_(pipeline), options_(std::move(options)) {
    report_.run_id = MakeRunId();
    report_.pipeline = pipeline.name;
    report_.status = "done";
  }

  /// Opens the table, plans, and picks the dates. An error means that nothing can begin.
  arrow::Status Prepare(SourcePool* pool) {
    ARROW_ASSIGN_OR_RAISE(calendar_, CalendarOf(pipeline_));
    ARROW_ASSIGN_OR_RAISE(dates_,
                          DatesBetween(*calendar_, options_.start, options_.end, options_.every));
    ARROW_RETURN_NOT_OK(CheckStates(options_.only));
    ARROW_ASSIGN_OR_RAISE(table_, OpenOutput(pipeline_, *calendar_, options_.scratch));
    for (Slot date : dates_) {
      report_.dates.emplace_back();
      report_.dates.back().feature_date = calendar_->Format(date);
      report_.dates.back().status = "skipped";
    }
    ARROW_ASSIGN_OR_RAISE(
        whole_, PreparePass(pipeline_, calendar_, dates_, options_, PlanScope::kFeatures, pool));
    ARROW_RETURN_NOT_OK(table_->layout().CheckSchema(*whole_->pipeline->output));
    ARROW_RETURN_NOT_OK(DivideMemory(*whole_, options_).status());
    for (std::string& warning : PlanWarnings(*whole_)) Warn(std::move(warning));
    definition_hash_ = DefinitionHash(*whole_->pipeline);
    report_.io_retries += whole_->source->root.retries->count();
    ARROW_ASSIGN_OR_RAISE(picked_, Pick(*whole_, *table_));
    stages_["plan"] = watch_.Lap();
    return arrow::Status::OK();
  }

  PreparedPipeline prepared(const arrow::Status& status) const {
    return {&pipeline_, status, table_ ? &*table_ : nullptr, whole_ ? &*whole_ : nullptr};
  }

  const Plan& whole() const { return *whole_; }
  const BackfillOptions& options() const { return options_; }
  /// Dates to compute: indices into the report.
  const std::vector<size_t>& picked() const { return picked_; }
  CivilDay DayOf(size_t date) const { return calendar_->DayOf(dates_[date]); }

  arrow::Status Begin() {
    if (picked_.empty()) return arrow::Status::OK();
    return table_->Begin(report_.run_id).Value(&writer_);
  }

  /// Takes dates (indices into the report) and plans the pass over those that nobody else has:
  /// nothing where there is none to run.
  std::optional<PassInput> BeginPass(const std::vector<size_t>& chunk, SourcePool* pool) {
    held_.clear();
    locks_.clear();
    std::vector<Slot> slots;
    for (size_t index : chunk) {
      auto lock = table_->Lock(writer_.get(), dates_[index]);
      if (!lock.ok()) {
        const bool is_taken = CodeOf(lock.status()) == ErrorCode::kConflict;
        Fail(index, is_taken ? "taken" : "failed", lock.status());
        continue;
      }
      locks_.push_back(*std::move(lock));
      slots.push_back(dates_[index]);
      held_.push_back(index);
    }
    if (held_.empty()) return std::nullopt;
    ++report_.passes;
    auto plan =
        PreparePass(pipeline_, calendar_, std::move(slots), options_, PlanScope::kFeatures, pool);
    if (!plan.ok()) {
      EndHeld(RecordFailures(plan.status()));
      return std::nullopt;
    }
    pass_ = *std::move(plan);
    report_.bytes_read += pass_.bytes;
    const int parallel = options_.parallel > 0 ? options_.parallel : ThreadsOf(options_);
    return PassInput{&pass_, &*table_, writer_.get(), &locks_, &options_, parallel};
  }

  void EndPass(PassOutcome pass) {
    report_.rows_read += pass.counts.rows_read;
    AddJoins(pass_, pass.counts, &report_.joins);
    report_.rows_quarantined += pass.rows_quarantined;
    if (!pass.quarantine.empty()) report_.quarantine = pass.quarantine;
    report_.spilled_bytes += pass.spilled_bytes;
    report_.io_retries += pass_.source->root.retries->count();
    for (const auto& [stage, seconds] : pass.seconds) stages_[stage] += seconds;
    for (std::string& warning : pass.warnings) Warn(std::move(warning));
    for (size_t i = 0; i < held_.size(); ++i) {
      DateOutcome& outcome = pass.dates[i];
      DateReport& date = report_.dates[held_[i]];
      date.rows_quarantined = outcome.rows_quarantined;
      date.row_rules = std::move(outcome.row_rules);
      date.checks = std::move(outcome.checks);
      if (!outcome.outcome.ok()) {
        Fail(held_[i], "failed", outcome.outcome);
        continue;
      }
      date.status = outcome.status;
      date.rows_written = outcome.rows_written;
      date.bytes_written = outcome.bytes_written;
      date.files = std::move(outcome.files);
      report_.rows_written += date.rows_written;
      report_.bytes_written += date.bytes_written;
    }
    EndHeld(pass.status);
  }

  bool has_failed() const { return report_.status == "failed"; }
  bool is_interrupted() const {
    return !report_.outcome.ok() && CodeOf(report_.outcome) == ErrorCode::kInterrupted;
  }

  /// Notes why dates were not reached, unless something of its own failed.
  void Stop(const arrow::Status& why) {
    const bool is_short = std::ranges::any_of(
        picked_, [&](size_t index) { return report_.dates[index].status == "skipped"; });
    if (!is_short || has_failed()) return;
    report_.outcome = why;
    report_.status = "failed";
  }

  BackfillReport Finish() && {
    Summarize();
    if (writer_ != nullptr) WriteRecord(writer_.get());
    return std::move(report_);
  }

 private:
  void Warn(std::string warning) {
    if (options_.on_warning) options_.on_warning(warning);
    report_.warnings.push_back(std::move(warning));
  }

  arrow::Result<std::vector<size_t>> Pick(const Plan& whole, const Table& table) {
    std::vector<size_t> picked;
    if (options_.only.empty()) {
      for (size_t d = 0; d < report_.dates.size(); ++d) picked.push_back(d);
      return picked;
    }
    ARROW_ASSIGN_OR_RAISE(const std::vector<DateState> states, StatesOf(whole, table));
    for (size_t d = 0; d < states.size(); ++d) {
      if (IsPicked(states[d], options_.only)) {
        picked.push_back(d);
      } else {
        report_.dates[d].reason = "is " + states[d].status;
      }
    }
    return picked;
  }

  arrow::Status RecordFailures(const arrow::Status& status) {
    for (const DateLock& lock : locks_) {
      ARROW_RETURN_NOT_OK(writer_->RecordFailure(lock, ReasonOf(status)));
    }
    return status;
  }

  /// The dates of the pass that came to no end of their own have failed with `status`.
  void EndHeld(const arrow::Status& status) {
    locks_.clear();
    if (status.ok()) return;
    for (size_t index : held_) {
      if (report_.dates[index].status == "skipped") Fail(index, "failed", status);
    }
    if (CodeOf(status) == ErrorCode::kInterrupted) report_.outcome = status;
  }

  void Fail(size_t index, const char* status, const arrow::Status& why) {
    report_.dates[index].status = status;
    report_.dates[index].reason = ReasonOf(why);
    report_.status = "failed";
  }

  void Summarize() {
    const auto failed = std::count_if(
        report_.dates.begin(), report_.dates.end(),
        [](const DateReport& date) { return date.status == "failed" || date.status == "taken"; });
    if (report_.outcome.ok() && failed > 0) {
      report_.outcome = MakeError(
          ErrorCode::kRunFailed,
          std::to_string(failed) + " of " + std::to_string(report_.dates.size()) + " dates failed",
          "the same command with --only missing,failed,stale computes what is left");
    }
    report_.peak_memory = PeakMemory();
    for (const char* stage : {"plan", "scan", "merge", "write"}) {
      report_.seconds.emplace_back(stage, stages_[stage]);
    }
    report_.seconds.emplace_back("total", watch_.Total());
  }

  void WriteRecord(TableWriter* writer) {
    RunRecord record;
    record.command = "backfill";
    record.definition_hash = definition_hash_;
    record.status = report_.status;
    if (!report_.outcome.ok()) record.reason = ReasonOf(report_.outcome);
    record.started_at = started_at_;
    for (const DateReport& date : report_.dates) {
      record.dates.push_back({date.feature_date, date.status, date.reason, date.rows_written});
    }
    if (auto status = WriteRunRecord(std::move(record), report_, writer); !status.ok()) {
      Warn(status.message());
    }
  }

  const Pipeline& pipeline_;
  BackfillOptions options_;
  std::shared_ptr<const Calendar> calendar_;
  std::vector<Slot> dates_;
  std::optional<Table> table_;
  std::optional<Plan> whole_;
  std::vector<size_t> picked_;
  std::unique_ptr<TableWriter> writer_;
  std::vector<size_t> held_;  ///< dates of the pass in work
  std::vector<DateLock> locks_;
  Plan pass_;
  Stopwatch watch_;
  int64_t started_at_ = NowMicros();
  std::string definition_hash_;
  std::map<std::string, double> stages_;
  BackfillReport report_;
};

arrow::Status NotReached() {
  return MakeError(ErrorCode::kRunFailed, "not all dates were begun after one had failed",
                   "leave --fail-fast out, or run again with --only missing,failed,stale");
}

/// The passes of pipelines that share their scans. Sets `stop` where nothing more is to begin. An
/// error is that of the only pipeline, with which nothing began.
arrow::Status BackfillGroup(const std::vector<BackfillRun*>& runs, bool is_alone,
                            arrow::Status* stop) {
  std::vector<const Plan*> plans;
  for (BackfillRun* run : runs) plans.push_back(&run->whole());
  ARROW_ASSIGN_OR_RAISE(const auto shares, DivideMemory(plans, runs.front()->options()));
  std::vector<DatesOfPipeline> dates(runs.size());
  for (size_t r = 0; r < runs.size(); ++r) {
    const arrow::Status status = runs[r]->Begin();
    if (!status.ok() && is_alone) return status;
    if (!status.ok()) {
      runs[r]->Stop(status);
      continue;
    }
    dates[r].per_pass = DatesPerPass(*plans[r], shares[r], runs[r]->options());
    for (size_t date : runs[r]->picked()) dates[r].dates.emplace_back(date, runs[r]->DayOf(date));
  }
  for (const PassRound& round : CutIntoRounds(dates)) {
    if (!stop->ok()) break;
    SourcePool pool;
    std::vector<PassInput> passes;
    std::vector<BackfillRun*> with_pass;
    for (size_t r = 0; r < runs.size(); ++r) {
      if (round[r].empty()) continue;
      const auto pass = runs[r]->BeginPass(round[r], &pool);
      if (!pass) continue;
      passes.push_back(*pass);
      with_pass.push_back(runs[r]);
    }
    if (!passes.empty()) {
      RunPasses(passes,
                [&](size_t i, PassOutcome pass) { with_pass[i]->EndPass(std::move(pass)); });
    }
    for (BackfillRun* run : runs) {
      if (run->is_interrupted()) *stop = MakeError(ErrorCode::kInterrupted, "interrupted");
      if (stop->ok() && run->options().fail_fast && run->has_failed()) *stop = NotReached();
    }
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<BackfillReport> Backfill(const Pipeline& pipeline, const BackfillOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto reports, BackfillPipelines({&pipeline, 1}, options));
  return std::move(reports.front());
}

arrow::Result<std::vector<BackfillReport>> BackfillPipelines(std::span<const Pipeline> pipelines,
                                                             const BackfillOptions& options) {
  std::vector<std::unique_ptr<BackfillRun>> runs;
  std::vector<PreparedPipeline> prepared;
  SourcePool pool;
  for (const Pipeline& pipeline : pipelines) {
    BackfillOptions own = options;
    static_cast<RunOptions&>(own) = OptionsAmong(pipelines.size(), pipeline, options);
    runs.push_back(std::make_unique<BackfillRun>(pipeline, std::move(own)));
    const arrow::Status status = runs.back()->Prepare(&pool);
    prepared.push_back(runs.back()->prepared(status));
  }
  ARROW_RETURN_NOT_OK(FaultsOf(prepared));
  ARROW_ASSIGN_OR_RAISE(const auto groups, GroupBySource(prepared, options));
  arrow::Status stop;
  for (const std::vector<size_t>& group : groups) {
    if (!stop.ok()) break;
    std::vector<BackfillRun*> members;
    for (size_t i : group) members.push_back(runs[i].get());
    ARROW_RETURN_NOT_OK(BackfillGroup(members, pipelines.size() == 1, &stop));
  }
  std::vector<BackfillReport> reports;
  for (auto& run : runs) {
    if (!stop.ok()) run->Stop(stop);
    reports.push_back(std::move(*run).Finish());
  }
  return reports;
}

}  // namespace tidemill
