#pragma once

/// Columns of a morsel in the physical form that aggregate functions and groupers take, each
/// prepared once.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aggregate/aggregate.h"
#include "base/hash.h"
#include "sql/evaluate.h"

namespace tidemill {

/// An expression's values, one per row.
struct PreparedColumn {
  ArgumentColumn values;
  const uint8_t* valid = nullptr;  ///< one byte per row, 0 where NULL; null: no NULLs
  // What the pointers point into.
  std::vector<int64_t> int64s;
  std::vector<double> doubles;
  std::vector<int128_t> int128s;
  std::vector<Bytes> bytes;
  std::vector<uint8_t> valid_bytes;
  std::shared_ptr<arrow::Array> source;
};

/// An expression's values as codes into a list of values.
struct CodedColumn {
  const int32_t* codes = nullptr;  ///< one per row; rows that are NULL hold any valid code
  const uint8_t* valid = nullptr;  ///< as in PreparedColumn
  int32_t num_values = 0;
  const Bytes* values = nullptr;        ///< text values by code; null for values that are not text
  const Hash128* identities = nullptr;  ///< by code; equal exactly for equal values
};

/// Prepares columns of one frame on demand. Not thread-safe.
class ArgumentReader {
 public:
  /// `evaluator` evaluates over `frame`; both outlive the reader.
  ArgumentReader(const Frame* frame, Evaluator* evaluator)
      : frame_(frame), evaluator_(evaluator), num_rows_(frame->num_rows) {}

  int64_t num_rows() const { return num_rows_; }

  /// The values of `expression`. Rows that `filter` excludes (may be null) are not guaranteed, and
  /// an expression that fails on such rows only does not fail here.
  arrow::Result<const PreparedColumn*> Column(const ExpressionPtr& expression,
                                              const ExpressionPtr& filter);

  /// The same as codes, if the values come as a dictionary of text; null if they do not.
  arrow::Result<const CodedColumn*> Coded(const ExpressionPtr& expression,
                                          const ExpressionPtr& filter);

  /// Which rows take part: those of `base` (null: all) in which the filter (may be null) is TRUE
  /// and no argument is NULL. Returns null if all do. `base` is null or the same in all calls.
  arrow::Result<const uint8_t*> Selection(const uint8_t* base, const ExpressionPtr& filter,
                                          const std::vector<ExpressionPtr>& arguments);

 private:
  struct Coding;

  arrow::Result<arrow::Datum> Values(const ExpressionPtr& expression, const ExpressionPtr& filter);

  arrow::Result<const uint8_t*> Validity(const ExpressionPtr& expression,
                                         const ExpressionPtr& filter);

  const Frame* frame_;
  Evaluator* evaluator_;
  int64_t num_rows_;
  std::map<std::string, std::unique_ptr<PreparedColumn>> columns_;
  std::map<std::string, std::shared_ptr<Coding>> codings_;
  std::map<std::string, std::vector<uint8_t>> masks_;
  std::map<std::string, std::vector<uint8_t>> selections_;
};

/// The identity of a value for DISTINCT: the value itself in up to 16 bytes, or a 128-bit hash of
/// text.
inline Hash128 IdentityOf(const ArgumentColumn& column, int64_t row) {
  switch (column.kind) {
    case ArgumentKind::kInt64:
      return {static_cast<uint64_t>(column.int64s[row]), 0};
    case ArgumentKind::kDouble: {
      Hash128 identity;
      __builtin_memcpy(&identity.low, &column.doubles[row], sizeof(double));
      return identity;
    }
    case ArgumentKind::kInt128: {
      const auto value = static_cast<uint128_t>(column.int128s[row]);
      return {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)};
    }
    case ArgumentKind::kBytes:
      return HashBytes128(column.bytes[row].view());
    case ArgumentKind::kNone:
      break;
  }
  return {};
}

}  // namespace tidemill
