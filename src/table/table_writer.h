#pragma once

/// One run's hold on a table, whatever the table's kind.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "table/file_lock.h"
#include "table/ledger.h"
#include "table/staged_partition.h"

namespace tidemill {

/// The right to change one feature date, until destroyed: exclusive on this machine's disks; in an
/// object store a note of what was there, against which Publish is checked.
class DateLock {
 public:
  DateLock(std::string date, std::string partition, std::optional<FileLock> lock)
      : date_(std::move(date)), partition_(std::move(partition)), lock_(std::move(lock)) {}

  const std::string& date() const { return date_; }
  /// The date's directory, relative to the table.
  const std::string& partition() const { return partition_; }

  std::string seen_run;       ///< that had published the date; empty: none
  int64_t seen_version = -1;  ///< of the Delta table; -1: there was none

 private:
  std::string date_;
  std::string partition_;
  std::optional<FileLock> lock_;
};

/// A partition that readers see.
struct Publication {
  std::string feature_date;
  std::string status;  ///< "done" | "empty"
  std::vector<PublishedFile> files;
  std::vector<std::string> warnings;  ///< of what went wrong after it
};

/// Thread-safe for different dates. Destroying it removes what was staged and not published; a run
/// that ends without Publish leaves the table as it was.
class TableWriter {
 public:
  virtual ~TableWriter() = default;

  virtual const std::string& run_id() const = 0;

  /// Takes a date, whose directory is or will be `partition`. An error (kConflict) names the run
  /// that holds it.
  virtual arrow::Result<DateLock> Lock(const std::string& date, const std::string& partition) = 0;

  /// A place for the rows of a date. One partition per date at a time. Columns named in
  /// `volatile_columns` are left out of content hashes.
  virtual arrow::Result<std::unique_ptr<StagedPartition>> Stage(
      const DateLock& lock, const std::shared_ptr<arrow::Schema>& schema,
      std::vector<std::string> volatile_columns, FileOptions options) = 0;

  /// Makes a closed (and audited) partition visible in place of the date's old one. Of `state` the
  /// caller gives what was read and checked; run, status, partition, rows written, files and time
  /// are filled in. After an error table and ledger are as before. An error (kConflict) says that
  /// somebody else published the date since it was locked.
  virtual arrow::Result<Publication> Publish(const DateLock& lock,
                                             std::unique_ptr<StagedPartition> staged,
                                             PublishedState state) = 0;

  /// A path on this machine for a file that KeepQuarantined takes over.
  virtual arrow::Result<std::string> NewQuarantinePath() = 0;

  /// Puts a finished file of quarantined rows, of `bytes` bytes, into the table's quarantine, where
  /// it appears at once under `name` (quarantine.h). It does not matter what becomes of the run.
  virtual arrow::Status KeepQuarantined(const std::string& local_path, const std::string& name,
                                        int64_t bytes) = 0;

  /// Notes in the ledger that this run failed for a date. What is published, and what the ledger
  /// says of it, stays.
  virtual arrow::Status RecordFailure(const DateLock& lock, const std::string& reason) = 0;

  /// Writes the run's own record; its run_id is filled in.
  virtual arrow::Status WriteRun(RunRecord run) = 0;
};

/// Fills in what only the writer knows. An error (kRunFailed) if the date was published as another
/// partition, which would then be there twice.
arrow::Result<Publication> CompleteState(const std::string& run_id, const std::string& date,
                                         const StagedPartition& staged,
                                         const std::optional<LedgerEntry>& previous,
                                         PublishedState* state);

/// The entry of a date whose publication by this state succeeded.
LedgerEntry EntryOf(const std::string& date, PublishedState state);

/// `entry` after a failed attempt.
LedgerEntry WithFailure(std::optional<LedgerEntry> entry, const std::string& date,
                        const std::string& run_id, const std::string& reason);

}  // namespace tidemill
