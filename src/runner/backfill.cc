// `tidemill backfill`: many feature dates in as few passes as the memory budget allows.

#include "tidemill/backfill.h"

#include <algorithm>
#include <map>

#include "pipeline/definition_hash.h"
#include "runner/date_states.h"
#include "runner/output_table.h"
#include "runner/pass_run.h"
#include "runner/pass_size.h"
#include "runner/prepare.h"
#include "runner/run_record.h"
#include "runner/stopwatch.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

class BackfillRun {
 public:
  BackfillRun(const Pipeline& pipeline, const BackfillOptions& options)
      : pipeline_(pipeline), options_(options) {
    report_.run_id = MakeRunId();
    report_.pipeline = pipeline.name;
    report_.status = "done";
  }

  arrow::Result<BackfillReport> Run() {
    ARROW_ASSIGN_OR_RAISE(calendar_, CalendarOf(pipeline_));
    ARROW_ASSIGN_OR_RAISE(const std::vector<Slot> dates,
                          DatesBetween(*calendar_, options_.start, options_.end, options_.every));
    ARROW_RETURN_NOT_OK(CheckStates(options_.only));
    ARROW_ASSIGN_OR_RAISE(const Table table, OpenOutput(pipeline_, *calendar_, options_.scratch));
    for (Slot date : dates) {
      report_.dates.emplace_back();
      report_.dates.back().feature_date = calendar_->Format(date);
      report_.dates.back().status = "skipped";
    }

    ARROW_ASSIGN_OR_RAISE(const Plan whole, PreparePass(pipeline_, calendar_, dates, options_));
    ARROW_RETURN_NOT_OK(table.layout().CheckSchema(*whole.pipeline->output));
    for (std::string& warning : PlanWarnings(whole)) Warn(std::move(warning));
    definition_hash_ = DefinitionHash(*whole.pipeline);
    report_.io_retries += whole.source->root.retries->count();
    ARROW_ASSIGN_OR_RAISE(const std::vector<size_t> picked, Pick(whole, table));
    stages_["plan"] = watch_.Lap();
    ARROW_ASSIGN_OR_RAISE(const size_t per_pass, DatesPerPass(whole, options_));
    if (!picked.empty()) {
      ARROW_ASSIGN_OR_RAISE(auto writer, table.Begin(report_.run_id));
      for (size_t begin = 0; begin < picked.size() && !stop_; begin += per_pass) {
        const size_t end = std::min(picked.size(), begin + per_pass);
        RunChunk({picked.begin() + static_cast<std::ptrdiff_t>(begin),
                  picked.begin() + static_cast<std::ptrdiff_t>(end)},
                 dates, table, writer.get());
      }
      Finish();
      WriteRecord(writer.get());
    } else {
      Finish();
    }
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

  /// One pass over the dates of `chunk`, indices into the report.
  void RunChunk(std::vector<size_t> chunk, const std::vector<Slot>& dates, const Table& table,
                TableWriter* writer) {
    std::vector<DateLock> locks;
    std::vector<Slot> slots;
    std::vector<size_t> held;
    for (size_t index : chunk) {
      auto lock = table.Lock(writer, dates[index]);
      if (!lock.ok()) {
        const bool is_taken = CodeOf(lock.status()) == ErrorCode::kConflict;
        Fail(index, is_taken ? "taken" : "failed", lock.status());
        continue;
      }
      locks.push_back(*std::move(lock));
      slots.push_back(dates[index]);
      held.push_back(index);
    }
    if (held.empty()) return;
    ++report_.passes;
    auto status = RunHeld(held, slots, locks, table, writer);
    if (!status.ok()) {
      for (size_t index : held) {
        if (report_.dates[index].status == "skipped") Fail(index, "failed", status);
      }
      if (CodeOf(status) == ErrorCode::kInterrupted) {
        report_.outcome = status;
        stop_ = true;
      }
    }
    stop_ = stop_ || (options_.fail_fast && report_.status == "failed");
  }

  arrow::Status RunHeld(const std::vector<size_t>& held, std::vector<Slot> slots,
                        const std::vector<DateLock>& locks, const Table& table,
                        TableWriter* writer) {
    auto plan = PreparePass(pipeline_, calendar_, std::move(slots), options_);
    if (!plan.ok()) {
      for (const DateLock& lock : locks) {
        ARROW_RETURN_NOT_OK(writer->RecordFailure(lock, ReasonOf(plan.status())));
      }
      return plan.status();
    }
    const int parallel = options_.parallel > 0 ? options_.parallel : ThreadsOf(options_);
    report_.bytes_read += plan->bytes;
    PassOutcome pass = RunPass(*plan, table, writer, locks, options_, parallel);
    report_.rows_read += pass.counts.rows_read;
    AddJoins(*plan, pass.counts, &report_.joins);
    report_.rows_quarantined += pass.rows_quarantined;
    if (!pass.quarantine.empty()) report_.quarantine = pass.quarantine;
    report_.spilled_bytes += pass.spilled_bytes;
    report_.io_retries += plan->source->root.retries->count();
    for (const auto& [stage, seconds] : pass.seconds) stages_[stage] += seconds;
    for (std::string& warning : pass.warnings) Warn(std::move(warning));
    for (size_t i = 0; i < held.size(); ++i) {
      DateOutcome& outcome = pass.dates[i];
      DateReport& date = report_.dates[held[i]];
      date.rows_quarantined = outcome.rows_quarantined;
      date.row_rules = std::move(outcome.row_rules);
      date.checks = std::move(outcome.checks);
      if (!outcome.outcome.ok()) {
        Fail(held[i], "failed", outcome.outcome);
        continue;
      }
      date.status = outcome.status;
      date.rows_written = outcome.rows_written;
      date.bytes_written = outcome.bytes_written;
      date.files = std::move(outcome.files);
      report_.rows_written += date.rows_written;
      report_.bytes_written += date.bytes_written;
    }
    return pass.status;
  }

  void Fail(size_t index, const char* status, const arrow::Status& why) {
    report_.dates[index].status = status;
    report_.dates[index].reason = ReasonOf(why);
    report_.status = "failed";
  }

  void Finish() {
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
  const BackfillOptions& options_;
  std::shared_ptr<const Calendar> calendar_;
  Stopwatch watch_;
  int64_t started_at_ = NowMicros();
  std::string definition_hash_;
  std::map<std::string, double> stages_;
  bool stop_ = false;
  BackfillReport report_;
};

}  // namespace

arrow::Result<BackfillReport> Backfill(const Pipeline& pipeline, const BackfillOptions& options) {
  return BackfillRun(pipeline, options).Run();
}

}  // namespace tidemill
