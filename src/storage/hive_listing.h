#pragma once

/// The files of a hive-partitioned directory and the values in their paths.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "storage/location.h"

namespace tidemill {

struct DataFile {
  std::string path;           ///< in the file system
  std::string relative_path;  ///< below the root, for people and for the ledger
  int64_t size = 0;
  int64_t mtime_ns = 0;
  std::vector<std::shared_ptr<arrow::Scalar>>
      partition_values;  ///< one per partition column; may be null scalars
  /// Numbers of rows that do not count, ascending (Delta's deletion vectors); null: none.
  std::shared_ptr<const std::vector<int64_t>> deleted_rows = nullptr;
  std::string revision = {};  ///< tells apart states of a file of the same size and time
};

struct HiveListing {
  Location root;
  std::shared_ptr<arrow::Schema>
      partition_schema;         ///< date32, int64 or string, inferred from all values
  std::vector<DataFile> files;  ///< sorted by relative path
};

/// Lists every *.parquet below `root` whose path has no part starting with '_' or '.' (partition
/// directories like
/// `_x=1` excepted). Names and values are percent-decoded; `__HIVE_DEFAULT_PARTITION__` is NULL. A
/// column is date32 if every value is a date, int64 if every value is an integer, else string.
/// Errors (kRunFailed) for a missing directory and for files at different depths or with different
/// partition columns, naming two of them.
arrow::Result<HiveListing> ListHive(const Location& root);

/// The listing of one file, which `info` is of: a table without partitions.
HiveListing ListFile(const Location& file, const arrow::fs::FileInfo& info);

}  // namespace tidemill
