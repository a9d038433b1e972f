#pragma once

/// States of functions that are computed from exact sums of doubles (base/exact_sum.h): moments,
/// covariances, powers.
///
/// Sums of a fixed size lie in the state and take ordinary magnitudes. What they refuse goes to
/// sums wide enough for any double, which hang off the state and are there for the few groups that
/// need them. NaN and infinities go to neither; that there was one is all that matters.

#include <array>
#include <cstddef>
#include <cstdint>

#include "aggregate/arena.h"
#include "aggregate/wide_block.h"

namespace tidemill {

/// What `Function` derives from. `Fixed` and `Wide` are structs of sums of the same names;
/// Function::ForEachSum(visit) calls visit(&Fixed::x, &Wide::x) for each. Function::Update adds
/// rows.
template <typename Function, typename Fixed, typename Wide>
struct FiniteSums {
  struct State {
    Fixed sums;
    uint64_t count : 63;
    uint64_t has_not_finite : 1;
    Bytes wide;  // a Wide of what the fixed sums refused, from the first such value on
  };
  static constexpr std::array<size_t, 1> kReferences = {offsetof(State, wide)};

  static void Initialize(State& state) { state = {}; }

  static void Merge(State& into, const State& from, Arena* arena) {
    into.count += from.count;
    into.has_not_finite |= from.has_not_finite;
    Function::ForEachSum([&](auto fixed, auto wide) {
      if (!(into.sums.*fixed).Merge(from.sums.*fixed)) [[unlikely]] {
        (WideOf(&into, arena)->*wide).Absorb(from.sums.*fixed);
      }
    });
    if (from.wide.data == nullptr) [[likely]]
      return;
    const auto more = LoadBlock<Wide>(from.wide);
    Wide* into_wide = WideOf(&into, arena);
    Function::ForEachSum([&](auto, auto wide) { (into_wide->*wide).Merge(more.*wide); });
  }

  static Wide* WideOf(State* state, Arena* arena) { return OwnedBlock<Wide>(&state->wide, arena); }

  /// `compute(sums, exponent)` with sums of the size that holds all; 2^exponent is their unit.
  template <typename Compute>
  static auto WithSums(const State& state, const Compute& compute) {
    constexpr int kFixedExponent = -64;
    constexpr int kWideExponent = -1074;
    if (state.wide.data == nullptr) return compute(state.sums, kFixedExponent);
    auto total = LoadBlock<Wide>(state.wide);
    Function::ForEachSum([&](auto fixed, auto wide) { (total.*wide).Absorb(state.sums.*fixed); });
    return compute(total, kWideExponent);
  }
};

}  // namespace tidemill
