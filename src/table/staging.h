#pragma once

/// Where a run keeps files that nobody may see yet.
///
/// Readers find files of a table by globs (`**/*.parquet`), and not all of them skip hidden
/// folders, so nothing below the table is safe. A run stages in a hidden sibling of the table,
/// which is on the same file system, so that the finished directory can be renamed into place:
///
///     features/                              the table
///     .features.tidemill-staging/            exists while somebody publishes
///         20260302T141530...-9f86d081/       one run
///             lock                           locked while the run lives
///             2026-03-02/                    the new partition; after the exchange, the old one
///
/// A lock ends with its process, however it ends, so a folder whose lock is free belongs to a dead
/// run and is removed by the next run that begins. Creating a folder with its lock, and judging
/// folders, happen under one more lock, in the table, so that a folder is never judged before its
/// lock is taken.
///
/// Where the sibling cannot be created or lies on another file system (the table is itself a mount
/// point) a run ends with an error before it computes anything; a folder below the mount point
/// works.

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <arrow/result.h>

#include "table/file_lock.h"

namespace tidemill {

class StagingFolder {
 public:
  /// Creates the folder of a run. The table's directory exists.
  static arrow::Result<std::unique_ptr<StagingFolder>> Create(const std::string& table_path,
                                                              const std::string& run_id);
  /// Removes the folder with all that is in it.
  ~StagingFolder();
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;

  /// Removes the folders of dead runs but those that `is_needed` (by run) holds back. Failures
  /// leave a folder for the next run.
  void RemoveDeadRuns(const std::function<bool(const std::string& run_id)>& is_needed) const;

  const std::string& path() const { return path_; }

  /// A path in the folder that was not handed out before, for a file that is renamed into place at
  /// once.
  std::string TemporaryPath();

 private:
  StagingFolder(std::string table_path, std::string run_id, FileLock lock);

  std::string table_path_;
  std::string run_id_;
  std::string path_;
  FileLock lock_;
  std::atomic<int> next_temporary_ = 0;
};

/// The hidden sibling of a table.
std::string StagingRoot(const std::string& table_path);

}  // namespace tidemill
