#pragma once

/// Parquet files read row group by row group, under one schema.

#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/table.h>
#include <parquet/arrow/reader.h>
#include <parquet/metadata.h>

#include "storage/hive_listing.h"

namespace tidemill {

/// An opened footer.
struct ParquetFooter {
  std::shared_ptr<parquet::FileMetaData> metadata;
  /// The file's top-level columns, in its order; types as Arrow reads them, without dictionaries.
  /// The names are those by which columns are asked for; a table format may give others than the
  /// file's.
  std::shared_ptr<arrow::Schema> schema;
};

/// Reads the footers of `files` with up to `threads` threads. Errors (kRunFailed) name the file:
/// zero bytes, truncated, not Parquet, unreadable.
arrow::Result<std::vector<ParquetFooter>> ReadFooters(const Location& root,
                                                      const std::vector<DataFile>& files,
                                                      int threads);

struct UnifiedSchema {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string>
      warnings;  ///< "column 'x' is missing in 2 files (first: ...); read as NULL"
};

/// One schema for all files: a missing column is NULL (with a warning), integers, floats, decimals,
/// timestamp units and string sizes are widened; anything else is an error that names both files
/// and both types.
arrow::Result<UnifiedSchema> UnifySchemas(const std::vector<DataFile>& files,
                                          const std::vector<ParquetFooter>& footers);

/// Minimum and maximum of a column in a row group.
struct ColumnRange {
  std::shared_ptr<arrow::Scalar> min;
  std::shared_ptr<arrow::Scalar> max;
};
/// What a row group's statistics say of a column; nothing where they are absent.
struct ColumnFacts {
  std::optional<ColumnRange> range;  ///< of floats the values that are not NaN
  std::optional<int64_t> nulls;
};
ColumnFacts FactsOf(const ParquetFooter& footer, int row_group, const std::string& column);

/// The range of a column that holds for every row; nothing where it is absent or may be unsound
/// (floats, whose NaN has no place in it).
std::optional<ColumnRange> StatisticsOf(const ParquetFooter& footer, int row_group,
                                        const std::string& column);

/// The compressed bytes of some columns of a row group, as a reader would fetch them.
int64_t CompressedBytes(const ParquetFooter& footer, int row_group,
                        const std::vector<std::string>& columns);

/// The rows of a row group that count.
struct RowGroupColumns {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  int64_t num_rows = 0;
};

/// How strings and binary are read.
enum class TextForm {
  kDictionary,  ///< as a dictionary with int32 indices
  /// Plain where the writer gave its dictionary up before the middle of the column chunk, since the
  /// values are mostly distinct: codes would cost more than they save. Else a dictionary.
  kAsStored,
  kPlain,  ///< as values; as a dictionary only where they are too long for one array
};

/// Reads one row group without its deleted rows: an array per name in `columns`, in order, of the
/// type that `schema` gives it (strings and binary in the form of `text`), a single chunk each.
/// Columns that the file lacks are NULL arrays. Strings are valid UTF-8. Errors (kRunFailed) name
/// file and row group, for bad UTF-8 also the row.
arrow::Result<RowGroupColumns> ReadRowGroup(const Location& root, const DataFile& file,
                                            const ParquetFooter& footer, int row_group,
                                            const arrow::Schema& schema,
                                            const std::vector<std::string>& columns,
                                            TextForm text = TextForm::kDictionary);

}  // namespace tidemill
