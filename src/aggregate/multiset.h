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
