#pragma once

/// Parquet on a local disk: a date's directory is exchanged for the new one in one step
/// (publication.h), under a lock that ends with its process.

#include <memory>
#include <string>

#include <arrow/result.h>

#include "table/publication.h"
#include "table/table.h"

namespace tidemill {

arrow::Result<std::unique_ptr<TableWriter>> MakeLocalWriter(const Table& table, std::string run_id,
                                                            PublishProbe probe);

/// The lock on a date of a local table, with the name of its holder in it. An error (kConflict)
/// names who holds it.
arrow::Result<FileLock> LockDate(const std::string& table_path, const std::string& date,
                                 const std::string& run_id);

}  // namespace tidemill
