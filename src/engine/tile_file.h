#pragma once

/// Tiles on disk: an Arrow IPC file (LZ4) whose record batches are segments of a sorted run.
///
/// Columns: hash, key, stratum, states (the fixed bytes of all states), one binary column per
/// reference of a state (its pointers are meaningless on disk), and one list of 16-byte identities
/// per distinct slot. Nothing here knows what a state means; the layout tells where its references
/// are.

#include <memory>
#include <string>
#include <vector>

#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "engine/tile_run.h"

namespace tidemill {

/// The rows of a run as a record batch, and back. The result owns all its memory.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> EncodeTiles(const TileLayout& layout,
                                                               const TileRun& run);
arrow::Result<TileRun> DecodeTiles(const TileLayout& layout, const arrow::RecordBatch& batch);

/// A sorted run in a file. Reading is thread-safe.
class TileFile {
 public:
  const std::string& path() const { return path_; }
  size_t num_segments() const { return first_keys_.size(); }
  const std::string& first_key(size_t segment) const { return first_keys_[segment]; }
  int64_t num_rows() const { return num_rows_; }
  int64_t memory() const { return memory_; }  ///< that its tiles took in memory
  int64_t bytes() const { return bytes_; }    ///< on disk

  arrow::Result<TileRun> ReadSegment(const TileLayout& layout, size_t segment) const;

 private:
  friend class TileFileWriter;

  std::string path_;
  std::vector<std::string> first_keys_;
  int64_t num_rows_ = 0;
  int64_t memory_ = 0;
  int64_t bytes_ = 0;
};

class TileFileWriter {
 public:
  static arrow::Result<std::unique_ptr<TileFileWriter>> Create(const std::string& path,
                                                               const TileLayout& layout);
  /// Appends a segment; segments come in key order.
  arrow::Status Append(const TileRun& segment);
  arrow::Result<TileFile> Finish();

 private:
  const TileLayout* layout_ = nullptr;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  TileFile file_;
};

}  // namespace tidemill
