#pragma once

/// An upsert into one feature date of a Delta table: rows with the keys of the new ones give way,
/// others stay, and only files that hold such a row are rewritten.

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "storage/location.h"
#include "storage/parquet_sink.h"
#include "table/delta_snapshot.h"
#include "table/staged_partition.h"

namespace tidemill {

/// What a merge makes of the date's files.
struct DeltaRewrite {
  std::vector<DeltaFile> replaced;  ///< files that hold a row with a new key
  /// Their other rows, in files of the local disk; paths are relative to the folder that was given.
  std::vector<WrittenFile> rest;
};

struct DeltaMergeInput {
  const Location* table = nullptr;
  const DeltaSnapshot* snapshot = nullptr;
  std::vector<DeltaFile> files;  ///< of the date
  /// The new rows: files of the local disk below `directory`, paths relative to it.
  std::string directory;
  std::vector<PublishedFile> staged;
  std::vector<std::string> keys;               ///< columns beside the feature date
  std::shared_ptr<arrow::Schema> file_schema;  ///< of the columns in files, as they are written
  std::string partition;                       ///< directory of the date, relative to the table
  FileOptions options;
};

/// Writes the rest below `rest_directory`, which does not exist yet, and reads it back. Errors
/// (kRunFailed): two new rows with one key, unreadable files.
arrow::Result<DeltaRewrite> RewriteForMerge(const DeltaMergeInput& input,
                                            const std::string& rest_directory);

}  // namespace tidemill
