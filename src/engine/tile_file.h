#pragma once

/// Tiles in a file: an Arrow IPC file (LZ4) whose record batches are segments of a sorted run.
///
/// Columns: hash, key, stratum, states (the fixed bytes of all states), one binary column per
/// reference of a state (its pointers are meaningless there), and one list of 16-byte identities
/// per distinct slot. Nothing here knows what a state means; the layout tells where its references
/// are.

#include <memory>
#include <string>
#include <vector>

#include <arrow/filesystem/filesystem.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "engine/tile_run.h"

namespace tidemill {

/// The rows of a run as a record batch, and back. The result owns all its memory.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> EncodeTiles(const TileLayout& layout,
                                                               const TileRun& run);
arrow::Result<TileRun> DecodeTiles(const TileLayout& layout, const arrow::RecordBatch& batch);

/// The keys in [first, end).
struct KeyRange {
  std::string first;
  std::string end;       ///< meaningless if `is_last`
  bool is_last = false;  ///< there is no end
};

/// A sorted run in a file, in any file system that all who read it can reach.
struct TileFile {
  std::shared_ptr<arrow::fs::FileSystem> filesystem;
  std::string path;
  std::vector<std::string> first_keys;  ///< of each segment
  int64_t num_rows = 0;
  int64_t memory = 0;  ///< that its tiles took in memory
  int64_t bytes = 0;   ///< of the file

  size_t num_segments() const { return first_keys.size(); }
};

/// Reads segments of one file. Not thread-safe.
class TileFileReader {
 public:
  static arrow::Result<TileFileReader> Open(const TileFile& file);

  /// The rows of a segment whose keys are in `range`.
  arrow::Result<TileRun> Read(const TileLayout& layout, size_t segment, const KeyRange& range);

 private:
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader_;
};

class TileFileWriter {
 public:
  static arrow::Result<std::unique_ptr<TileFileWriter>> Create(
      std::shared_ptr<arrow::fs::FileSystem> filesystem, const std::string& path,
      const TileLayout& layout);
  /// Appends a segment, which has rows; segments come in key order.
  arrow::Status Append(const TileRun& segment);
  arrow::Result<TileFile> Finish();

 private:
  const TileLayout* layout_ = nullptr;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  TileFile file_;
};

}  // namespace tidemill
