#pragma once

/// Rows of a table of Parquet files or a Delta table, with its partition columns.

#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "runner/open_table.h"

namespace tidemill {

/// The feature date of a partition as its label, from the columns that say so.
class DateOfPartition {
 public:
  /// An error (kInvalid) where no column does.
  static arrow::Result<DateOfPartition> Make(const arrow::Schema& columns);

  std::string operator()(const std::vector<std::shared_ptr<arrow::Scalar>>& values) const;

  /// Whether a column is one of those.
  static bool IsPart(const std::string& column);

 private:
  int date_ = -1;
  int hour_ = -1;
  std::vector<int> parts_;
};

/// The columns to read: those of files, those of partitions, and all of them as asked for.
struct TableColumns {
  std::vector<std::string> of_files;
  std::vector<int> of_partitions;
  std::shared_ptr<arrow::Schema> schema;  ///< in the order of reading: files, partitions
  std::vector<int> order;                 ///< of the schema's fields, as asked for

  /// Columns by their names; all of them, those of files first, where `names` is empty. An error
  /// (kInvalid) for one that there is not.
  static arrow::Result<TableColumns> Pick(const TableContents& contents,
                                          const std::vector<std::string>& names);

  /// Those by exact names, of which there may be none.
  static arrow::Result<TableColumns> PickOnly(const TableContents& contents,
                                              const std::vector<std::string>& names);
};

/// Reads a row group without its deleted rows: columns in the schema's order, of its types, text in
/// the form of `text`.
arrow::Result<RowGroupColumns> ReadTableRows(const Location& location,
                                             const TableContents& contents,
                                             const TableColumns& columns, size_t file,
                                             int row_group, TextForm text);

/// The same as a batch of the schema, all plain.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadTableBatch(const Location& location,
                                                                  const TableContents& contents,
                                                                  const TableColumns& columns,
                                                                  size_t file, int row_group);

}  // namespace tidemill
