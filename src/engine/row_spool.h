#pragma once

/// Quarantined rows on their way from the scan to their file, which is written when the scan is
/// over.
///
/// Threads (and tasks of other processes) meet failing rows in any order and in any number, and the
/// file has them in the order of the source. So each writes what it meets to an Arrow file of its
/// own, a batch per morsel, and the batches are then read in the order of the morsels: memory holds
/// the failing rows of one row group.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/filesystem/filesystem.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace tidemill {

/// A file that is begun.
struct NewFile {
  std::shared_ptr<arrow::fs::FileSystem> filesystem;
  std::string path;
  std::shared_ptr<arrow::io::OutputStream> stream;
};

/// Begins a file at a path that nothing has yet.
arrow::Result<NewFile> BeginFile(std::shared_ptr<arrow::fs::FileSystem> filesystem,
                                 std::string path);

using MakeFile = std::function<arrow::Result<NewFile>()>;

struct RowSpoolFile {
  std::shared_ptr<arrow::fs::FileSystem> filesystem;
  std::string path;
  int64_t bytes = 0;
  std::vector<int64_t> morsels;  ///< of each batch: its number in the plan
};

/// Not thread-safe. The file is made when the first batch comes.
class RowSpoolWriter {
 public:
  explicit RowSpoolWriter(MakeFile make_file) : make_file_(std::move(make_file)) {}

  arrow::Status Append(int64_t morsel, const arrow::RecordBatch& batch);

  /// Adds the file to `files`, if there is one.
  arrow::Status Finish(std::vector<RowSpoolFile>* files);

 private:
  MakeFile make_file_;
  RowSpoolFile file_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

/// Calls `visit` with every batch of the files, in the order of the morsels.
arrow::Status VisitRows(
    const std::vector<RowSpoolFile>& files,
    const std::function<arrow::Status(const std::shared_ptr<arrow::RecordBatch>&)>& visit);

}  // namespace tidemill
