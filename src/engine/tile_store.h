#pragma once

/// All tiles of a pass: in memory as long as the budget allows, in sorted files beyond it.
///
/// When the runs in memory outgrow the budget, the thread that noticed merges all of them, bucket
/// by bucket, into one sorted file in the (local) scratch folder: tiles of the same (entity,
/// stratum) become one, repeated distinct values are dropped, and memory is free again. The second
/// phase reads a file's segments bucket by bucket, so it needs memory for the buckets in work only.
/// What is computed does not depend on what was spilled, since merging is associative and exact.

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "engine/bucket.h"
#include "engine/tile_file.h"

namespace tidemill {

class TileStore {
 public:
  /// `budget` in bytes; 0: no limit. `scratch` gives a new path for a file when first needed; files
  /// stay until the folder is removed by its owner.
  TileStore(const TileLayout* layout, int64_t budget,
            std::function<arrow::Result<std::string>()> scratch)
      : layout_(layout), budget_(budget), scratch_(std::move(scratch)) {}

  /// Takes a run over; may spill. Thread-safe.
  arrow::Status Add(TileRun run);

  /// Writes everything into one sorted file whose segments hold about `segment_bytes` of tiles
  /// each. After the last Add.
  arrow::Result<TileFile> WriteSorted(std::shared_ptr<arrow::fs::FileSystem> filesystem,
                                      const std::string& path, int64_t segment_bytes) const;

  /// Cuts everything into buckets of about `bucket_bytes`. After the last Add.
  std::vector<Bucket> Cut(int64_t bucket_bytes) const;

  int64_t memory() const;  ///< of all tiles, if they were in memory
  int64_t spilled_bytes() const { return spilled_bytes_; }

 private:
  arrow::Status Spill(std::vector<TileRun> runs);

  const TileLayout* layout_;
  int64_t budget_;
  std::function<arrow::Result<std::string>()> scratch_;
  std::mutex mutex_;
  std::vector<TileRun> runs_;
  int64_t memory_ = 0;
  std::vector<TileFile> files_;
  int64_t spilled_bytes_ = 0;
};

}  // namespace tidemill
