#pragma once

/// Where the tasks of a distributed pass leave files for each other: `_tidemill/work/ID` beside the
/// table, which every process that computes for the table can reach and no reader looks into.
///
/// The folder belongs to the process that runs the pass. Tasks only put files into it; on a local
/// (or network) file system they do not make it either, so a task that was given up and is still at
/// work cannot bring a removed folder back. If the process is killed, the folder stays until
/// `tidemill table vacuum` finds it: on a file system its lock is free then, in an object store
/// nothing was written to it for a day.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "storage/location.h"
#include "table/file_lock.h"
#include "tidemill/table.h"

namespace tidemill {

class WorkFolder {
 public:
  /// The folder of the pass `id` of the table at `table`; nothing is touched.
  static Location Of(const Location& table, const std::string& id);

  static arrow::Result<std::unique_ptr<WorkFolder>> Create(const Location& location);
  /// Removes the folder with all that is in it, and folders around it that were made for it.
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

 private:
  explicit WorkFolder(Location location) : location_(std::move(location)) {}

  arrow::Status CreateLocal();

  Location location_;
  std::string outermost_;  ///< the outermost folder that was made
  std::optional<FileLock> lock_;
};

/// The work folders of a table whose process is dead; with `apply` they are removed.
arrow::Result<std::vector<Leftover>> WorkLeftovers(const Location& table, bool apply);

}  // namespace tidemill
