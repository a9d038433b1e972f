#pragma once

/// Aggregate functions: plain states that are updated from columns, merged, and finalised.
///
/// The shape. Every aggregate is a commutative monoid with a last step:
///
///     events -- Update --> state -- Merge --> state -- Final --> value
///
/// The engine updates states of one day in parallel and in any order, keeps them as tiles, and gets
/// a window by merging its tiles. For that to be invisible, Merge must be associative and
/// commutative with the initial state as identity, and updating must commute with merging.
/// Floating-point addition is not associative, so no state holds a rounded number: sums are exact
/// integers (base/exact_sum.h), ties are settled by value (first, max_by), and rounding is left to
/// Final. aggregate_laws_test.cc holds every registered function to these laws.
///
/// How to write one. A function is a struct with a `State` (trivially copyable, at most 8-byte
/// aligned, set to the identity by `Initialize`) and static Update, Merge, Final; `MakeKernel<F>`
/// (aggregate/kernel_adapter.h) turns it into an AggregateKernel, with the loops over rows, masks
/// and groups. The registry entry adds names, accepted types and documentation. Everything else
/// (DISTINCT, FILTER, NULL skipping, windows, spill, serialisation) is done once, outside the
/// functions.
///
/// Where states live. In a morsel they are an array per aggregate, indexed by local group. In a
/// tile they are one row of bytes per (entity, slot) in which every aggregate has its offset:
///
///     morsel   sum:   | s0 | s1 | s2 | ...        tile row   | key, slot | sum | max | count |
///              count: | c0 | c1 | c2 | ...
///
/// Both are plain memory: a state may be moved with memcpy. What does not fit a fixed size (a text,
/// a wide sum) hangs off the state as `Bytes`, whose offsets the kernel lists in `references`; with
/// that list a row can be copied to another arena, written to disk and relocated without knowing
/// the function.
///
/// What grows by appending (a multiset of values) leaves room behind, and may say things more than
/// once; `shrink` brings such a state to its smallest form before its references are copied.
///
/// Who may change what. Merge leaves `from` and all that it references as they are, and reads
/// references at any alignment. A state that is updated or merged into owns its wide sum and
/// changes it in place. So a row that goes on being merged into must not share references with
/// another: it starts from `initialize` (merging copies what can change), or its references have
/// been copied. A plain memcpy of a row may be read, finalised and merged from.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array/builder_base.h>
#include <arrow/scalar.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include "aggregate/arena.h"
#include "sql/expression.h"

namespace tidemill {

/// The physical form in which a function sees an argument. Canonical before any update: NaN is one
/// NaN, -0.0 is 0.0.
enum class ArgumentKind {
  kNone,    ///< no argument: count(*)
  kInt64,   ///< bool, integers up to int64, date32, date64, timestamps, time; uint64 as its bits,
            ///< see is_unsigned
  kDouble,  ///< float, double
  kInt128,  ///< decimal128
  kBytes,   ///< string, large_string, binary, large_binary
};

/// Arguments that are not columns.
using Constants = std::vector<std::shared_ptr<arrow::Scalar>>;

/// One argument column, one value per row; the array of its kind is set. Rows whose `selected` byte
/// is 0 hold anything.
struct ArgumentColumn {
  ArgumentKind kind = ArgumentKind::kNone;
  bool is_unsigned = false;  ///< kInt64: compare as uint64
  const int64_t* int64s = nullptr;
  const double* doubles = nullptr;
  const int128_t* int128s = nullptr;
  const Bytes* bytes = nullptr;
};

/// The input of an update: rows with their group and whether they take part (not filtered out, no
/// NULL argument).
struct UpdateBatch {
  int64_t num_rows = 0;
  const uint32_t* groups = nullptr;   ///< per row: index into the state array; null: all in state 0
  const uint8_t* selected = nullptr;  ///< per row: 1 takes part, 0 does not; null: all take part
  ArgumentColumn arguments[2];
};

/// A function resolved for argument types: what the engine calls. Stateless and shared between
/// threads.
struct AggregateKernel {
  /// Equal for kernels whose states are the same thing (sum and avg of one column keep one state).
  std::string state_name;
  size_t state_size = 0;           ///< bytes, a multiple of 8; states are 8-byte aligned
  std::vector<size_t> references;  ///< offsets of Bytes members within a state

  std::shared_ptr<arrow::DataType> result_type;
  /// DISTINCT changes nothing (min, bool_or, ...).
  bool distinct_is_noop = false;
  /// The p of a percentile, the k of top_k: for finalize.
  Constants constants;
  /// first and last: the engine passes event_time as a second argument.
  bool needs_event_time = false;

  /// Sets `n` consecutive states to the identity of Merge.
  void (*initialize)(uint8_t* states, int64_t n) = nullptr;
  /// Adds rows to `states[groups[row]]`. New reference targets are allocated from `arena`, or point
  /// into the arguments' memory (the caller keeps it alive).
  void (*update)(uint8_t* states, const UpdateBatch& batch, Arena* arena) = nullptr;
  /// into[i] += from[i] for `n` pairs of rows; the states are `into_offset` and `from_offset` bytes
  /// into their rows. `into` rows may repeat. References of `into` may point to what `from`
  /// references.
  void (*merge)(uint8_t* const* into, size_t into_offset, const uint8_t* const* from,
                size_t from_offset, int64_t n, Arena* arena) = nullptr;
  /// Makes what `n` states of an array reference as small as it can be, in place. Null: it is.
  void (*shrink)(uint8_t* states, int64_t n) = nullptr;
  /// Appends the result of each row's state to `builder` (of result_type). Fails on overflow of the
  /// result type.
  arrow::Status (*finalize)(const AggregateKernel& kernel, const uint8_t* const* rows,
                            size_t offset, int64_t n, arrow::ArrayBuilder* builder) = nullptr;

  // What the resolved kernel knows of its argument types, for finalize.
  std::vector<std::shared_ptr<arrow::DataType>> argument_types;
};

/// What the documentation, `tidemill functions` and the SQL dialects say about a function.
struct AggregateDoc {
  std::string signature;  ///< "sum(x)"
  std::string summary;    ///< one sentence
  std::string null_rule;  ///< what no rows give, what NULLs do
  std::string example;    ///< an expression
  std::string duckdb;     ///< spelling in DuckDB with {0}, {1} (constants last): "sum({0})"; empty:
                          ///< the same name
};

}  // namespace tidemill
