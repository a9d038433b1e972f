#pragma once

/// Merges of states, gathered so that each aggregate works on many rows at once.

#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "engine/tile_layout.h"

namespace tidemill {

/// Collects pairs of rows (the states of a tile, without its header) and merges them a few hundred
/// at a time: few enough to stay in the cache over all aggregates, enough to make the calls cheap.
class MergeQueue {
 public:
  /// Merges all states and masks.
  MergeQueue(const TileLayout& layout, Arena* arena) : layout_(layout), arena_(arena) {
    states_.resize(layout.states.size());
    std::iota(states_.begin(), states_.end(), 0);
    distincts_.resize(layout.distincts.size());
    std::iota(distincts_.begin(), distincts_.end(), 0);
  }
  /// Merges only what the results of one window read.
  MergeQueue(const TileLayout& layout, size_t window, Arena* arena)
      : layout_(layout),
        arena_(arena),
        states_(layout.window_states[window]),
        distincts_(layout.window_distincts[window]) {}

  /// `into` += `from`, by the next Flush at the latest.
  void Add(uint8_t* into, const uint8_t* from) {
    into_[size_] = into;
    from_[size_] = from;
    for (size_t line = 0; line < layout_.states_size; line += kCacheLine) {
      __builtin_prefetch(from + line);
    }
    if (++size_ == kCapacity) Flush();
  }

  void Flush() {
    const auto n = static_cast<int64_t>(size_);
    for (int s : states_) {
      const StateSlot& slot = layout_.states[static_cast<size_t>(s)];
      slot.kernel.merge(into_.data(), slot.offset, from_.data(), slot.offset, n, arena_);
    }
    for (int d : distincts_) {
      MergeMasks(into_.data(), from_.data(), layout_.distincts[static_cast<size_t>(d)].mask_offset,
                 n);
    }
    size_ = 0;
  }

 private:
  static constexpr size_t kCapacity = 256;
  static constexpr size_t kCacheLine = 64;

  const TileLayout& layout_;
  Arena* arena_;
  std::vector<int> states_;
  std::vector<int> distincts_;
  std::array<uint8_t*, kCapacity> into_;
  std::array<const uint8_t*, kCapacity> from_;
  size_t size_ = 0;
};

}  // namespace tidemill
