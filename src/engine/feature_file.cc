#include "engine/feature_file.h"

#include <utility>

#include <arrow/compute/cast.h>
#include <arrow/util/compression.h>

#include "tidemill/error.h"

namespace tidemill {

arrow::Result<std::unique_ptr<FeatureFileWriter>> FeatureFileWriter::Create(
    const std::shared_ptr<arrow::fs::FileSystem>& filesystem, const std::string& path,
    const std::shared_ptr<arrow::Schema>& schema) {
  auto writer = std::make_unique<FeatureFileWriter>();
  writer->file_.path = path;
  ARROW_ASSIGN_OR_RAISE(writer->stream_, filesystem->OpenOutputStream(path));
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(writer->writer_,
                        arrow::ipc::MakeFileWriter(writer->stream_, schema, options));
  return writer;
}

arrow::Status FeatureFileWriter::Append(size_t date,
                                        const std::shared_ptr<arrow::RecordBatch>& batch) {
  if (failure_.ok()) failure_ = Write(*batch);
  ARROW_RETURN_NOT_OK(failure_);
  file_.dates.push_back(date);
  file_.rows += batch->num_rows();
  return arrow::Status::OK();
}

arrow::Status FeatureFileWriter::Write(const arrow::RecordBatch& batch) {
  // A column may be a dictionary of its type: such a batch does not have the file's schema.
  arrow::ArrayVector columns = batch.columns();
  for (int i = 0; i < batch.num_columns(); ++i) {
    auto& column = columns[static_cast<size_t>(i)];
    const auto& type = batch.schema()->field(i)->type();
    if (column->type()->Equals(*type)) continue;
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum plain, arrow::compute::Cast(column, type));
    column = plain.make_array();
  }
  return writer_->WriteRecordBatch(
      *arrow::RecordBatch::Make(batch.schema(), batch.num_rows(), std::move(columns)));
}

arrow::Result<FeatureFile> FeatureFileWriter::Finish() {
  ARROW_RETURN_NOT_OK(failure_);
  ARROW_RETURN_NOT_OK(writer_->Close());
  ARROW_ASSIGN_OR_RAISE(file_.bytes, stream_->Tell());
  ARROW_RETURN_NOT_OK(stream_->Close());
  return std::move(file_);
}

arrow::Result<FeatureFileReader> FeatureFileReader::Open(
    const std::shared_ptr<arrow::fs::FileSystem>& filesystem, const FeatureFile& file) {
  arrow::fs::FileInfo info(file.path, arrow::fs::FileType::File);
  info.set_size(file.bytes);
  ARROW_ASSIGN_OR_RAISE(auto stream, filesystem->OpenInputFile(info));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  FeatureFileReader reader;
  ARROW_ASSIGN_OR_RAISE(reader.reader_,
                        arrow::ipc::RecordBatchFileReader::Open(std::move(stream), options));
  if (reader.reader_->num_record_batches() != static_cast<int>(file.dates.size())) {
    return MakeError(ErrorCode::kRunFailed, file.path + " does not hold the features of its task");
  }
  return reader;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> FeatureFileReader::Read(size_t batch) {
  return reader_->ReadRecordBatch(static_cast<int>(batch));
}

}  // namespace tidemill
