#include "table/staged_partition.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "storage/parallel_for.h"
#include "table/cluster_order.h"
#include "table/durable_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

/// Row groups of clustered files: small ones span little of each column.
constexpr int64_t kClusteredGroupRows = 32'768;

}  // namespace

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
  ARROW_RETURN_NOT_OK(CheckClustering(staged->options_.cluster_by, layout, *schema));
  arrow::FieldVector stored;
  for (const std::shared_ptr<arrow::Field>& field : staged->file_schema_->fields()) {
    ARROW_ASSIGN_OR_RAISE(auto type, StoredType(*field));
    stored.push_back(arrow::field(field->name(), std::move(type)));
  }
  staged->file_schema_ = arrow::schema(std::move(stored));
  ARROW_RETURN_NOT_OK(MakeScratchDirectories(staged->directory_));
  if (staged->is_clustered()) {
    ARROW_RETURN_NOT_OK(RemoveTree(staged->RowsDirectory()));
    ARROW_RETURN_NOT_OK(MakeScratchDirectories(staged->RowsDirectory()));
  }
  return staged;
}

arrow::Result<std::unique_ptr<ParquetSink>> StagedPartition::OpenSink(
    const std::string& path) const {
  ParquetSinkOptions options;
  options.directory = path.empty() ? directory_ : directory_ + "/" + path;
  options.file_size = options_.file_size;
  options.max_rows_per_file = options_.max_rows_per_file;
  if (is_clustered()) options.clustered_group_rows = kClusteredGroupRows;
  options.compression = options_.compression;
  options.threads = options_.threads;
  options.volatile_columns = volatile_columns_;
  options.cancelled = options_.cancelled;
  ARROW_RETURN_NOT_OK(MakeScratchDirectories(options.directory));
  return ParquetSink::Open(file_schema_, std::move(options));
}

arrow::Status StagedPartition::Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
  if (!batch->schema()->Equals(*schema_, /*check_metadata=*/false)) {
    return arrow::Status::Invalid("rows of ", partition_, " have the columns ",
                                  batch->schema()->ToString(), " in place of ",
                                  schema_->ToString());
  }
  if (batch->num_rows() == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto slices, SplitByPartition(layout_, *batch));
  for (const PartitionSlice& slice : slices) ARROW_RETURN_NOT_OK(WriteSlice(slice));
  num_rows_ += batch->num_rows();
  return arrow::Status::OK();
}

arrow::Status StagedPartition::WriteInto(const std::string& path,
                                         const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (rows->num_rows() == 0) return arrow::Status::OK();
  num_rows_ += rows->num_rows();
  return WriteSlice({path, rows});
}

arrow::Status StagedPartition::WriteSlice(const PartitionSlice& slice) {
  if (is_clustered()) {
    std::unique_ptr<RowSpill>& spill = spills_[slice.path];
    if (spill == nullptr) {
      spill = std::make_unique<RowSpill>(
          file_schema_, fmt::format("{}/{}.arrow", RowsDirectory(), spills_.size()));
    }
    return spill->Append(*slice.rows);
  }
  std::unique_ptr<ParquetSink>& sink = sinks_[slice.path];
  if (sink == nullptr) ARROW_RETURN_NOT_OK(OpenSink(slice.path).Value(&sink));
  return sink->Write(slice.rows);
}

arrow::Status StagedPartition::Close() {
  if (closed_) return arrow::Status::OK();
  if (is_clustered()) {
    ARROW_RETURN_NOT_OK(CloseClustered());
  } else {
    for (auto& [path, sink] : sinks_) {
      ARROW_RETURN_NOT_OK(CloseSink(path, sink.get()));
      sink.reset();
    }
    sinks_.clear();
  }
  if (num_rows_ == 0 && layout_.column_terms().empty()) {
    ARROW_ASSIGN_OR_RAISE(const auto sink, OpenSink(""));
    ARROW_RETURN_NOT_OK(CloseSink("", sink.get()));
  }
  ARROW_RETURN_NOT_OK(SyncTree(directory_));
  closed_ = true;
  return arrow::Status::OK();
}

arrow::Status StagedPartition::CloseSink(const std::string& path, ParquetSink* sink) {
  ARROW_ASSIGN_OR_RAISE(std::vector<WrittenFile> written, sink->Close());
  for (WrittenFile& file : written) {
    file.file.path = partition_ + "/" + (path.empty() ? "" : path + "/") + file.file.path;
    files_.push_back(std::move(file.file));
    nan_columns_.push_back(std::move(file.nan_columns));
  }
  return arrow::Status::OK();
}

arrow::Status StagedPartition::CloseClustered() {
  for (auto& [path, spill] : spills_) {
    ARROW_ASSIGN_OR_RAISE(const auto sink, OpenSink(path));
    ARROW_RETURN_NOT_OK(WriteInOrder(spill.get(), sink.get()));
    spill.reset();
    ARROW_RETURN_NOT_OK(CloseSink(path, sink.get()));
  }
  spills_.clear();
  return RemoveTree(RowsDirectory());
}

arrow::Status StagedPartition::WriteInOrder(RowSpill* rows, ParquetSink* sink) const {
  ARROW_RETURN_NOT_OK(rows->Finish());
  std::vector<arrow::ArrayVector> columns;
  for (const LocatedText& column : options_.cluster_by.columns) {
    columns.push_back(rows->column(file_schema_->GetFieldIndex(column.text)));
  }
  ARROW_ASSIGN_OR_RAISE(
      const std::vector<uint32_t> order,
      ClusterOrder(options_.cluster_by.kind, columns, options_.threads, options_.cancelled));
  const auto step = static_cast<size_t>(rows->rows_at_once());
  for (size_t begin = 0; begin < order.size(); begin += step) {
    const size_t n = std::min(step, order.size() - begin);
    ARROW_ASSIGN_OR_RAISE(const auto batch,
                          rows->Take({order.data() + begin, n}, options_.threads));
    ARROW_RETURN_NOT_OK(sink->Write(batch));
  }
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
