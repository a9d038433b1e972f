#pragma once

/// Features on their way from one process to another: an Arrow IPC file (LZ4) whose record batches
/// are those that a merge handed out, in that order.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/filesystem/filesystem.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "engine/merge.h"

namespace tidemill {

struct FeatureFile {
  std::string path;
  std::vector<size_t> dates;  ///< of each batch; batches of one date are in entity order
  int64_t rows = 0;
  int64_t bytes = 0;
};

/// Takes batches one at a time: for merges with one writer.
class FeatureFileWriter : public FeatureSink {
 public:
  static arrow::Result<std::unique_ptr<FeatureFileWriter>> Create(
      const std::shared_ptr<arrow::fs::FileSystem>& filesystem, const std::string& path,
      const std::shared_ptr<arrow::Schema>& schema);

  arrow::Status Append(size_t date, const std::shared_ptr<arrow::RecordBatch>& batch) override;
  /// An error if any batch could not be written: it is the file's, not that of the batch's date.
  arrow::Result<FeatureFile> Finish();

 private:
  arrow::Status Write(const arrow::RecordBatch& batch);

  arrow::Status failure_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  FeatureFile file_;
};

/// Reads the batches of a file one after the other. Not thread-safe.
class FeatureFileReader {
 public:
  /// An error if the file does not have the batches that `file` names.
  static arrow::Result<FeatureFileReader> Open(
      const std::shared_ptr<arrow::fs::FileSystem>& filesystem, const FeatureFile& file);

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(size_t batch);

 private:
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader_;
};

}  // namespace tidemill
