// `tidemill run`: one feature date from its source to its place in the table.

#include "pipeline/definition_hash.h"
#include "runner/pass_run.h"
#include "runner/pass_size.h"
#include "runner/prepare.h"
#include "runner/run_record.h"
#include "runner/stopwatch.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

class DateRun {
 public:
  DateRun(const Pipeline& pipeline, const RunOptions& options)
      : pipeline_(pipeline), options_(options) {
    report_.run_id = MakeRunId();
    report_.pipeline = pipeline.name;
    report_.status = "failed";
  }

  arrow::Result<RunReport> Run() {
    ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline_));
    ARROW_ASSIGN_OR_RAISE(const Slot slot, ParseFeatureDate(*calendar, options_.date));
    report_.feature_date = calendar->Format(slot);
    ARROW_ASSIGN_OR_RAISE(Table table, OpenOutput(pipeline_, *calendar, options_.scratch));
    auto plan = PreparePass(pipeline_, calendar, {slot}, options_);
    if (!plan.ok() && CodeOf(plan.status()) == ErrorCode::kInvalid) return plan.status();
    if (plan.ok()) {
      ARROW_RETURN_NOT_OK(table.layout().CheckSchema(*plan->pipeline->output));
      ARROW_RETURN_NOT_OK(DivideMemory(*plan, options_).status());
    }

    ARROW_ASSIGN_OR_RAISE(auto writer, table.Begin(report_.run_id));
    auto lock = table.Lock(writer.get(), slot);
    if (!lock.ok()) return Failed(lock.status());
    if (!plan.ok()) {
      ARROW_RETURN_NOT_OK(writer->RecordFailure(*lock, ReasonOf(plan.status())));
      return Failed(plan.status());
    }
    report_.seconds.emplace_back("plan", watch_.Lap());
    for (std::string& warning : PlanWarnings(*plan)) Warn(std::move(warning));
    report_.files_read = plan->files_read;
    report_.bytes_read = plan->bytes;
    report_.features = static_cast<int64_t>(plan->pipeline->features.size());

    std::vector<DateLock> locks;
    locks.push_back(*std::move(lock));
    TakeOver(*plan, RunPass(*plan, table, writer.get(), locks, options_, /*parallel=*/1));
    Finish();
    WriteRecord(*plan, writer.get());
    return std::move(report_);
  }

 private:
  void Warn(std::string warning) {
    if (options_.on_warning) options_.on_warning(warning);
    report_.warnings.push_back(std::move(warning));
  }

  RunReport Failed(const arrow::Status& status) {
    report_.outcome = status;
    Finish();
    return std::move(report_);
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
  const RunOptions& options_;
  Stopwatch watch_;
  int64_t started_at_ = NowMicros();
  RunReport report_;
};

}  // namespace

arrow::Result<RunReport> RunDate(const Pipeline& pipeline, const RunOptions& options) {
  return DateRun(pipeline, options).Run();
}

}  // namespace tidemill
