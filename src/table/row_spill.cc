#include "table/row_spill.h"

#include <algorithm>
#include <bit>
#include <utility>

#include <arrow/ipc/reader.h>

#include "storage/parallel_for.h"
#include "table/durable_files.h"
#include "table/gather.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr int64_t kMaxChunkRows = 32'768;
/// Bytes of a chunk in memory, at most about: wide rows make chunks shorter.
constexpr double kMaxChunkBytes = 64e6;
/// Rows from which the width of rows is guessed.
constexpr int64_t kProbeRows = 1024;

arrow::Status AboutFile(const std::string& path, const arrow::Status& status) {
  if (status.ok()) return status;
  return MakeError(CodeOf(status), path + ": rows cannot be kept aside: " + status.message(),
                   "ordering rows by cluster_by needs space on the disk of the table");
}

}  // namespace

arrow::Status RowSpill::Append(const arrow::RecordBatch& batch) {
  ARROW_RETURN_NOT_OK(pending_.Append(batch));
  num_rows_ += batch.num_rows();
  if (chunk_shift_ < 0 && pending_.num_rows() >= kProbeRows) ARROW_RETURN_NOT_OK(ChooseChunks());
  while (chunk_shift_ >= 0 && pending_.num_rows() >= rows_at_once()) {
    ARROW_RETURN_NOT_OK(AboutFile(path_, WriteChunk()));
  }
  return arrow::Status::OK();
}

arrow::Status RowSpill::ChooseChunks() {
  const int64_t rows = std::min(kProbeRows, pending_.num_rows());
  double bytes = 0;
  if (rows > 0) {
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector columns, pending_.First(rows));
    for (const auto& column : columns) bytes += MemoryBytes(*column);
  }
  const double width = std::max(1.0, bytes / static_cast<double>(std::max<int64_t>(rows, 1)));
  const auto fit = static_cast<int64_t>(kMaxChunkBytes / width);
  chunk_shift_ =
      std::bit_width(static_cast<uint64_t>(std::clamp<int64_t>(fit, 1, kMaxChunkRows))) - 1;
  return arrow::Status::OK();
}

arrow::Status RowSpill::WriteChunk() {
  if (writer_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(stream_, arrow::io::FileOutputStream::Open(path_));
    ARROW_ASSIGN_OR_RAISE(writer_, arrow::ipc::MakeFileWriter(stream_, schema_));
  }
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, pending_.First(rows_at_once()));
  ARROW_RETURN_NOT_OK(writer_->WriteRecordBatch(
      *arrow::RecordBatch::Make(schema_, rows_at_once(), std::move(columns))));
  pending_.Drop(rows_at_once());
  return arrow::Status::OK();
}

arrow::Status RowSpill::Finish() {
  if (chunk_shift_ < 0) ARROW_RETURN_NOT_OK(ChooseChunks());
  chunks_.resize(static_cast<size_t>(schema_->num_fields()));
  if (writer_ != nullptr) ARROW_RETURN_NOT_OK(AboutFile(path_, MapFile()));
  if (pending_.num_rows() > 0) {
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector columns, pending_.First(pending_.num_rows()));
    for (size_t i = 0; i < chunks_.size(); ++i) chunks_[i].push_back(columns[i]);
    pending_.Drop(pending_.num_rows());
  }
  return arrow::Status::OK();
}

arrow::Status RowSpill::MapFile() {
  ARROW_RETURN_NOT_OK(writer_->Close());
  ARROW_RETURN_NOT_OK(stream_->Close());
  ARROW_ASSIGN_OR_RAISE(auto file,
                        arrow::io::MemoryMappedFile::Open(path_, arrow::io::FileMode::READ));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  ARROW_RETURN_NOT_OK(RemoveFile(path_));
  for (int chunk = 0; chunk < reader->num_record_batches(); ++chunk) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader->ReadRecordBatch(chunk));
    for (size_t i = 0; i < chunks_.size(); ++i) {
      chunks_[i].push_back(batch->column(static_cast<int>(i)));
    }
  }
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowSpill::Take(std::span<const uint32_t> rows,
                                                                  int threads) const {
  arrow::ArrayVector columns(chunks_.size());
  ARROW_RETURN_NOT_OK(ParallelFor(
      static_cast<int64_t>(columns.size()), threads, nullptr, [&](int64_t i, int) -> arrow::Status {
        const auto column = static_cast<size_t>(i);
        return Gather(chunks_[column], chunk_shift_, rows).Value(&columns[column]);
      }));
  return arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows.size()), std::move(columns));
}

}  // namespace tidemill
