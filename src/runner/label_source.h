#pragma once

/// The rows for which a training set wants features.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "runner/table_rows.h"

namespace tidemill {

/// A Parquet file, a directory of them or a Delta table, opened. Labels are numbered from 0 in the
/// order of files and rows.
class LabelSource {
 public:
  /// Errors: nothing there, unreadable (kRunFailed).
  static arrow::Result<LabelSource> Open(const std::string& path, int threads);

  const std::string& path() const { return location_.uri; }
  /// Columns of files, then those of partitions.
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  int64_t num_rows() const { return first_row_.back(); }

  size_t num_batches() const { return groups_.size(); }
  /// The number of the first label of a batch; of one behind the last, how many there are.
  int64_t first_row(size_t batch) const { return first_row_[batch]; }

  /// Some columns of a batch, in their order; all columns if `columns` is empty.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(
      size_t batch, const std::vector<std::string>& columns) const;

 private:
  struct Group {
    size_t file;
    int row_group;
  };

  Location location_;
  TableContents contents_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Group> groups_;
  std::vector<int64_t> first_row_;
};

}  // namespace tidemill
