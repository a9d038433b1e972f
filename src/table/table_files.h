#pragma once

/// The small files of a table (ledger, Delta log) and the placing of its data files, on a local
/// disk or in an object store.
///
/// Paths are relative to the table. A file is replaced or created at once: readers see the old
/// content or the new one, whole. On a local disk every change is flushed before the call returns.
/// Thread-safe.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "storage/location.h"
#include "storage/object_store.h"

namespace tidemill {

class TableFiles {
 public:
  struct Content {
    std::string text;
    std::string revision;  ///< for ReplaceIf; empty on a local disk
  };

  virtual ~TableFiles() = default;

  /// Nothing if there is no such file.
  virtual arrow::Result<std::optional<Content>> Read(const std::string& path) const = 0;
  /// Names in a folder, sorted; none if there is no such folder.
  virtual arrow::Result<std::vector<std::string>> NamesIn(const std::string& folder) const = 0;

  virtual arrow::Status Replace(const std::string& path, std::string_view content) = 0;
  /// False if there is such a file already.
  virtual arrow::Result<bool> Create(const std::string& path, std::string_view content) = 0;
  /// False if the file no longer has this revision; an empty one means that there was no file.
  virtual arrow::Result<bool> ReplaceIf(const std::string& path, std::string_view content,
                                        const std::string& revision) = 0;
  /// No error if there is no such file.
  virtual arrow::Status Remove(const std::string& path) = 0;

  /// Brings a finished local file into the table under a name that is free: a rename, or an upload
  /// in parts. `bytes` is its size, which is compared afterwards.
  virtual arrow::Status Place(const std::string& local_path, const std::string& path,
                              int64_t bytes) = 0;
};

/// `temporary` gives paths beside the table that nobody else uses; without it files can only be
/// read.
std::shared_ptr<TableFiles> MakeLocalTableFiles(std::string table_path,
                                                std::function<std::string()> temporary);

/// Opens what is needed for conditional puts when the first one comes.
std::shared_ptr<TableFiles> MakeObjectTableFiles(const Location& table);

}  // namespace tidemill
