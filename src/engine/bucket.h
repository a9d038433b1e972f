#pragma once

/// Buckets: ranges of entities, small enough for the cache, that the second phase finishes one by
/// one.
///
/// Tile runs are sorted by entity, so a bucket is one contiguous slice of every run, and where the
/// slices are cut can be chosen after the scan, when the sizes are known: quantiles of a sample of
/// the keys make buckets of equal work whatever the distribution of the keys is. Because buckets
/// are ranges and not hash partitions, finishing them in order yields the output rows in entity
/// order, date by date, without any sort or merge behind them.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/tile_file.h"
#include "engine/tile_run.h"

namespace tidemill {

/// The rows [begin, end) of a run.
struct RunSlice {
  const TileRun* run = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
};

/// The segments [begin, end) of a file, whose first and last may reach beyond the bucket.
struct FileSlice {
  const TileFile* file = nullptr;
  size_t begin = 0;
  size_t end = 0;
};

struct Bucket {
  KeyRange keys;
  std::vector<RunSlice> runs;    ///< in memory
  std::vector<FileSlice> files;  ///< in files
  int64_t num_rows = 0;          ///< of `runs`, and an estimate of those of `files`
};

/// Cuts runs and files into buckets of about `bucket_bytes` of tiles each, in entity order. All
/// tiles of an entity are in one bucket.
std::vector<Bucket> CutBuckets(const TileLayout& layout, const std::vector<TileRun>& runs,
                               const std::vector<TileFile>& files, int64_t bucket_bytes);

/// The entities of one bucket and their tiles, merged to one per (entity, stratum).
class BucketTable {
 public:
  /// Reads what of the bucket is in files and merges everything.
  static arrow::Result<BucketTable> Make(const TileLayout& layout, const Bucket& bucket);

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

  /// The tiles as a sorted run of their own, one per (entity, stratum), distinct values without
  /// repeats.
  TileRun ToRun() const;

 private:
  explicit BucketTable(const TileLayout& layout) : layout_(layout) {}

  arrow::Result<std::vector<RunSlice>> Load(const Bucket& bucket);
  void FindEntities(const std::vector<RunSlice>& slices);
  void OrderParts();
  void MergeTiles();
  /// Calls visit(tile, offset in its states, target) for every reference of every tile.
  template <typename Visit>
  void ForEachReference(Visit visit) const;
  TileValues UnitedValues(size_t distinct) const;

  const TileLayout& layout_;
  std::vector<std::unique_ptr<TileRun>> loaded_;  ///< segments of files
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
