#include "engine/row_spool.h"

#include <algorithm>
#include <utility>

#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/util/compression.h>

#include "tidemill/error.h"

namespace tidemill {

arrow::Result<NewFile> BeginFile(std::shared_ptr<arrow::fs::FileSystem> filesystem,
                                 std::string path) {
  ARROW_ASSIGN_OR_RAISE(auto stream, filesystem->OpenOutputStream(path));
  return NewFile{std::move(filesystem), std::move(path), std::move(stream)};
}

arrow::Status RowSpoolWriter::Append(int64_t morsel, const arrow::RecordBatch& batch) {
  if (writer_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(NewFile made, make_file_());
    stream_ = std::move(made.stream);
    file_.filesystem = std::move(made.filesystem);
    file_.path = std::move(made.path);
    auto options = arrow::ipc::IpcWriteOptions::Defaults();
    ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
    options.use_threads = false;
    ARROW_ASSIGN_OR_RAISE(writer_, arrow::ipc::MakeFileWriter(stream_, batch.schema(), options));
  }
  file_.morsels.push_back(morsel);
  return writer_->WriteRecordBatch(batch);
}

arrow::Status RowSpoolWriter::Finish(std::vector<RowSpoolFile>* files) {
  if (writer_ == nullptr) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(writer_->Close());
  ARROW_ASSIGN_OR_RAISE(file_.bytes, stream_->Tell());
  ARROW_RETURN_NOT_OK(stream_->Close());
  files->push_back(std::move(file_));
  writer_ = nullptr;
  return arrow::Status::OK();
}

arrow::Status VisitRows(
    const std::vector<RowSpoolFile>& files,
    const std::function<arrow::Status(const std::shared_ptr<arrow::RecordBatch>&)>& visit) {
  struct Place {
    int64_t morsel;
    size_t file;
    int batch;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  for (size_t f = 0; f < files.size(); ++f) {
    for (size_t b = 0; b < files[f].morsels.size(); ++b) {
      places.push_back({files[f].morsels[b], f, static_cast<int>(b)});
    }
  }
  std::ranges::sort(places);
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  std::vector<std::shared_ptr<arrow::ipc::RecordBatchFileReader>> readers(files.size());
  for (const Place& place : places) {
    auto& reader = readers[place.file];
    if (reader == nullptr) {
      const RowSpoolFile& file = files[place.file];
      arrow::fs::FileInfo info(file.path, arrow::fs::FileType::File);
      info.set_size(file.bytes);
      ARROW_ASSIGN_OR_RAISE(auto stream, file.filesystem->OpenInputFile(info));
      ARROW_ASSIGN_OR_RAISE(reader,
                            arrow::ipc::RecordBatchFileReader::Open(std::move(stream), options));
      if (reader->num_record_batches() != static_cast<int>(file.morsels.size())) {
        return MakeError(ErrorCode::kRunFailed,
                         file.path + " does not hold the rows that were put into it");
      }
    }
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader->ReadRecordBatch(place.batch));
    ARROW_RETURN_NOT_OK(visit(batch));
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
