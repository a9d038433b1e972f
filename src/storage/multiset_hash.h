#pragma once

/// The hash of a multiset of rows: equal if and only if (but for a chance below 2^-64) two tables
/// hold the same rows, each as many times, in whatever order, files and batches.
///
/// Each value gets a 128-bit hash that depends on its column's name and type; those of a row are
/// added up and then scrambled; the scrambled hashes of all rows are added up. The scrambling is
/// what ties the values of a row together: without it the sum would not see two rows exchange their
/// values of one column. Columns may come in any order, as dictionaries or not.
///
/// The hash is there to verify that rewritten rows are unchanged, so values are their bits: 0.0 and
/// -0.0 differ, and so do two NaNs of different bits. NULL differs from every value.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "base/hash.h"
#include "base/int128.h"

namespace tidemill {

class MultisetHasher {
 public:
  /// An error (kInvalid) for types that files cannot hold (StoredType).
  static arrow::Result<MultisetHasher> Make(const arrow::Schema& schema);

  /// Adds rows: columns by position, of types that convert to the schema's (ConvertColumn).
  arrow::Status Update(const arrow::RecordBatch& batch);

  /// Adds what another hasher, of the same schema, has got.
  void Merge(const MultisetHasher& other);

  int64_t num_rows() const { return num_rows_; }

  /// 32 hexadecimal digits.
  std::string Finish() const;

 private:
  struct Column {
    std::shared_ptr<arrow::DataType> type;
    Hash128 seed;
  };

  std::vector<Column> columns_;
  Hash128 schema_;  ///< of names and types
  int64_t num_rows_ = 0;
  uint128_t sum_ = 0;
};

}  // namespace tidemill
