#pragma once

/// The state that percentiles, modes, lists of the most frequent, histograms and sets are computed
/// from: every value with how often it came, exactly.

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "aggregate/arena.h"
#include "aggregate/packed_values.h"

namespace tidemill {

/// The values of a multiset as Final reads them: each once, in order.
template <typename Key>
using Items = std::vector<ValueCount<Key>>;

/// How many values there are.
template <typename Key>
uint64_t TotalOf(const Items<Key>& items) {
  uint64_t total = 0;
  for (const ValueCount<Key>& item : items) total += item.count;
  return total;
}

/// The index of the item that holds place `rank`, from 1, of all values.
template <typename Key>
size_t ItemAt(const Items<Key>& items, uint64_t rank) {
  size_t i = 0;
  for (uint64_t before = items[0].count; before < rank; before += items[i].count) ++i;
  return i;
}

/// What functions of a multiset derive from; they add Final.
template <typename Key>
struct Multiset {
  struct State {
    PackedValues<Key> values;
  };
  using Arguments = std::tuple<typename Key::Argument>;
  static constexpr std::array<size_t, 1> kReferences = {offsetof(State, values.block)};

  static void Initialize(State& state) { state = {}; }
  static void Update(State& state, decltype(std::declval<typename Key::Argument>()[0]) value,
                     Arena* arena) {
    state.values.Add(Key::Of(value), arena, SortAndUnite<Key>);
  }
  static void Merge(State& into, const State& from, Arena* arena) {
    into.values.Merge(from.values, arena, SortAndUnite<Key>);
  }
  static void Shrink(State& state) { state.values.Shrink(SortAndUnite<Key>); }
};

}  // namespace tidemill
