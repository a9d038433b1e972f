#include "table/staged_partition.h"

#include <utility>

#include <fmt/format.h>

#include "storage/parallel_for.h"
#include "table/durable_files.h"
#include "tidemill/error.h"

namespace tidemill {

StagedPartition::StagedPartition(const PartitionLayout& layout, std::string directory,
                                 std::string partition, std::shared_ptr<arrow::Schema> schema,
                                 std::vector<std::string> volatile_columns, FileOptions options)
    : layout_(layout),
      directory_(std::move(directory)),
      partition_(std::move(partition)),
      schema_(std::move(schema)),
      file_schema_(layout.FileSchema(options.stored != nullptr ? *options.stored : *schema_)),
      volatile_columns_(std::move(volatile_columns)),
      options_(std::move(options)) {}

arrow::Result<std::unique_ptr<StagedPartition>> StagedPartition::Open(
    const PartitionLayout& layout, std::string directory, std::string partition,
    const std::shared_ptr<arrow::Schema>& schema, std::vector<std::string> volatile_columns,
    FileOptions options) {
  ARROW_RETURN_NOT_OK(layout.CheckSchema(*schema));
  std::unique_ptr<StagedPartition> staged(
      new StagedPartition(layout, std::move(directory), std::move(partition), schema,
                          std::move(volatile_columns), std::move(options)));
  for (const std::shared_ptr<arrow::Field>& field : staged->file_schema_->fields()) {
    ARROW_RETURN_NOT_OK(StoredType(*field).status());
  }
  ARROW_RETURN_NOT_OK(MakeScratchDirectories(staged->directory_));
  return staged;
}

arrow::Result<ParquetSink*> StagedPartition::SinkOf(const std::string& path) {
  std::unique_ptr<ParquetSink>& sink = sinks_[path];
  if (sink != nullptr) return sink.get();
  ParquetSinkOptions options;
  options.directory = path.empty() ? directory_ : directory_ + "/" + path;
  options.file_size = options_.file_size;
  options.max_rows_per_file = options_.max_rows_per_file;
  options.compression = options_.compression;
  options.threads = options_.threads;
  options.volatile_columns = volatile_columns_;
  options.cancelled = options_.cancelled;
  ARROW_RETURN_NOT_OK(MakeScratchDirectories(options.directory));
  ARROW_ASSIGN_OR_RAISE(sink, ParquetSink::Open(file_schema_, std::move(options)));
  return sink.get();
}

arrow::Status StagedPartition::Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
  if (!batch->schema()->Equals(*schema_, /*check_metadata=*/false)) {
    return arrow::Status::Invalid("rows of ", partition_, " have the columns ",
                                  batch->schema()->ToString(), " in place of ",
                                  schema_->ToString());
  }
  if (batch->num_rows() == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto slices, SplitByPartition(layout_, *batch));
  for (const PartitionSlice& slice : slices) {
    ARROW_ASSIGN_OR_RAISE(ParquetSink * sink, SinkOf(slice.path));
    ARROW_RETURN_NOT_OK(sink->Write(slice.rows));
  }
  num_rows_ += batch->num_rows();
  return arrow::Status::OK();
}

arrow::Status StagedPartition::Close() {
  if (closed_) return arrow::Status::OK();
  if (sinks_.empty() && layout_.column_terms().empty()) ARROW_RETURN_NOT_OK(SinkOf("").status());
  for (auto& [path, sink] : sinks_) {
    ARROW_ASSIGN_OR_RAISE(const auto written, sink->Close());
    for (PublishedFile file : written) {
      file.path = partition_ + "/" + (path.empty() ? "" : path + "/") + file.path;
      files_.push_back(std::move(file));
    }
    sink.reset();
  }
  sinks_.clear();
  ARROW_RETURN_NOT_OK(SyncTree(directory_));
  closed_ = true;
  return arrow::Status::OK();
}

arrow::Status StagedPartition::Audit() const {
  // Threads share the files, or the columns of a single file.
  const int threads_a_file = files_.size() == 1 ? options_.threads : 1;
  return ParallelFor(
      static_cast<int64_t>(files_.size()), options_.threads, options_.cancelled,
      [&](int64_t i, int) -> arrow::Status {
        const PublishedFile& written = files_[static_cast<size_t>(i)];
        const std::string path = directory_ + written.path.substr(partition_.size());
        ARROW_ASSIGN_OR_RAISE(const PublishedFile read,
                              ReadBack(path, volatile_columns_, threads_a_file));
        if (read.rows == written.rows && read.bytes == written.bytes && read.hash == written.hash) {
          return arrow::Status::OK();
        }
        return MakeError(
            ErrorCode::kRunFailed,
            fmt::format(
                "{}: does not read back as it was written: {} rows in {} bytes with hash {}, "
                "not {} rows in {} bytes with hash {}",
                path, read.rows, read.bytes, read.hash, written.rows, written.bytes, written.hash),
            "the disk or its memory may be at fault; nothing was published");
      });
}

int64_t StagedPartition::num_bytes() const {
  int64_t bytes = 0;
  for (const PublishedFile& file : files_) bytes += file.bytes;
  return bytes;
}

}  // namespace tidemill
