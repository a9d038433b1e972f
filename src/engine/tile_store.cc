#include "engine/tile_store.h"

#include <utility>

namespace tidemill {
namespace {

/// Tiles of one segment of a file: small beside any budget, large enough for the disk.
constexpr int64_t kSegmentBytes = 1 << 20;

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
  ARROW_ASSIGN_OR_RAISE(auto writer, TileFileWriter::Create(path, *layout_));
  for (const Bucket& bucket : CutBuckets(*layout_, runs, {}, kSegmentBytes)) {
    ARROW_ASSIGN_OR_RAISE(const BucketTable table, BucketTable::Make(*layout_, bucket));
    ARROW_RETURN_NOT_OK(writer->Append(table.ToRun()));
  }
  ARROW_ASSIGN_OR_RAISE(TileFile file, writer->Finish());
  std::lock_guard lock(mutex_);
  spilled_bytes_ += file.bytes();
  files_.push_back(std::move(file));
  return arrow::Status::OK();
}

std::vector<Bucket> TileStore::Cut(int64_t bucket_bytes) const {
  return CutBuckets(*layout_, runs_, files_, bucket_bytes);
}

}  // namespace tidemill
