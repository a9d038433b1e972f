#include "distributed/metrics_file.h"

#include <memory>

#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>

namespace tidemill {

arrow::Status WriteMetrics(const FrameMetrics& metrics, const Location& work,
                           const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto batch, metrics.Encode());
  ARROW_ASSIGN_OR_RAISE(const auto stream, work.filesystem->OpenOutputStream(path));
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(const auto writer,
                        arrow::ipc::MakeFileWriter(stream, batch->schema(), options));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  return stream->Close();
}

arrow::Status MergeMetrics(const Location& work, const std::string& path, FrameMetrics* metrics) {
  ARROW_ASSIGN_OR_RAISE(const auto stream, work.filesystem->OpenInputFile(path));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(const auto reader,
                        arrow::ipc::RecordBatchFileReader::Open(stream, options));
  ARROW_ASSIGN_OR_RAISE(const auto batch, reader->ReadRecordBatch(0));
  return metrics->MergeEncoded(*batch);
}

}  // namespace tidemill
