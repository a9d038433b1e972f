#pragma once

/// From a plain struct to an AggregateKernel.
///
/// The struct F says what a function is:
///
///     struct LongestRun {
///       struct State { int64_t longest; };                       // plain memory; see aggregate.h
///       using Arguments = std::tuple<Int64Argument>;             // how each argument is read
///       static constexpr std::array<size_t, 0> kReferences = {}; // offsets of Bytes in State
///       static void Initialize(State& state);
///       static void Update(State& state, int64_t value, Arena* arena);
///       static void Merge(State& into, const State& from, Arena* arena);
///       static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
///                                  arrow::ArrayBuilder* builder);
///     };
///
/// Where states leave room, `static void Shrink(State& state)` takes it back
/// (AggregateKernel::shrink). A function without arguments may also have `static void
/// UpdateIf(State& state, bool selected)`, Update without a branch.
///
/// Initialize sets the identity of Merge. Merge must be associative and commutative, and must leave
/// `from` as it is. Final is called for many rows at once, so that what depends on the result type
/// is decided once.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <arrow/array/builder_base.h>
#include <arrow/status.h>

#include "aggregate/aggregate.h"

namespace tidemill {

/// Argument readers: value of a row as the function wants it.
struct Int64Argument {
  explicit Int64Argument(const ArgumentColumn& column) : values(column.int64s) {}
  int64_t operator[](int64_t row) const { return values[row]; }
  const int64_t* values;
};

struct UInt64Argument {
  explicit UInt64Argument(const ArgumentColumn& column) : values(column.int64s) {}
  uint64_t operator[](int64_t row) const { return static_cast<uint64_t>(values[row]); }
  const int64_t* values;
};

struct DoubleArgument {
  explicit DoubleArgument(const ArgumentColumn& column) : values(column.doubles) {}
  double operator[](int64_t row) const { return values[row]; }
  const double* values;
};

struct Int128Argument {
  explicit Int128Argument(const ArgumentColumn& column) : values(column.int128s) {}
  int128_t operator[](int64_t row) const {
    int128_t value;  // decimals in a buffer need not be 16-byte aligned
    std::memcpy(&value, reinterpret_cast<const uint8_t*>(values) + row * 16, sizeof value);
    return value;
  }
  const int128_t* values;
};

struct BytesArgument {
  explicit BytesArgument(const ArgumentColumn& column) : values(column.bytes) {}
  Bytes operator[](int64_t row) const { return values[row]; }
  const Bytes* values;
};

/// The states of an aggregate in many rows, one after the other.
template <typename State>
struct StateRows {
  const uint8_t* const* rows;
  size_t offset;
  int64_t size;

  const State& operator[](int64_t i) const {
    return *reinterpret_cast<const State*>(rows[i] + offset);
  }
};

template <typename F>
concept AggregateStruct =
    std::is_trivially_copyable_v<typename F::State> && alignof(typename F::State) <= 8 &&
    sizeof(typename F::State) % 8 == 0 &&
    requires(typename F::State& into, const typename F::State& from, Arena* arena,
             const AggregateKernel& kernel, const StateRows<typename F::State>& states,
             arrow::ArrayBuilder* builder) {
      std::tuple_size<typename F::Arguments>::value;
      F::kReferences.size();
      F::Initialize(into);
      F::Merge(into, from, arena);
      { F::Final(kernel, states, builder) } -> std::same_as<arrow::Status>;
    };

namespace internal {

template <typename F>
struct KernelLoops {
  using State = typename F::State;

  static void Initialize(uint8_t* states, int64_t n) {
    for (int64_t i = 0; i < n; ++i) F::Initialize(reinterpret_cast<State*>(states)[i]);
  }

  static void Update(uint8_t* states, const UpdateBatch& batch, Arena* arena) {
    constexpr size_t kArguments = std::tuple_size_v<typename F::Arguments>;
    UpdateFrom(reinterpret_cast<State*>(states), batch, arena,
               std::make_index_sequence<kArguments>());
  }

  template <size_t... kIndex>
  static void UpdateFrom(State* states, const UpdateBatch& batch, Arena* arena,
                         std::index_sequence<kIndex...>) {
    const std::tuple<std::tuple_element_t<kIndex, typename F::Arguments>...> arguments{
        std::tuple_element_t<kIndex, typename F::Arguments>(batch.arguments[kIndex])...};
    const auto update_each = [&](const auto& state_of) {
      if (batch.selected == nullptr) {
        for (int64_t row = 0; row < batch.num_rows; ++row) {
          F::Update(state_of(row), std::get<kIndex>(arguments)[row]..., arena);
        }
      } else if constexpr (requires(State& state) { F::UpdateIf(state, true); }) {
        for (int64_t row = 0; row < batch.num_rows; ++row) {
          F::UpdateIf(state_of(row), batch.selected[row] != 0);
        }
      } else {
        for (int64_t row = 0; row < batch.num_rows; ++row) {
          if (batch.selected[row] == 0) continue;
          F::Update(state_of(row), std::get<kIndex>(arguments)[row]..., arena);
        }
      }
    };
    if (batch.groups != nullptr) {
      update_each([&](int64_t row) -> State& { return states[batch.groups[row]]; });
    } else {
      State only = states[0];  // a copy can live in registers
      update_each([&](int64_t) -> State& { return only; });
      states[0] = only;
    }
  }

  static void Merge(uint8_t* const* into, size_t into_offset, const uint8_t* const* from,
                    size_t from_offset, int64_t n, Arena* arena) {
    for (int64_t i = 0; i < n; ++i) {
      F::Merge(*reinterpret_cast<State*>(into[i] + into_offset),
               *reinterpret_cast<const State*>(from[i] + from_offset), arena);
    }
  }

  static void Shrink(uint8_t* states, int64_t n) {
    if constexpr (requires(State& state) { F::Shrink(state); }) {
      for (int64_t i = 0; i < n; ++i) F::Shrink(reinterpret_cast<State*>(states)[i]);
    }
  }

  static arrow::Status Finalize(const AggregateKernel& kernel, const uint8_t* const* rows,
                                size_t offset, int64_t n, arrow::ArrayBuilder* builder) {
    ARROW_RETURN_NOT_OK(builder->Reserve(n));
    return F::Final(kernel, StateRows<State>{rows, offset, n}, builder);
  }
};

}  // namespace internal

/// The kernel of F for arguments of `argument_types`. See AggregateKernel for `state_name`.
template <AggregateStruct F>
AggregateKernel MakeKernel(std::string state_name, std::shared_ptr<arrow::DataType> result_type,
                           std::vector<std::shared_ptr<arrow::DataType>> argument_types) {
  using Loops = internal::KernelLoops<F>;
  AggregateKernel kernel;
  kernel.state_name = std::move(state_name);
  kernel.state_size = sizeof(typename F::State);
  kernel.references.assign(F::kReferences.begin(), F::kReferences.end());
  kernel.result_type = std::move(result_type);
  kernel.argument_types = std::move(argument_types);
  kernel.initialize = Loops::Initialize;
  kernel.update = Loops::Update;
  kernel.merge = Loops::Merge;
  if constexpr (requires(typename F::State& state) { F::Shrink(state); }) {
    kernel.shrink = Loops::Shrink;
  }
  kernel.finalize = Loops::Finalize;
  return kernel;
}

/// For functions whose states reference nothing.
inline constexpr std::array<size_t, 0> kNoReferences = {};

/// Appends value(i), an optional, for each i < n to a builder that has room for them.
template <typename Builder, typename Value>
void AppendOptionals(arrow::ArrayBuilder* builder, int64_t n, Value value) {
  auto* typed = static_cast<Builder*>(builder);
  for (int64_t i = 0; i < n; ++i) {
    if (const auto result = value(i)) {
      typed->UnsafeAppend(*result);
    } else {
      typed->UnsafeAppendNull();
    }
  }
}

}  // namespace tidemill
