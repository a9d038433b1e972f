#pragma once

/// A table of feature dates on a local file system: reading its ledger, and publishing to it.
///
///     Table ── Begin ──> TableWriter ── Lock(date) ──> DateLock
///                             │                           │
///                             ├── Stage(lock, schema) ──> StagedPartition: Write..., Close, Audit
///                             └── Publish(lock, staged, state) ──> Publication
///
/// Opening a table touches nothing. Begin creates what is missing, takes a staging folder and
/// cleans up after runs that died. A run that ends without Publish leaves the table as it was.

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "storage/location.h"
#include "table/file_lock.h"
#include "table/ledger.h"
#include "table/partition_layout.h"
#include "table/publication.h"
#include "table/staged_partition.h"
#include "table/staging.h"

namespace tidemill {

/// The exclusive right to change one feature date, until destroyed.
class DateLock {
 public:
  Slot slot() const { return slot_; }
  const std::string& date() const { return date_; }

 private:
  friend class TableWriter;
  DateLock(Slot slot, std::string date, FileLock lock)
      : slot_(slot), date_(std::move(date)), lock_(std::move(lock)) {}

  Slot slot_;
  std::string date_;
  FileLock lock_;
};

/// A partition that readers see.
struct Publication {
  std::string feature_date;
  std::string status;  ///< "done" | "empty"
  std::vector<PublishedFile> files;
};

class TableWriter;

class Table {
 public:
  /// Creates and reads nothing; symbolic links in the path are resolved. Errors (kInvalid) for the
  /// root directory and for file systems that are not local.
  static arrow::Result<Table> Open(const Location& location, PartitionLayout layout);

  const std::string& path() const { return path_; }
  const PartitionLayout& layout() const { return layout_; }
  Ledger ledger() const { return Ledger(path_); }

  /// Begins a run that may publish. Publications that dead runs left half done are finished or
  /// dropped, and their staged files removed.
  arrow::Result<std::unique_ptr<TableWriter>> Begin(const std::string& run_id,
                                                    PublishProbe probe = {}) const;

 private:
  Table(std::string path, PartitionLayout layout)
      : path_(std::move(path)), layout_(std::move(layout)) {}

  std::string path_;
  PartitionLayout layout_;
};

/// One run's hold on a table. Thread-safe for different dates. Destroying it removes what was
/// staged and not published.
class TableWriter {
 public:
  /// Takes a date. An error (kConflict) names the run that holds it.
  arrow::Result<DateLock> Lock(Slot slot);

  /// A place for the rows of a date. One partition per date at a time. Columns named in
  /// `volatile_columns` are left out of content hashes.
  arrow::Result<std::unique_ptr<StagedPartition>> Stage(
      const DateLock& lock, const std::shared_ptr<arrow::Schema>& schema,
      std::vector<std::string> volatile_columns, FileOptions options);

  /// Makes a closed (and audited) partition visible in place of the date's old one. Of `state` the
  /// caller gives what was read and checked; run, status, partition, rows written, files and time
  /// are filled in. After an error table and ledger are as before.
  arrow::Result<Publication> Publish(const DateLock& lock, std::unique_ptr<StagedPartition> staged,
                                     PublishedState state);

  /// Notes in the ledger that this run failed for a date. What is published, and what the ledger
  /// says of it, stays.
  arrow::Status RecordFailure(const DateLock& lock, const std::string& reason);

  /// Writes the run's own record; its run_id is filled in.
  arrow::Status WriteRun(RunRecord run);

  const std::string& run_id() const { return run_id_; }

 private:
  friend class Table;
  TableWriter(const Table& table, std::string run_id, PublishProbe probe)
      : table_(table), run_id_(std::move(run_id)), probe_(std::move(probe)) {}

  std::string LockPath(const std::string& date) const;
  arrow::Status RecoverOtherRuns();

  Table table_;
  std::string run_id_;
  PublishProbe probe_;
  std::unique_ptr<StagingFolder> staging_;
};

}  // namespace tidemill
