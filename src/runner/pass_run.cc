#include "runner/pass_run.h"

#include <algorithm>
#include <mutex>

#include <arrow/filesystem/localfs.h>

#include "engine/evaluate_checks.h"
#include "engine/quarantine.h"
#include "engine/shared_scan.h"
#include "pipeline/definition_hash.h"
#include "runner/date_input.h"
#include "runner/entity_changes.h"
#include "runner/pass_request.h"
#include "runner/prepare.h"
#include "runner/stopwatch.h"
#include "storage/parallel_for.h"
#include "storage/scratch_folder.h"
#include "table/quarantine.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

/// A write of this much in files of less than that each is worth a word.
constexpr int64_t kLargeWrite = 64'000'000;
constexpr int64_t kTinyFile = 1'000'000;
/// More files than this of one date are too many, whatever their size.
constexpr int64_t kManyFiles = 10'000;

/// Stages the features of each date and measures them for its output checks.
class StagingSink : public FeatureSink {
 public:
  StagingSink(const FrameChecks& checks, size_t dates) : checks_(checks), partitions_(dates) {
    for (size_t d = 0; d < dates; ++d) metrics_.emplace_back(&checks, 1);
  }

  arrow::Status Append(size_t date, const std::shared_ptr<arrow::RecordBatch>& batch) override {
    if (!checks_.metrics.empty()) {
      Frame frame;
      frame.num_rows = batch->num_rows();
      for (const auto& column : batch->columns()) frame.columns.emplace_back(column);
      Evaluator evaluator(&frame);
      ArgumentReader reader(&frame, &evaluator);
      ARROW_RETURN_NOT_OK(metrics_[date].Update(&reader, nullptr, 0));
    }
    if (changes_ != nullptr) ARROW_RETURN_NOT_OK(changes_->Add(*batch));
    return partitions_[date]->Write(batch);
  }
  /// Has the rows of the only date compared with those of another.
  void Compare(EntityChanges* changes) { changes_ = changes; }
  std::unique_ptr<StagedPartition>& partition(size_t date) { return partitions_[date]; }
  MetricValues metrics(size_t date) const { return metrics_[date].Values({0, 0}); }

 private:
  const FrameChecks& checks_;
  std::vector<std::unique_ptr<StagedPartition>> partitions_;
  std::vector<FrameMetrics> metrics_;
  EntityChanges* changes_ = nullptr;
};

/// The verdict of a list of checks as a status: the first failed check with severity error, all of
/// them named.
arrow::Status Verdict(const std::vector<CheckResult>& checks, ErrorCode code,
                      const std::string& quarantine = "") {
  std::vector<Diagnostic> diagnostics;
  for (const CheckResult& check : checks) {
    if (check.passed || check.severity == Severity::kWarn) continue;
    const std::string what = check.stage == "rows" ? "row rule" : check.stage + " check";
    diagnostics.push_back({what + " failed: " + check.check + " " + check.reason, "", {}, ""});
  }
  if (diagnostics.empty()) return arrow::Status::OK();
  diagnostics.back().hint = "the published table is as before";
  if (!quarantine.empty()) {
    diagnostics.back().hint += "; quarantined rows are in " + quarantine;
  }
  return MakeError(code, std::move(diagnostics));
}

/// A pass in three steps, so that several can scan together.
class PassRunner {
 public:
  explicit PassRunner(const PassInput& pass)
      : plan_(*pass.plan),
        pipeline_(*pass.plan->pipeline),
        table_(*pass.table),
        writer_(pass.writer),
        locks_(*pass.locks),
        options_(*pass.options),
        parallel_(pass.parallel),
        scratch_(options_.scratch),
        sink_(pipeline_.output_checks, plan_.dates.size()) {
    result_.dates.resize(plan_.dates.size());
    for (size_t d = 0; d < plan_.dates.size(); ++d) {
      result_.dates[d].feature_date = plan_.calendar->Format(plan_.dates[d]);
    }
  }

  void Begin(PassEngine* engine, const arrow::Result<MemoryShares>& shares) {
    result_.status = TryBegin(engine, shares);
  }

  void Scan() {
    if (result_.status.ok()) result_.status = work_->Scan().Value(&scan_);
  }

  /// `scan_seconds` is what the scan took, shared or not.
  PassOutcome Finish(double scan_seconds) {
    if (result_.status.ok()) {
      result_.seconds.emplace_back("scan", scan_seconds);
      result_.status = Compute();
    }
    if (result_.status.ok()) return std::move(result_);
    for (size_t d = 0; d < locks_.size(); ++d) {
      const DateOutcome& date = result_.dates[d];
      if (date.outcome.ok() && !date.is_published) RecordFailure(d, result_.status);
    }
    return std::move(result_);
  }

 private:
  arrow::Status TryBegin(PassEngine* engine, const arrow::Result<MemoryShares>& shares) {
    ARROW_RETURN_NOT_OK(shares.status());
    ARROW_ASSIGN_OR_RAISE(request_, RequestFor(plan_, *shares, options_));
    request_.options.scratch = [this] { return scratch_.NewPath(); };
    request_.options.quarantine = [this]() -> arrow::Result<NewFile> {
      ARROW_ASSIGN_OR_RAISE(std::string path, scratch_.NewPath());
      return BeginFile(std::make_shared<arrow::fs::LocalFileSystem>(), std::move(path));
    };
    request_.options.writers = parallel_;
    return engine->Begin(plan_, request_).Value(&work_);
  }

  arrow::Status Compute() {
    Stopwatch watch;
    result_.counts = scan_.counts;
    result_.spilled_bytes = scan_.spilled_bytes;
    WarnOfUncountedRows();
    ARROW_RETURN_NOT_OK(KeepQuarantined(scan_.quarantined));

    std::vector<bool> wanted(plan_.dates.size(), true);
    std::vector<PreviousOfDate> previous(plan_.dates.size());
    for (size_t d = 0; d < plan_.dates.size(); ++d) {
      auto status = CheckInput(d, &previous[d]);
      if (!status.ok()) {
        RecordFailure(d, status);
        wanted[d] = false;
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(sink_.partition(d), Stage(d));
    }
    if (wanted[0]) CompareEntities();
    FeatureSummary merged;
    merged.dates.resize(plan_.dates.size());
    if (std::ranges::count(wanted, true) > 0) {
      ARROW_ASSIGN_OR_RAISE(merged, work_->Features(wanted, &sink_));
    }
    result_.entities = merged.entities;
    const double merge_seconds = watch.Lap();
    result_.seconds.emplace_back("merge", merge_seconds - merged.write_seconds);

    ARROW_RETURN_NOT_OK(ParallelFor(static_cast<int64_t>(plan_.dates.size()), parallel_,
                                    options_.cancelled, [&](int64_t index, int) -> arrow::Status {
                                      const auto d = static_cast<size_t>(index);
                                      if (!wanted[d]) return arrow::Status::OK();
                                      auto status = merged.dates[d];
                                      if (status.ok()) status = FinishDate(d, previous[d]);
                                      if (CodeOf(status) == ErrorCode::kInterrupted && !status.ok())
                                        return status;
                                      if (!status.ok()) RecordFailure(d, status);
                                      return arrow::Status::OK();
                                    }));
    result_.seconds.emplace_back("write", merged.write_seconds + watch.Lap());
    WarnOfTinyFiles();
    return arrow::Status::OK();
  }

  /// Begins to count the entities that a single date gains and loses. Of many dates the one before
  /// may be in this very pass.
  void CompareEntities() {
    if (plan_.universe == nullptr || plan_.dates.size() > 1) return;
    const auto before = table_.ledger().LastPublishedBefore(result_.dates[0].feature_date);
    arrow::Status status = before.status();
    if (status.ok() && before->has_value()) {
      status = EntityChanges::Since(table_, pipeline_, (*before)->feature_date, ThreadsOf(options_))
                   .Value(&changes_);
    }
    if (!status.ok()) {
      result_.warnings.push_back("the entities cannot be compared with the date before: " +
                                 status.message());
    }
    sink_.Compare(changes_.get());
  }

  arrow::Result<std::unique_ptr<StagedPartition>> Stage(size_t date) {
    std::vector<std::string> volatile_columns;
    for (const BoundFeature& feature : pipeline_.features) {
      if (feature.is_volatile) volatile_columns.push_back(feature.name);
    }
    const OutputSpec& output = pipeline_.spec.output;
    FileOptions files;
    files.file_size = output.file_size;
    files.max_rows_per_file = output.max_rows_per_file;
    files.compression = output.compression;
    files.cluster_by = output.cluster_by;
    files.threads = plan_.dates.size() == 1 ? ThreadsOf(options_) : 1;  // else dates are parallel
    files.cancelled = options_.cancelled;
    return writer_->Stage(locks_[date], pipeline_.output, std::move(volatile_columns), files);
  }

  /// Puts the rows that the scan took out of the input where people find them, whatever becomes of
  /// the dates.
  arrow::Status KeepQuarantined(const std::vector<RowSpoolFile>& files) {
    const SlotRange all = plan_.strata.slots();
    result_.rows_quarantined = result_.counts.rules.Sum(all).rows_quarantined;
    if (files.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const std::string path, writer_->NewQuarantinePath());
    ARROW_ASSIGN_OR_RAISE(const auto file, QuarantineFile::Create(path, QuarantineSchema(plan_)));
    ARROW_RETURN_NOT_OK(VisitRows(files, [&](const auto& batch) -> arrow::Status {
      if (options_.cancelled != nullptr && *options_.cancelled) {
        return MakeError(ErrorCode::kInterrupted, "interrupted");
      }
      return file->Write(*batch);
    }));
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, file->Close());
    ARROW_RETURN_NOT_OK(writer_->KeepQuarantined(path, result_.dates[0].feature_date, bytes));
    result_.quarantine = table_.path() + "/" + QuarantinePattern(writer_->run_id());
    return arrow::Status::OK();
  }

  arrow::Status CheckInput(size_t date, PreviousOfDate* previous) {
    DateOutcome& outcome = result_.dates[date];
    ARROW_ASSIGN_OR_RAISE(*previous, ReadPrevious(table_, outcome.feature_date));
    const RuleCounts counts = RuleCountsOf(plan_, scan_.counts, date);
    outcome.row_rules = ResultsOf(pipeline_.row_rules, counts);
    outcome.rows_quarantined = counts.rows_quarantined;
    outcome.checks = CheckInputOf(plan_, scan_, date, previous->input);
    return Verdict(outcome.checks, ErrorCode::kInputCheckFailed, result_.quarantine);
  }

  arrow::Status FinishDate(size_t date, const PreviousOfDate& previous) {
    DateOutcome& outcome = result_.dates[date];
    auto& staged = sink_.partition(date);
    const MetricValues metrics = sink_.metrics(date);
    const auto output_checks =
        EvaluateChecks(pipeline_.output_checks, metrics, "output", previous.output);
    outcome.checks.insert(outcome.checks.end(), output_checks.begin(), output_checks.end());
    ARROW_RETURN_NOT_OK(Verdict(output_checks, ErrorCode::kOutputCheckFailed));
    ARROW_RETURN_NOT_OK(staged->Close());
    ARROW_RETURN_NOT_OK(staged->Audit());

    PublishedState state;
    state.definition_hash = DefinitionHash(pipeline_);
    for (const BoundFeature& feature : pipeline_.features) {
      state.features.emplace_back(feature.name, FeatureHash(feature));
    }
    state.inputs = InputsOf(plan_, date);
    state.input_version = plan_.source->version;
    state.other_inputs = OtherInputsOf(plan_, date);
    state.rows_read = RowsReadOf(plan_, scan_.counts, date);
    state.rows_quarantined = outcome.rows_quarantined;
    PreviousOfDate next;
    next.input = ValuesForNext(pipeline_.input_checks, scan_.input_metrics[date]);
    next.output = ValuesForNext(pipeline_.output_checks, metrics);
    state.metrics = LedgerMetrics(next);
    state.checks = outcome.checks;
    if (plan_.dates.size() == 1) {
      state.rows_dropped = DroppedRows(scan_.counts);
      state.rows_filtered = scan_.counts.rows_filtered;
      state.rows_unmatched = scan_.counts.rows_unmatched;
    }
    if (changes_ != nullptr) {
      state.entities_entered = outcome.entities_entered = changes_->entered();
      state.entities_left = outcome.entities_left = changes_->left();
    }
    outcome.bytes_written = staged->num_bytes();
    outcome.rows_written = staged->num_rows();
    ARROW_ASSIGN_OR_RAISE(Publication publication,
                          writer_->Publish(locks_[date], std::move(staged), std::move(state)));
    outcome.status = publication.status;
    outcome.is_published = true;
    outcome.files = std::move(publication.files);
    if (!publication.warnings.empty()) {
      std::lock_guard lock(mutex_);
      for (std::string& warning : publication.warnings) {
        result_.warnings.push_back(std::move(warning));
      }
    }
    return arrow::Status::OK();
  }

  int64_t DroppedRows(const ScanCounts& counts) const {
    return pipeline_.spec.null_entity == NullEntity::kDrop ? counts.rows_without_entity : 0;
  }

  void RecordFailure(size_t date, const arrow::Status& status) {
    DateOutcome& outcome = result_.dates[date];
    outcome.outcome = status;
    // What somebody else published is no failure of the date.
    if (CodeOf(status) == ErrorCode::kConflict) return;
    // The failure itself matters more than that it could not be noted.
    if (auto noted = writer_->RecordFailure(locks_[date], ReasonOf(status)); !noted.ok()) {
      std::lock_guard lock(mutex_);
      result_.warnings.push_back("the ledger does not know of the failure of " +
                                 outcome.feature_date + ": " + noted.message());
    }
  }

  void WarnOfUncountedRows() {
    if (result_.counts.rows_without_day > 0) {
      result_.warnings.push_back(std::to_string(result_.counts.rows_without_day) +
                                 " rows have no day (NULL) and count in no window");
    }
    const int64_t misplaced = plan_.rows_misplaced + result_.counts.rows_misplaced;
    if (misplaced > 0) {
      result_.warnings.push_back(std::to_string(misplaced) +
                                 " rows lie in partitions more than a day away from their "
                                 "event_time and count in no window");
    }
  }

  void WarnOfTinyFiles() {
    for (const DateOutcome& outcome : result_.dates) {
      const auto files = static_cast<int64_t>(outcome.files.size());
      if (files > kManyFiles) {
        result_.warnings.push_back(
            outcome.feature_date + " is written as " + std::to_string(files) +
            " files; listing and opening so many is slow: partition by fewer "
            "columns or buckets");
        return;
      }
      if (files < 2 || outcome.bytes_written < kLargeWrite) continue;
      if (outcome.bytes_written / files >= kTinyFile) continue;
      result_.warnings.push_back(
          outcome.feature_date + " is written as " + std::to_string(files) +
          " files of less than 1 MB each on average; readers are slow on many small files: "
          "partition by fewer columns or buckets");
      return;
    }
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  const Table& table_;
  TableWriter* writer_;
  const std::vector<DateLock>& locks_;
  const RunOptions& options_;
  int parallel_;
  ScratchFolder scratch_;
  PassRequest request_;
  std::unique_ptr<PassWork> work_;  ///< goes before what it works on
  ScanSummary scan_;
  StagingSink sink_;
  std::unique_ptr<EntityChanges> changes_;
  std::mutex mutex_;
  PassOutcome result_;
};

}  // namespace

std::string ReasonOf(const arrow::Status& status) {
  std::string reason;
  for (const Diagnostic& diagnostic : DiagnosticsOf(status)) {
    reason += (reason.empty() ? "" : "; ") + diagnostic.message;
  }
  return reason;
}

PassOutcome RunPass(const PassInput& pass) {
  PassRunner runner(pass);
  Stopwatch watch;
  const auto engine = EngineOf(*pass.options);
  runner.Begin(engine.get(), DivideMemory(*pass.plan, *pass.options));
  runner.Scan();
  return runner.Finish(watch.Lap());
}

void RunPasses(const std::vector<PassInput>& passes,
               const std::function<void(size_t index, PassOutcome outcome)>& on_end) {
  if (passes.size() == 1) return on_end(0, RunPass(passes.front()));
  const std::shared_ptr<PassEngine> engine = SharedScan();
  std::vector<const Plan*> plans;
  for (const PassInput& pass : passes) plans.push_back(pass.plan);
  const auto shares = DivideMemory(plans, *passes.front().options);
  std::vector<std::unique_ptr<PassRunner>> runners;
  Stopwatch watch;
  for (size_t i = 0; i < passes.size(); ++i) {
    runners.push_back(std::make_unique<PassRunner>(passes[i]));
    runners.back()->Begin(
        engine.get(), shares.ok() ? arrow::Result<MemoryShares>((*shares)[i]) : shares.status());
  }
  for (auto& runner : runners) runner->Scan();
  const double scan_seconds = watch.Lap();
  for (size_t i = 0; i < passes.size(); ++i) {
    PassOutcome outcome = runners[i]->Finish(scan_seconds);
    runners[i].reset();  // its tiles make room for the features of the next
    on_end(i, std::move(outcome));
  }
}

}  // namespace tidemill
