#pragma once

/// A row group as it is read: once, however many plans take columns of it.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "engine/source.h"

namespace tidemill {

/// File columns of one row group, without its deleted rows.
struct RawMorsel {
  int64_t num_rows = 0;
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>> columns;  ///< by name

  /// A column, which is gone then; null if it was not read.
  std::shared_ptr<arrow::Array> Take(const std::string& name);
};

/// Reads `columns` of a row group of the file `file` (an index in Source::files), of the types that
/// `schema` gives them: Source::file_schema, unless others read along. Whatever goes wrong is an
/// IOError: told apart from failures to compute, which would come again.
arrow::Result<RawMorsel> ReadMorsel(const Source& source, int file, int row_group,
                                    const arrow::Schema& schema,
                                    const std::vector<std::string>& columns);

/// The same failure, which names its file.
arrow::Status NamingFile(const arrow::Status& status, const Source& source, int file);

}  // namespace tidemill
