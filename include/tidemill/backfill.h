#pragma once

/// Many feature dates at once, and what has become of them.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tidemill/run.h"

namespace tidemill {

struct BackfillOptions : RunOptions {
  std::string start, end;             ///< labels of the first and last feature date, inclusive
  std::optional<WindowLength> every;  ///< from one date to the next; nothing: every slot
  std::vector<std::string> only;  ///< states to pick ("missing", "stale", ...); empty: all dates
  int parallel = 0;               ///< dates written at the same time; 0: as many as threads
  int32_t pass_dates = 0;         ///< most dates per pass; 0: what the memory budget allows
  bool fail_fast = false;         ///< no further pass after a date failed
};

struct DateReport {
  std::string feature_date;
  /// "done" | "empty" | "failed" | "taken" (another run holds the date) | "skipped" (not picked by
  /// `only`, or not reached)
  std::string status;
  std::string reason;
  int64_t rows_written = 0;
  int64_t bytes_written = 0;
  int64_t rows_quarantined = 0;
  std::vector<RowRuleResult> row_rules;
  std::vector<CheckResult> checks;
  std::vector<PublishedFile> files;
};

/// `status` is "failed" if any date failed or was taken.
struct BackfillReport : InvocationReport {
  std::vector<DateReport> dates;  ///< every requested date, in order
  int64_t passes = 0;
};

/// Computes and publishes the dates from start to end. Each day of events is read once per pass,
/// whatever the number of dates; each date is checked and published by itself. An error status is
/// returned only where nothing began.
arrow::Result<BackfillReport> Backfill(const Pipeline& pipeline, const BackfillOptions& options);

/// The same for several pipelines, one report each in their order. Those with the same source share
/// the scans of their passes as far as memory allows, whichever dates each of them needs. An error
/// status means that nothing began, as of RunPipelines.
arrow::Result<std::vector<BackfillReport>> BackfillPipelines(std::span<const Pipeline> pipelines,
                                                             const BackfillOptions& options);

/// The state of one feature date: its ledger entry held against the source and the pipeline as they
/// are now.
struct DateState {
  std::string feature_date;
  /// "done" | "empty" | "missing" | "stale" | "failed" | "changed" (the definition differs from the
  /// published one)
  std::string status;
  std::string reason;
  std::vector<std::string> changed_days;
  std::string run_id;  ///< of what is published, else of the last attempt
  int64_t rows = 0;
  int64_t published_at = 0;  ///< microseconds since the epoch; 0: never
};

struct StatusReport {
  std::string pipeline;
  std::string output;
  std::vector<DateState> dates;
};

/// Reads the ledger and lists the source; writes nothing. Without `start` and `end`: from the first
/// to the last date of the ledger.
arrow::Result<StatusReport> StatusOfDates(const Pipeline& pipeline, const std::string& start,
                                          const std::string& end, const RunOptions& options);

}  // namespace tidemill
