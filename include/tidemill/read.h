#pragma once

/// What is published, as a table in memory.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/table.h>

#include "tidemill/error.h"

namespace tidemill {

struct ReadOptions {
  std::optional<std::vector<std::string>> dates;  ///< labels; nothing: all
  std::vector<std::string> columns;               ///< empty: all
  int threads = 0;                                ///< 0: all cores
};

/// The published features of some dates, partition columns behind those of the files, in the order
/// of the table's partitions. A date that is not published has no rows. Errors: no table
/// (kRunFailed); a column that there is not, dates of a table without partitions by date
/// (kInvalid).
arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(const std::string& path,
                                                       const ReadOptions& options);

}  // namespace tidemill
