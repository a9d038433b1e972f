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
#include "table/delta_actions.h"
#include "table/delta_snapshot.h"
#include "table/key_set.h"
#include "table/staged_partition.h"

namespace tidemill {

/// Rows that a merge leaves as they are, in a new file of the local disk.
struct DeltaRest {
  WrittenFile written;        ///< its path is the whole one
  PartitionValues partition;  ///< as the log has them for the file that the rows come from
};

/// What a merge makes of the date's files.
struct DeltaRewrite {
  std::vector<DeltaFile> replaced;  ///< files that hold a row with a new key
  std::vector<DeltaRest> rest;      ///< their other rows
};

/// The keys of the new rows, which are in the files of a closed partition: `keys` are columns
/// beside the feature date. An error (kRunFailed) if two rows have one key.
arrow::Result<KeySet> KeysOfStaged(const StagedPartition& staged,
                                   const std::vector<std::string>& keys);

struct DeltaMergeInput {
  const Location* table = nullptr;
  const DeltaSnapshot* snapshot = nullptr;
  std::vector<DeltaFile> files;  ///< of the date
  std::vector<std::string> keys;
  const KeySet* new_keys = nullptr;
  /// All columns that the table has in files, not only those of the new rows: the rest keeps them.
  std::shared_ptr<arrow::Schema> schema;
  FileOptions options;
};

/// Writes the rest below `rest_directory`, which does not exist yet, and reads it back. Errors
/// (kRunFailed): unreadable files.
arrow::Result<DeltaRewrite> RewriteForMerge(const DeltaMergeInput& input,
                                            const std::string& rest_directory);

}  // namespace tidemill
