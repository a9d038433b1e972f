#pragma once

/// Buckets: ranges of entities, small enough for the cache, that the second phase finishes one by one.
///
/// Tile runs are sorted by entity, so a bucket is one contiguous slice of every run, and where the slices are cut can
/// be chosen after the scan, when the sizes are known: quantiles of a sample of the keys make buckets of equal work
/// whatever the distribution of the keys is. Because buckets are ranges and not hash partitions, finishing them in
/// order yields the output rows in entity order, date by date, without any sort or merge behind them.

#include <cstdint>
#include <vector>

#include "engine/scan.h"
#include "engine/tile_run.h"

namespace tidemill {

/// The rows [begin, end) of a run.
struct RunSlice {
  const TileRun* run = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
};

struct Bucket {
  std::vector<RunSlice> slices;
  int64_t num_rows = 0;
};

/// Cuts the runs into buckets of about `bucket_bytes` of tiles each, in entity order. All tiles of an entity are in
/// one bucket.
std::vector<Bucket> CutBuckets(const TileLayout& layout, const std::vector<TileRun>& runs,
                               int64_t bucket_bytes);

/// The entities of one bucket and their tiles, merged to one per (entity, stratum).
class BucketTable {
 public:
  BucketTable(const TileLayout& layout, const Bucket& bucket);

  size_t num_entities() const { return keys_.size(); }
  const std::vector<Bytes>& keys() const { return keys_; }  ///< ascending

  /// The tiles of entity e, by stratum, are [tile_begin(e), tile_begin(e + 1)).
  uint32_t tile_begin(size_t entity) const { return tile_begin_[entity]; }
  int32_t stratum(uint32_t tile) const { return tile_stratum_[tile]; }
  const uint8_t* states(uint32_t tile) const {
    return states_.get() + size_t{tile} * layout_.states_size;
  }

  /// A row of a run that a tile was merged from.
  struct Part {
    const TileRun* run;
    uint32_t row;
  };
  /// The parts of entity e, by stratum, are [part_begin(e), part_begin(e + 1)).
  uint32_t part_begin(size_t entity) const { return part_begin_[entity]; }
  const Part& part(uint32_t index) const { return parts_[index]; }
  const uint8_t* part_row(uint32_t index) const {
    return parts_[index].run->row(layout_, parts_[index].row);
  }

 private:
  void FindEntities(const Bucket& bucket);
  void OrderParts();
  void MergeTiles();

  const TileLayout& layout_;
  std::vector<Bytes> keys_;
  std::vector<uint32_t> entity_of_row_;  ///< in the order of the bucket's slices
  std::vector<Part> rows_;
  std::vector<uint32_t> part_begin_;
  std::vector<Part> parts_;
  std::vector<uint32_t> tile_begin_;
  std::vector<int32_t> tile_stratum_;
  std::unique_ptr<uint8_t[]> states_;
  Arena arena_;
};

}  // namespace tidemill
