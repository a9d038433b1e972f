#pragma once

/// What a table remembers of each feature date and of each run.
///
/// One small JSON file per feature date, `_tidemill/dates/DATE.json`, and one per run,
/// `_tidemill/runs/RUN.json`. Each is replaced at once, so a reader sees the old or the new state.
/// A date's entry changes only under the date's lock (table.h). Unknown fields are ignored; a newer
/// format version is refused.
///
/// Between the exchange of a partition's directories and the new entry lies an instant. A crash in
/// it leaves the intent
/// `_tidemill/pending/DATE.json`, which holds the whole new entry; the ledger reads it in place of
/// the old one if the directory in place is the one that the intent speaks of. So whoever reads the
/// ledger sees the entry of the partition that a reader of the table sees, without having to write
/// anything.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <arrow/scalar.h>

#include "base/calendar.h"
#include "tidemill/run.h"
#include "tidemill/table.h"

namespace tidemill {

/// A file of the source as it was when it was read.
struct InputFile {
  std::string path;  ///< relative to the source; bytes that are no UTF-8 as \xNN
  int64_t size = 0;
  int64_t mtime_ns = 0;

  bool operator==(const InputFile&) const = default;
};

/// The files of one day, sorted by path.
struct InputDay {
  std::optional<CivilDay> day;  ///< nothing: files that may hold rows of any day
  std::vector<InputFile> files;

  bool operator==(const InputDay&) const = default;
};

/// What was published for a feature date.
struct PublishedState {
  std::string run_id;
  std::string status;  ///< "done" | "empty"
  std::string definition_hash;
  std::vector<std::pair<std::string, std::string>> features;  ///< name, hash of its definition
  std::string partition;         ///< directory of the date, relative to the table
  std::vector<InputDay> inputs;  ///< sorted by day
  int64_t rows_read = 0;
  int64_t rows_dropped = 0;
  int64_t rows_filtered = 0;
  int64_t rows_written = 0;
  /// Expressions of output checks with their values, for previous(...).
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Scalar>>> metrics;
  std::vector<CheckResult> checks;
  std::vector<PublishedFile> files;
  int64_t published_at = 0;  ///< microseconds since the epoch
};

/// The last run that tried a feature date.
struct Attempt {
  std::string run_id;
  std::string status;       ///< "done" | "empty" | "failed"
  std::string reason;       ///< why it failed
  int64_t finished_at = 0;  ///< microseconds since the epoch
};

struct LedgerEntry {
  std::string feature_date;  ///< label
  std::optional<PublishedState> published;
  std::optional<Attempt> last_attempt;
};

/// Reads the ledger of one table; writes nothing. Errors (kRunFailed) name the file.
class Ledger {
 public:
  /// `table_path` is the table's directory with symbolic links resolved; it need not exist.
  explicit Ledger(std::string table_path) : table_path_(std::move(table_path)) {}

  /// Nothing if the date was never tried.
  arrow::Result<std::optional<LedgerEntry>> Read(const std::string& date) const;

  /// The entries of dates in [first, last], by label, sorted. Empty bounds are open.
  arrow::Result<std::vector<LedgerEntry>> ReadAll(const std::string& first,
                                                  const std::string& last) const;

  /// The entry of the latest published date before `date`; what previous(...) compares with.
  arrow::Result<std::optional<LedgerEntry>> LastPublishedBefore(const std::string& date) const;

  /// All runs, oldest first.
  arrow::Result<std::vector<RunRecord>> ReadRuns() const;

  std::string EntryPath(const std::string& date) const;
  std::string IntentPath(const std::string& date) const;
  std::string RunPath(const std::string& run_id) const;

 private:
  arrow::Result<std::vector<std::string>> Dates() const;

  std::string table_path_;
};

}  // namespace tidemill
