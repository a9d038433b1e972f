#include "engine/bucket.h"

#include <algorithm>

#include "engine/merge_queue.h"
#include "engine/sort_keys.h"

namespace tidemill {
namespace {

const Bytes& KeyOf(const TileLayout& layout, const TileRun& run, int64_t row) {
  return HeaderOf(run.row(layout, row)).key;
}

/// The first row of a run whose key is not less than `key`, searched from `begin`.
int64_t LowerBound(const TileLayout& layout, const TileRun& run, int64_t begin, const Bytes& key) {
  int64_t end = run.num_rows;
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    if (CompareKeys(KeyOf(layout, run, middle), key) < 0) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

/// Ascending, distinct keys at which buckets begin (but the first).
std::vector<Bytes> ChooseSplitters(const TileLayout& layout, const std::vector<TileRun>& runs,
                                   int64_t num_rows, int64_t num_buckets) {
  constexpr int64_t kSamplesPerBucket = 16;
  const int64_t step = std::max<int64_t>(1, num_rows / (num_buckets * kSamplesPerBucket));
  std::vector<Bytes> sample;
  int64_t next = step / 2;
  for (const TileRun& run : runs) {
    for (; next < run.num_rows; next += step) sample.push_back(KeyOf(layout, run, next));
    next -= run.num_rows;
  }
  std::vector<uint32_t> order(sample.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  SortByKey(sample, &order);
  std::vector<Bytes> splitters;
  for (int64_t b = 1; b < num_buckets; ++b) {
    const auto at = static_cast<size_t>(b) * order.size() / static_cast<size_t>(num_buckets);
    if (at >= order.size()) break;
    const Bytes& key = sample[order[at]];
    if (splitters.empty() || CompareKeys(splitters.back(), key) < 0) splitters.push_back(key);
  }
  return splitters;
}

}  // namespace

std::vector<Bucket> CutBuckets(const TileLayout& layout, const std::vector<TileRun>& runs,
                               int64_t bucket_bytes) {
  int64_t memory = 0;
  int64_t num_rows = 0;
  for (const TileRun& run : runs) {
    memory += run.memory;
    num_rows += run.num_rows;
  }
  if (num_rows == 0) return {};
  constexpr int64_t kMaxBuckets = 16'384;
  const int64_t wanted = std::clamp<int64_t>(memory / bucket_bytes + 1, 1, kMaxBuckets);
  const std::vector<Bytes> splitters = ChooseSplitters(layout, runs, num_rows, wanted);
  std::vector<Bucket> buckets(splitters.size() + 1);
  for (const TileRun& run : runs) {
    int64_t begin = 0;
    for (size_t b = 0; b < buckets.size(); ++b) {
      const int64_t end = b < splitters.size() ? LowerBound(layout, run, begin, splitters[b])
                                               : run.num_rows;
      if (end > begin) {
        buckets[b].slices.push_back({&run, begin, end});
        buckets[b].num_rows += end - begin;
      }
      begin = end;
    }
  }
  std::erase_if(buckets, [](const Bucket& bucket) { return bucket.num_rows == 0; });
  return buckets;
}

BucketTable::BucketTable(const TileLayout& layout, const Bucket& bucket) : layout_(layout) {
  FindEntities(bucket);
  OrderParts();
  MergeTiles();
}

void BucketTable::FindEntities(const Bucket& bucket) {
  size_t capacity = 64;
  while (capacity < static_cast<size_t>(bucket.num_rows) * 2) capacity *= 2;
  struct Cell {
    uint32_t entity_plus_one = 0;
    uint32_t salt = 0;
  };
  std::vector<Cell> cells(capacity);
  std::vector<Bytes> found;
  entity_of_row_.reserve(static_cast<size_t>(bucket.num_rows));
  rows_.reserve(static_cast<size_t>(bucket.num_rows));
  for (const RunSlice& slice : bucket.slices) {
    for (int64_t r = slice.begin; r < slice.end; ++r) {
      const TileHeader& header = HeaderOf(slice.run->row(layout_, r));
      const auto salt = static_cast<uint32_t>(header.hash >> 32);
      size_t at = header.hash & (capacity - 1);
      while (true) {
        Cell& cell = cells[at];
        if (cell.entity_plus_one == 0) {
          found.push_back(header.key);
          cell = {static_cast<uint32_t>(found.size()), salt};
          break;
        }
        if (cell.salt == salt && CompareKeys(found[cell.entity_plus_one - 1], header.key) == 0) {
          break;
        }
        at = (at + 1) & (capacity - 1);
      }
      entity_of_row_.push_back(cells[at].entity_plus_one - 1);
      rows_.push_back({slice.run, static_cast<uint32_t>(r)});
    }
  }
  std::vector<uint32_t> order(found.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  SortByKey(found, &order);
  std::vector<uint32_t> rank(found.size());
  keys_.reserve(found.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    keys_.push_back(found[order[i]]);
  }
  for (uint32_t& entity : entity_of_row_) entity = rank[entity];
}

void BucketTable::OrderParts() {
  part_begin_.assign(keys_.size() + 1, 0);
  for (uint32_t entity : entity_of_row_) ++part_begin_[entity + 1];
  for (size_t e = 0; e < keys_.size(); ++e) part_begin_[e + 1] += part_begin_[e];
  parts_.resize(rows_.size());
  std::vector<uint32_t> next(part_begin_.begin(), part_begin_.end() - 1);
  for (size_t r = 0; r < rows_.size(); ++r) parts_[next[entity_of_row_[r]]++] = rows_[r];
  rows_ = {};
  entity_of_row_ = {};
  auto by_stratum = [this](const Part& a, const Part& b) {
    return HeaderOf(a.run->row(layout_, a.row)).stratum <
           HeaderOf(b.run->row(layout_, b.row)).stratum;
  };
  for (size_t e = 0; e < keys_.size(); ++e) {
    const auto begin = parts_.begin() + part_begin_[e];
    const auto end = parts_.begin() + part_begin_[e + 1];
    if (!std::is_sorted(begin, end, by_stratum)) std::stable_sort(begin, end, by_stratum);
  }
}

void BucketTable::MergeTiles() {
  std::vector<uint32_t> tile_of_part(parts_.size());
  tile_begin_.reserve(keys_.size() + 1);
  for (size_t e = 0; e < keys_.size(); ++e) {
    tile_begin_.push_back(static_cast<uint32_t>(tile_stratum_.size()));
    for (uint32_t p = part_begin_[e]; p < part_begin_[e + 1]; ++p) {
      const int32_t stratum = HeaderOf(part_row(p)).stratum;
      if (p == part_begin_[e] || stratum != tile_stratum_.back()) tile_stratum_.push_back(stratum);
      tile_of_part[p] = static_cast<uint32_t>(tile_stratum_.size() - 1);
    }
  }
  tile_begin_.push_back(static_cast<uint32_t>(tile_stratum_.size()));

  states_ = std::make_unique_for_overwrite<uint8_t[]>(tile_stratum_.size() * layout_.states_size);
  for (size_t t = 0; t < tile_stratum_.size(); ++t) {
    layout_.Initialize(states_.get() + t * layout_.states_size);
  }
  MergeQueue queue(layout_, &arena_);
  for (uint32_t p = 0; p < parts_.size(); ++p) {
    queue.Add(states_.get() + size_t{tile_of_part[p]} * layout_.states_size,
              part_row(p) + sizeof(TileHeader));
  }
  queue.Flush();
}

}  // namespace tidemill
