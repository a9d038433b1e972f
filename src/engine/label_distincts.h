#pragma once

/// DISTINCT over the windows of labels: the distinct values of one entity and one slot.

#include <cstdint>
#include <vector>

#include "engine/bucket.h"

namespace tidemill {

/// A value counts for a window if it occurs in one of its tiles. Of the tiles [begin, end) those
/// occurrences are told apart whose value did not occur in the window before: each distinct value
/// of the window has exactly one.
///
/// Counting goes through the windows by their end. As it moves on, each value is kept at the last
/// tile in which it has occurred so far, in a Fenwick tree over the tiles; the number of values at
/// tile `begin` or later is the answer. Where windows begin is of no matter, so they may begin
/// earlier than that of an earlier label, as they do when a clock is put back.
class LabelDistincts {
 public:
  /// Tiles are counted from the entity's first.
  LabelDistincts(const TileLayout& layout, const BucketTable& table, size_t entity, size_t slot);

  /// Distinct values in the tiles [begin, end). `end` does not decrease from call to call.
  int64_t Count(uint32_t begin, uint32_t end);

  /// Updates a state with each distinct value of the tiles [begin, end).
  void Feed(uint32_t begin, uint32_t end, const ResultSlot& result, uint8_t* state,
            Arena* arena) const;

 private:
  struct Occurrence {
    uint32_t tile;
    int32_t previous;  ///< tile of the value's last occurrence, -1 if there was none
    Hash128 value;
  };

  void AddAt(uint32_t tile, int32_t change);

  const DistinctSlot& slot_;
  ArgumentKind kind_;
  std::vector<Occurrence> occurrences_;  ///< by tile
  std::vector<int32_t> sums_;            ///< a Fenwick tree
  size_t next_ = 0;                      ///< occurrence that Count has not seen yet
  int64_t values_ = 0;                   ///< distinct ones that Count has seen
};

}  // namespace tidemill
