#pragma once

/// Rows in, Parquet files of one directory out.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "tidemill/run.h"

namespace tidemill {

struct ParquetSinkOptions {
  std::string directory;             ///< exists, on a local file system, without part-*.parquet
  int64_t file_size = 128'000'000;   ///< target of a file's compressed bytes; met within 20 %
  int64_t max_rows_per_file = 0;     ///< 0: no limit
  int64_t clustered_group_rows = 0;  ///< 0: rows are not clustered (RowGroupPlanner::SetClustered)
  std::string compression = "zstd";  ///< zstd | snappy | lz4 | gzip | none
  int threads = 1;                   ///< that encode columns; does not change the bytes
  bool write_empty_file = true;      ///< whether no rows give one file without rows, or no file
  std::vector<std::string> volatile_columns;     ///< left out of content hashes
  const std::atomic<bool>* cancelled = nullptr;  ///< true makes the next step fail (Cancelled)
};

struct WrittenFile {
  PublishedFile file;  ///< its path relative to the sink's directory
  /// Columns of floats with a NaN: some of their row groups have no statistics (nan_statistics.h).
  std::vector<std::string> nan_columns;
};

/// Writes part-00000.parquet, part-00001.parquet, ... The bytes are a function of the rows, their
/// order, the schema and the options but for `threads` and `directory`; how the rows are cut into
/// batches does not matter.
///
/// Files carry page checksums, statistics (but for floats with NaN) and a page index; nothing in
/// them tells when, where or by which run they were written. Each is flushed to the disk (fsync)
/// when it is closed. After a failure the sink is dead and the directory holds partial files: its
/// owner removes it. Not thread-safe.
class ParquetSink {
 public:
  /// An error (kInvalid) for types that the files cannot hold: nested, float16, durations, NULL.
  static arrow::Result<std::unique_ptr<ParquetSink>> Open(
      const std::shared_ptr<arrow::Schema>& schema, ParquetSinkOptions options);
  virtual ~ParquetSink() = default;

  /// Chooses the encodings of all files by these rows, given like those of Write, in place of each
  /// file's first row group: for rows in an order by their values, of which the first are unlike
  /// the rest.
  virtual arrow::Status ChooseEncodings(const arrow::RecordBatch& sample) = 0;

  /// Appends rows; columns by position, of the schema's types or dictionaries of them. The batch
  /// must not change.
  virtual arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) = 0;

  /// Writes what is left.
  virtual arrow::Result<std::vector<WrittenFile>> Close() = 0;

  virtual int64_t num_rows() const = 0;
};

/// The type in which files hold a column: plain (column_types.h), seconds as milliseconds. An error
/// (kInvalid) that names the column for types that files cannot hold.
arrow::Result<std::shared_ptr<arrow::DataType>> StoredType(const arrow::Field& field);

/// Reads a whole file that a sink wrote and counts and hashes it anew, verifying page checksums.
/// `path` of the result is `path`. Columns are read on up to `threads` threads.
arrow::Result<PublishedFile> ReadBack(const std::string& path,
                                      const std::vector<std::string>& volatile_columns,
                                      int threads);

}  // namespace tidemill
