#pragma once

/// The rows of one feature date, written where nobody sees them.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "storage/parquet_sink.h"
#include "table/partition_layout.h"
#include "table/row_spill.h"

namespace tidemill {

/// How the files of a partition are written.
struct FileOptions {
  int64_t file_size = 128'000'000;  ///< target, compressed
  int64_t max_rows_per_file = 0;    ///< 0: no limit
  std::string compression = "zstd";
  /// The columns in the types in which files hold them, where a table's format has a say.
  std::shared_ptr<arrow::Schema> stored = nullptr;
  ClusterSpec cluster_by;  ///< the order of rows in each sub-partition; kNone: as they come
  int threads = 1;         ///< that encode and read back; does not change the bytes
  const std::atomic<bool>* cancelled = nullptr;
};

/// Takes rows in output order, Close()s, is audited and then published (TableWriter::Publish).
/// Destroying it leaves its files to the run's staging folder. Not thread-safe; several may be
/// filled at the same time.
///
/// With cluster_by the rows of each sub-partition are kept aside, in `directory`.rows, and put in
/// order and written by Close, one sub-partition after the other. Their row groups are small, so
/// that readers can skip by the least and greatest values.
class StagedPartition {
 public:
  /// `directory` does not exist; it becomes the date's directory. `partition` is its later place,
  /// relative to the table. Errors of CheckSchema, CheckClustering and ParquetSink::Open.
  static arrow::Result<std::unique_ptr<StagedPartition>> Open(
      const PartitionLayout& layout, std::string directory, std::string partition,
      const std::shared_ptr<arrow::Schema>& schema, std::vector<std::string> volatile_columns,
      FileOptions options);

  /// Appends rows with the columns of the schema, in its order.
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch);

  /// Appends rows without partition columns to the sub-partition at `path` below the date.
  arrow::Status WriteInto(const std::string& path, const std::shared_ptr<arrow::RecordBatch>& rows);

  /// Ends all files and flushes them and their directories to the disk. No rows give one file
  /// without rows, or an empty directory where column terms divide the date.
  arrow::Status Close();

  /// After Close: reads every file back and compares rows and content hashes with what was written.
  /// An error (kRunFailed) names the file.
  arrow::Status Audit() const;

  /// After Close; paths are relative to the table.
  const std::vector<PublishedFile>& files() const { return files_; }
  /// Columns of floats with a NaN in the i-th file.
  const std::vector<std::string>& nan_columns(size_t i) const { return nan_columns_[i]; }
  const std::string& directory() const { return directory_; }
  const std::string& partition() const { return partition_; }
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  /// Of the columns in files, as they are written.
  const std::shared_ptr<arrow::Schema>& file_schema() const { return file_schema_; }
  const FileOptions& options() const { return options_; }
  int64_t num_rows() const { return num_rows_; }
  int64_t num_bytes() const;

 private:
  StagedPartition(const PartitionLayout& layout, std::string directory, std::string partition,
                  std::shared_ptr<arrow::Schema> schema, std::vector<std::string> volatile_columns,
                  FileOptions options);

  bool is_clustered() const { return options_.cluster_by.kind != ClusterSpec::Kind::kNone; }
  std::string RowsDirectory() const { return directory_ + ".rows"; }

  arrow::Result<std::unique_ptr<ParquetSink>> OpenSink(const std::string& path) const;
  /// Rows of one sub-partition, on their way to its files.
  arrow::Status WriteSlice(const PartitionSlice& slice);
  /// Ends the files of a sub-partition.
  arrow::Status CloseSink(const std::string& path, ParquetSink* sink);
  arrow::Status CloseClustered();
  arrow::Status WriteInOrder(RowSpill* rows, ParquetSink* sink) const;

  PartitionLayout layout_;
  std::string directory_;
  std::string partition_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> file_schema_;
  std::vector<std::string> volatile_columns_;
  FileOptions options_;
  // By path below the directory, made when a first row comes; the second with cluster_by.
  std::map<std::string, std::unique_ptr<ParquetSink>> sinks_;
  std::map<std::string, std::unique_ptr<RowSpill>> spills_;
  std::vector<PublishedFile> files_;
  std::vector<std::vector<std::string>> nan_columns_;  ///< by file
  int64_t num_rows_ = 0;
  bool closed_ = false;
};

}  // namespace tidemill
