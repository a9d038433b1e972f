#pragma once

/// One feature date: compute, check, publish.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <arrow/table.h>

#include "tidemill/error.h"
#include "tidemill/pipeline.h"
#include "tidemill/progress.h"

namespace tidemill {

/// Who computes what a run publishes (engine.h).
class PassEngine;

struct RunOptions {
  std::string date;                    ///< label of the feature date, "2026-03-02"
  int threads = 0;                     ///< 0: all cores
  int64_t memory_bytes = 0;            ///< 0: 60 % of RAM
  std::shared_ptr<PassEngine> engine;  ///< null: this process
  std::string scratch;                 ///< folder for spilled tiles; empty: $TMPDIR, else /tmp
  std::function<void(const Progress&)> on_progress;  ///< may be empty
  std::function<void(const std::string&)>
      on_warning;  ///< may be empty; warnings are in the report as well
  const std::atomic<bool>* cancelled =
      nullptr;  ///< checked often; true stops the run with kInterrupted
};

struct CheckResult {
  std::string check;  ///< as written
  std::string stage;  ///< "rows" | "input" | "output"
  Severity severity = Severity::kError;
  bool passed = false;
  std::string value;   ///< what its metrics were: "row_count = 0"; as text
  std::string reason;  ///< why it could not be evaluated or what failed; empty if passed
};

/// What one row rule found among the events of a date's windows.
struct RowRuleResult {
  std::string rule;         ///< its name
  bool quarantine = false;  ///< whether the rows that failed have left the input
  std::optional<double> max_rate;
  int64_t rows_failed = 0;
};

struct PublishedFile {
  std::string path;  ///< relative to the table
  int64_t rows = 0;
  int64_t bytes = 0;
  std::string hash;  ///< of the content, hexadecimal; without columns that use run_timestamp()
};

/// What a dimension look-up did.
struct JoinReport {
  std::string path;            ///< of the dimension, as the pipeline file has it
  std::string type;            ///< "left" | "inner"
  int64_t rows = 0;            ///< events that were looked up
  int64_t unmatched = 0;       ///< of them, events without a match
  int64_t dimension_rows = 0;  ///< that were read
};

/// What one invocation reports, whatever it computes.
struct InvocationReport {
  std::string run_id;
  std::string pipeline;
  std::string status;     ///< "done" | "empty" (a single date) | "failed"
  arrow::Status outcome;  ///< why it failed or ended early
  int64_t rows_read = 0;
  int64_t rows_quarantined = 0;  ///< of these, by row rules
  /// Where the quarantined rows are: a pattern that matches the run's files; empty if there are
  /// none.
  std::string quarantine;
  int64_t rows_written = 0;
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int64_t spilled_bytes = 0;      ///< written to the scratch folder
  int64_t io_retries = 0;         ///< reads that failed and were tried again
  int64_t peak_memory = 0;        ///< resident bytes of the process at most
  std::vector<JoinReport> joins;  ///< those that were needed, in the order of the file
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, double>> seconds;  ///< per stage, "total" last
};

struct RunReport : InvocationReport {
  std::string feature_date;
  int64_t rows_dropped = 0;    ///< by null_entity: drop
  int64_t rows_filtered = 0;   ///< by source.where
  int64_t rows_unmatched = 0;  ///< left out by inner joins
  int64_t entities = 0;
  /// Entities that the last published date before this one had not, and that only it had; where
  /// that was counted: with output.entities.
  std::optional<int64_t> entities_entered, entities_left;
  int64_t features = 0;
  int64_t files_read = 0;
  int64_t days_read = 0;
  std::vector<RowRuleResult> row_rules;  ///< in the order of the file
  std::vector<CheckResult> checks;
  std::vector<PublishedFile> files;
};

/// Computes, checks and publishes one feature date. A failure after the start (a check, I/O) is a
/// report with status "failed" and its outcome; the published table is then exactly as before. An
/// error status is returned only where no run began (a wrong date, a file that does not bind).
arrow::Result<RunReport> RunDate(const Pipeline& pipeline, const RunOptions& options);

/// The same for several pipelines, one report each in their order. Those with the same source share
/// one scan as far as memory allows, and each publishes by itself: one that fails leaves the others
/// alone. An error status means that no run began; it names every fault of every pipeline. Two of
/// the same file or table, or one that reads another's output, are faults (kInvalid).
arrow::Result<std::vector<RunReport>> RunPipelines(std::span<const Pipeline> pipelines,
                                                   const RunOptions& options);

/// The features of one date, nothing published: entity columns, features. Rows as a run would write
/// them; `entity` keeps only the rows whose (first) entity column prints as that text; `limit` < 0
/// keeps all.
arrow::Result<std::shared_ptr<arrow::Table>> PreviewDate(const Pipeline& pipeline,
                                                         const RunOptions& options,
                                                         const std::string& entity, int64_t limit);

/// The row rules and input checks alone.
arrow::Result<std::vector<CheckResult>> CheckDate(const Pipeline& pipeline,
                                                  const RunOptions& options);

/// Binds the pipeline against its source's schema. An error carries every fault; warnings are
/// returned.
arrow::Result<std::vector<std::string>> LintPipeline(const Pipeline& pipeline);

/// The query that another engine would run for one date. `dialect`: "duckdb" or "spark".
arrow::Result<std::string> PipelineSql(const Pipeline& pipeline, const std::string& date,
                                       const std::string& dialect);

}  // namespace tidemill
