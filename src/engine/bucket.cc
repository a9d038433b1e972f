#include "engine/bucket.h"

#include <algorithm>
#include <cstring>

#include "engine/code_table.h"
#include "engine/merge_queue.h"
#include "engine/sort_keys.h"

namespace tidemill {
namespace {

Bytes KeyOf(const TileLayout& layout, const TileRun& run, int64_t row) {
  return HeaderOf(run.row(layout, row)).key();
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

Bytes ViewOf(const std::string& key) {
  return {reinterpret_cast<const uint8_t*>(key.data()), key.size()};
}

constexpr int64_t kSamplesPerBucket = 16;

/// Ascending, distinct keys at which buckets begin (but the first).
std::vector<std::string> ChooseSplitters(const TileLayout& layout, const std::vector<TileRun>& runs,
                                         const std::vector<TileFile>& files, int64_t num_rows,
                                         int64_t num_buckets) {
  const int64_t step = std::max<int64_t>(1, num_rows / (num_buckets * kSamplesPerBucket));
  std::vector<Bytes> sample;
  int64_t next = step / 2;
  for (const TileRun& run : runs) {
    for (; next < run.num_rows; next += step) sample.push_back(KeyOf(layout, run, next));
    next -= run.num_rows;
  }
  for (const TileFile& file : files) {
    // Of a file only the first key of each segment is known; it stands for the segment's rows.
    const auto segments = static_cast<int64_t>(file.num_segments());
    const int64_t weight = std::max<int64_t>(1, file.num_rows / segments / step);
    for (size_t segment = 0; segment < file.num_segments(); ++segment) {
      sample.insert(sample.end(), static_cast<size_t>(weight), ViewOf(file.first_keys[segment]));
    }
  }
  std::vector<uint32_t> order(sample.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  SortByKey(sample, &order);
  std::vector<std::string> splitters;
  for (int64_t b = 1; b < num_buckets; ++b) {
    const auto at = static_cast<size_t>(b) * order.size() / static_cast<size_t>(num_buckets);
    if (at >= order.size()) break;
    const auto key = sample[order[at]].view();
    if (splitters.empty() || splitters.back() < key) splitters.emplace_back(key);
  }
  return splitters;
}

FileSlice SliceOf(const TileFile& file, const Bucket& bucket) {
  FileSlice slice{&file, 0, file.num_segments()};
  const KeyRange& keys = bucket.keys;
  while (slice.begin + 1 < slice.end && file.first_keys[slice.begin + 1] <= keys.first) {
    ++slice.begin;
  }
  if (!keys.is_last) {
    while (slice.end > slice.begin && file.first_keys[slice.end - 1] >= keys.end) --slice.end;
  }
  return slice;
}

}  // namespace

std::vector<Bucket> CutBuckets(const TileLayout& layout, const std::vector<TileRun>& runs,
                               const std::vector<TileFile>& files, int64_t bucket_bytes) {
  int64_t memory = 0;
  int64_t num_rows = 0;
  for (const TileRun& run : runs) {
    memory += run.memory;
    num_rows += run.num_rows;
  }
  for (const TileFile& file : files) {
    memory += file.memory;
    num_rows += file.num_rows;
  }
  if (num_rows == 0) return {};
  constexpr int64_t kMaxBuckets = 16'384;
  const int64_t wanted = std::clamp<int64_t>(memory / bucket_bytes + 1, 1, kMaxBuckets);
  const auto splitters = ChooseSplitters(layout, runs, files, num_rows, wanted);
  std::vector<Bucket> buckets(splitters.size() + 1);
  buckets.back().keys.is_last = true;
  for (size_t b = 0; b < splitters.size(); ++b) {
    buckets[b].keys.end = buckets[b + 1].keys.first = splitters[b];
  }
  for (const TileRun& run : runs) {
    int64_t begin = 0;
    for (Bucket& bucket : buckets) {
      const int64_t end = bucket.keys.is_last
                              ? run.num_rows
                              : LowerBound(layout, run, begin, ViewOf(bucket.keys.end));
      if (end > begin) {
        bucket.runs.push_back({&run, begin, end});
        bucket.num_rows += end - begin;
      }
      begin = end;
    }
  }
  for (const TileFile& file : files) {
    const int64_t rows = file.num_rows / static_cast<int64_t>(file.num_segments());
    for (Bucket& bucket : buckets) {
      const FileSlice slice = SliceOf(file, bucket);
      if (slice.begin == slice.end) continue;
      bucket.files.push_back(slice);
      bucket.num_rows += rows * static_cast<int64_t>(slice.end - slice.begin);
    }
  }
  std::erase_if(buckets,
                [](const Bucket& bucket) { return bucket.runs.empty() && bucket.files.empty(); });
  return buckets;
}

arrow::Result<BucketTable> BucketTable::Make(const TileLayout& layout, const Bucket& bucket) {
  BucketTable table(layout);
  ARROW_ASSIGN_OR_RAISE(const auto slices, table.Load(bucket));
  table.FindEntities(slices);
  table.OrderParts();
  table.MergeTiles();
  return table;
}

arrow::Result<std::vector<RunSlice>> BucketTable::Load(const Bucket& bucket) {
  std::vector<RunSlice> slices = bucket.runs;
  for (const FileSlice& slice : bucket.files) {
    ARROW_ASSIGN_OR_RAISE(TileFileReader reader, TileFileReader::Open(*slice.file));
    for (size_t segment = slice.begin; segment < slice.end; ++segment) {
      ARROW_ASSIGN_OR_RAISE(TileRun run, reader.Read(layout_, segment, bucket.keys));
      if (run.num_rows == 0) continue;
      loaded_.push_back(std::make_unique<TileRun>(std::move(run)));
      slices.push_back({loaded_.back().get(), 0, loaded_.back()->num_rows});
    }
  }
  return slices;
}

void BucketTable::FindEntities(const std::vector<RunSlice>& slices) {
  int64_t num_rows = 0;
  for (const RunSlice& slice : slices) num_rows += slice.end - slice.begin;
  size_t capacity = 64;
  while (capacity < static_cast<size_t>(num_rows) * 2) capacity *= 2;
  struct Cell {
    uint32_t entity_plus_one = 0;
    uint32_t salt = 0;
  };
  std::vector<Cell> cells(capacity);
  std::vector<Bytes> found;
  entity_of_row_.reserve(static_cast<size_t>(num_rows));
  rows_.reserve(static_cast<size_t>(num_rows));
  for (const RunSlice& slice : slices) {
    for (int64_t r = slice.begin; r < slice.end; ++r) {
      const Bytes key = KeyOf(layout_, *slice.run, r);
      const uint64_t hash = HashBytes(key.view());
      const auto salt = static_cast<uint32_t>(hash >> 32);
      size_t at = hash & (capacity - 1);
      while (true) {
        Cell& cell = cells[at];
        if (cell.entity_plus_one == 0) {
          found.push_back(key);
          cell = {static_cast<uint32_t>(found.size()), salt};
          break;
        }
        if (cell.salt == salt && CompareKeys(found[cell.entity_plus_one - 1], key) == 0) {
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

TileRun BucketTable::ToRun() const {
  for (const StateSlot& slot : layout_.states) {
    if (slot.kernel.shrink == nullptr) continue;
    for (size_t t = 0; t < tile_stratum_.size(); ++t) {
      slot.kernel.shrink(states_.get() + t * layout_.states_size + slot.offset, 1);
    }
  }
  TileRun run;
  run.num_rows = static_cast<int64_t>(tile_stratum_.size());
  const size_t row_size = layout_.row_size();
  size_t heap_size = 8;
  for (size_t e = 0; e < keys_.size(); ++e) {
    heap_size += keys_[e].size * (tile_begin_[e + 1] - tile_begin_[e]);
  }
  ForEachReference([&](uint32_t, size_t, const Bytes& target) {
    heap_size += (target.size + 7) & ~uint64_t{7};
  });
  const size_t bytes = tile_stratum_.size() * row_size;
  run.rows = TileBytes(bytes);
  run.heap = TileBytes(heap_size);
  run.memory = static_cast<int64_t>(bytes + heap_size);
  uint8_t* key_end = run.heap.get() + heap_size;
  for (size_t e = 0; e < keys_.size(); ++e) {
    for (uint32_t t = tile_begin_[e]; t < tile_begin_[e + 1]; ++t) {
      key_end -= keys_[e].size;
      if (keys_[e].size > 0) std::memcpy(key_end, keys_[e].data, keys_[e].size);
      const TileHeader header{key_end, static_cast<uint32_t>(keys_[e].size), tile_stratum_[t]};
      uint8_t* row = run.rows.get() + t * row_size;
      std::memcpy(row, &header, sizeof header);
      std::memcpy(row + sizeof header, states(t), layout_.states_size);
    }
  }
  uint8_t* aligned = run.heap.get();
  ForEachReference([&](uint32_t tile, size_t offset, const Bytes& target) {
    if (target.data == nullptr) return;
    if (target.size > 0) std::memcpy(aligned, target.data, target.size);
    const Bytes moved{aligned, target.size};
    std::memcpy(run.rows.get() + tile * row_size + sizeof(TileHeader) + offset, &moved,
                sizeof moved);
    aligned += (target.size + 7) & ~uint64_t{7};
  });
  for (size_t d = 0; d < layout_.distincts.size(); ++d) {
    run.distincts.push_back(UnitedValues(d));
    run.memory += static_cast<int64_t>(run.distincts.back().values.size() * sizeof(Hash128));
  }
  return run;
}

template <typename Visit>
void BucketTable::ForEachReference(Visit visit) const {
  for (const StateSlot& slot : layout_.states) {
    for (size_t reference : slot.kernel.references) {
      const size_t offset = slot.offset + reference;
      for (uint32_t t = 0; t < tile_stratum_.size(); ++t) {
        visit(t, offset, *reinterpret_cast<const Bytes*>(states(t) + offset));
      }
    }
  }
}

TileValues BucketTable::UnitedValues(size_t distinct) const {
  TileValues united;
  CodeTable seen;
  united.begin.push_back(0);
  for (size_t e = 0; e < keys_.size(); ++e) {
    uint32_t p = part_begin_[e];
    for (uint32_t t = tile_begin_[e]; t < tile_begin_[e + 1]; ++t) {
      seen.Clear();
      for (; p < part_begin_[e + 1] && HeaderOf(part_row(p)).stratum == tile_stratum_[t]; ++p) {
        const TileValues& list = parts_[p].run->distincts[distinct];
        if (list.begin.empty()) continue;
        for (uint32_t i = list.begin[parts_[p].row]; i < list.begin[parts_[p].row + 1]; ++i) {
          seen.Insert(list.values[i]);
        }
      }
      united.values.insert(united.values.end(), seen.keys().begin(), seen.keys().end());
      united.begin.push_back(static_cast<uint32_t>(united.values.size()));
    }
  }
  if (united.values.empty()) united.begin.clear();
  return united;
}

}  // namespace tidemill
