#pragma once

/// What a table remembers of each feature date and of each run.
///
/// One small JSON file per feature date, `_tidemill/dates/DATE.json`, and one per run,
/// `_tidemill/runs/RUN.json`. Each is replaced at once, so a reader sees the old or the new state.
/// A date's entry changes only under the date's lock (table.h). Unknown fields are ignored; a newer
/// format version is refused.
///
/// Where the step that publishes is not the writing of the entry itself, an instant lies between
/// the two, and a crash in it leaves an entry that is too old. The table's kind knows where the new
/// one stands then (`Reconcile`): on a local disk in the intent `_tidemill/pending/DATE.json`, in a
/// Delta table in the commit. So whoever reads the ledger sees the entry of the partition that a
/// reader of the table sees, without having to write anything.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <arrow/scalar.h>

#include "base/calendar.h"
#include "table/table_files.h"
#include "tidemill/run.h"
#include "tidemill/table.h"

namespace tidemill {

/// A file of the source as it was when it was read.
struct InputFile {
  std::string path;  ///< relative to the source; bytes that are no UTF-8 as \xNN
  int64_t size = 0;
  int64_t mtime_ns = 0;
  std::string revision = {};  ///< tells apart states of the same size and time; mostly empty

  bool operator==(const InputFile&) const = default;
};

/// The files of one day, sorted by path.
struct InputDay {
  std::optional<CivilDay> day;  ///< nothing: files that may hold rows of any day
  std::vector<InputFile> files;

  bool operator==(const InputDay&) const = default;
};

/// A table beside the source that a feature date was computed from.
struct OtherInput {
  std::string role;                ///< "join" | "dated join" | "entities"
  std::string path;                ///< as the pipeline file has it
  std::optional<int64_t> version;  ///< of a Delta table
  std::vector<InputFile> files;    ///< that were read, sorted by path
};

/// What was published for a feature date.
struct PublishedState {
  std::string run_id;
  std::string status;  ///< "done" | "empty"
  std::string definition_hash;
  std::vector<std::pair<std::string, std::string>> features;  ///< name, hash of its definition
  std::string partition;                 ///< directory of the date, relative to the table
  std::vector<InputDay> inputs;          ///< sorted by day
  std::optional<int64_t> input_version;  ///< of a Delta source
  std::vector<OtherInput> other_inputs;  ///< in the order of the pipeline file
  int64_t rows_read = 0;
  int64_t rows_quarantined = 0;  ///< of rows_read, by row rules
  /// Entities that the last published date before this one had not, and that only it had; where
  /// that was counted.
  std::optional<int64_t> entities_entered, entities_left;
  int64_t rows_dropped = 0;
  int64_t rows_filtered = 0;
  int64_t rows_unmatched = 0;  ///< left since an inner join found nothing for them
  int64_t rows_written = 0;
  /// Expressions of output checks with their values, for previous(...).
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Scalar>>> metrics;
  std::vector<CheckResult> checks;
  std::vector<PublishedFile> files;
  int64_t published_at = 0;  ///< microseconds since the epoch
  int64_t transaction = -1;  ///< version of the Delta table's txn action; -1: not Delta
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
  using MaybeEntry = arrow::Result<std::optional<LedgerEntry>>;
  /// Gives the entry that holds for a date; `recorded` reads what the ledger's file says.
  using Reconcile = std::function<MaybeEntry(const std::string& date,
                                             const std::function<MaybeEntry()>& recorded)>;

  /// The table need not exist. Without `reconcile` what is recorded holds.
  explicit Ledger(std::shared_ptr<const TableFiles> files, Reconcile reconcile = {})
      : files_(std::move(files)), reconcile_(std::move(reconcile)) {}

  /// Nothing if the date was never tried.
  arrow::Result<std::optional<LedgerEntry>> Read(const std::string& date) const;

  /// The entries of dates in [first, last], by label, sorted. Empty bounds are open.
  arrow::Result<std::vector<LedgerEntry>> ReadAll(const std::string& first,
                                                  const std::string& last) const;

  /// The entry of the latest published date before `date`; what previous(...) compares with.
  arrow::Result<std::optional<LedgerEntry>> LastPublishedBefore(const std::string& date) const;

  /// All runs, oldest first.
  arrow::Result<std::vector<RunRecord>> ReadRuns() const;

  /// Paths relative to the table.
  static std::string EntryPath(const std::string& date);
  static std::string IntentPath(const std::string& date);
  static std::string RunPath(const std::string& run_id);

 private:
  arrow::Result<std::vector<std::string>> Dates() const;

  std::shared_ptr<const TableFiles> files_;
  Reconcile reconcile_;
};

}  // namespace tidemill
