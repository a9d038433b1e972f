#include "engine/tile_store.h"

#include <utility>

#include <arrow/filesystem/localfs.h>

namespace tidemill {
namespace {

/// Tiles of one segment of a file: small beside any budget, large enough for the disk.
constexpr int64_t kSegmentBytes = 1 << 20;

arrow::Result<TileFile> WriteBuckets(const TileLayout& layout, const std::vector<Bucket>& buckets,
                                     std::shared_ptr<arrow::fs::FileSystem> filesystem,
                                     const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto writer, TileFileWriter::Create(std::move(filesystem), path, layout));
  for (const Bucket& bucket : buckets) {
    ARROW_ASSIGN_OR_RAISE(const BucketTable table, BucketTable::Make(layout, bucket));
    // Where a bucket lies in files is an estimate: it may have no rows after all.
    if (table.num_entities() > 0) ARROW_RETURN_NOT_OK(writer->Append(table.ToRun()));
  }
  return writer->Finish();
}

}  // namespace

arrow::Status TileStore::Add(TileRun run) {
  if (run.num_rows == 0) return arrow::Status::OK();
  std::vector<TileRun> full;
  {
    std::lock_guard lock(mutex_);
    memory_ += run.memory;
    runs_.push_back(std::move(run));
    if (budget_ > 0 && memory_ > budget_) {
      full = std::exchange(runs_, {});
      memory_ = 0;
    }
  }
  return full.empty() ? arrow::Status::OK() : Spill(std::move(full));
}

arrow::Status TileStore::Spill(std::vector<TileRun> runs) {
  std::string path;
  {
    std::lock_guard lock(mutex_);
    ARROW_ASSIGN_OR_RAISE(path, scratch_());
  }
  ARROW_ASSIGN_OR_RAISE(TileFile file,
                        WriteBuckets(*layout_, CutBuckets(*layout_, runs, {}, kSegmentBytes),
                                     std::make_shared<arrow::fs::LocalFileSystem>(), path));
  std::lock_guard lock(mutex_);
  spilled_bytes_ += file.bytes;
  files_.push_back(std::move(file));
  return arrow::Status::OK();
}

arrow::Result<TileFile> TileStore::WriteSorted(std::shared_ptr<arrow::fs::FileSystem> filesystem,
                                               const std::string& path,
                                               int64_t segment_bytes) const {
  return WriteBuckets(*layout_, Cut(segment_bytes), std::move(filesystem), path);
}

int64_t TileStore::memory() const {
  int64_t memory = memory_;
  for (const TileFile& file : files_) memory += file.memory;
  return memory;
}

std::vector<Bucket> TileStore::Cut(int64_t bucket_bytes) const {
  return CutBuckets(*layout_, runs_, files_, bucket_bytes);
}

}  // namespace tidemill
