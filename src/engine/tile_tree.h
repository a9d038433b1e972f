#pragma once

/// Merged tiles of one entity over ranges of intervals, for entities with many labels.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/bucket.h"
#include "engine/merge_queue.h"

namespace tidemill {

/// A binary tree over the tiles of an entity: level l holds the merge of each 2^l tiles. A range of
/// n tiles is the merge of at most 2 log n nodes, so that an entity with n labels, each of whose
/// windows may hold n tiles, costs n log n merges and not n squared.
class TileTree {
 public:
  TileTree(const TileLayout& layout, const BucketTable& table, uint32_t first_tile,
           uint32_t num_tiles)
      : table_(table), first_tile_(first_tile), size_(layout.states_size) {
    std::vector<uint8_t> identity(size_);
    layout.Initialize(identity.data());
    MergeQueue queue(layout, &arena_);
    for (uint32_t nodes = num_tiles / 2; nodes > 0; nodes /= 2) {
      auto level = std::make_unique_for_overwrite<uint8_t[]>(nodes * size_);
      for (size_t i = 0; i < nodes; ++i) {
        uint8_t* node = level.get() + i * size_;
        std::memcpy(node, identity.data(), size_);
        queue.Add(node, Node(levels_.size(), 2 * i));
        queue.Add(node, Node(levels_.size(), 2 * i + 1));
      }
      queue.Flush();
      levels_.push_back(std::move(level));
    }
  }

  /// Merges the tiles [begin, end), counted from the entity's first, into `into`.
  void Add(size_t begin, size_t end, uint8_t* into, MergeQueue* queue) const {
    for (size_t level = 0; begin < end; ++level, begin /= 2, end /= 2) {
      if (begin % 2 == 1) queue->Add(into, Node(level, begin++));
      if (end % 2 == 1) queue->Add(into, Node(level, --end));
    }
  }

 private:
  const uint8_t* Node(size_t level, size_t index) const {
    if (level == 0) return table_.states(first_tile_ + static_cast<uint32_t>(index));
    return levels_[level - 1].get() + index * size_;
  }

  const BucketTable& table_;
  uint32_t first_tile_;
  size_t size_;
  Arena arena_;
  std::vector<std::unique_ptr<uint8_t[]>> levels_;  ///< from level 1
};

}  // namespace tidemill
