#pragma once

/// Rows that wait until all of them are there, and are then taken in any order.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "storage/pending_rows.h"

namespace tidemill {

/// Takes rows in batches, Finish()es, then hands them out by their number. Not thread-safe.
///
/// All but the last rows go to an uncompressed Arrow file, cut into chunks of equal length, so that
/// a row's place follows from its number. The file is read through a memory map: what is resident
/// of it is page cache, which the system takes back when memory is short. It loses its name as soon
/// as it is mapped. A few rows never touch the disk.
class RowSpill {
 public:
  /// Columns will have the types of `schema`, plain ones. `path` may be created, in a directory
  /// that exists.
  RowSpill(std::shared_ptr<arrow::Schema> schema, std::string path)
      : schema_(std::move(schema)), path_(std::move(path)), pending_(schema_) {}

  /// Appends rows; columns by position, of types that convert to the schema's. The batch must not
  /// change. Errors name the file.
  arrow::Status Append(const arrow::RecordBatch& batch);

  /// No more rows come.
  arrow::Status Finish();

  int64_t num_rows() const { return num_rows_; }

  /// After Finish: the parts of a column, in order; at least one.
  const arrow::ArrayVector& column(int index) const { return chunks_[static_cast<size_t>(index)]; }

  /// After Finish: how many rows at once are a reasonable amount of memory.
  int64_t rows_at_once() const { return int64_t{1} << chunk_shift_; }

  /// After Finish: these rows, in this order. Columns are gathered on up to `threads` threads.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(std::span<const uint32_t> rows,
                                                          int threads) const;

 private:
  arrow::Status ChooseChunks();
  arrow::Status WriteChunk();
  arrow::Status MapFile();

  std::shared_ptr<arrow::Schema> schema_;
  std::string path_;
  PendingRows pending_;
  int chunk_shift_ = -1;  ///< chunks have 2^shift rows; -1: not chosen yet
  int64_t num_rows_ = 0;
  std::shared_ptr<arrow::io::FileOutputStream> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  std::vector<arrow::ArrayVector> chunks_;  ///< by column
};

}  // namespace tidemill
