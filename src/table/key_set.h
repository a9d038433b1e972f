#pragma once

/// The keys of some rows, and which other rows have one of them.
///
/// A key is a list of values, NULL being one like any other; all NaN are one value, and so are 0.0
/// and -0.0. Keys are identified by 128-bit hashes of their values.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "base/hash.h"

namespace tidemill {

/// The hash of the key of each row; arrays of plain types, one per key column.
arrow::Result<std::vector<Hash128>> HashKeys(const arrow::ArrayVector& columns, int64_t num_rows);

class KeySet {
 public:
  /// Adds the keys of rows; arrays of plain types, one per key column. Gives the first row whose
  /// key was there already, if there is one.
  arrow::Result<std::optional<int64_t>> Add(const arrow::ArrayVector& columns, int64_t num_rows);

  /// For each row whether its key is in the set; returns how many are.
  arrow::Result<int64_t> Find(const arrow::ArrayVector& columns, int64_t num_rows,
                              std::vector<uint8_t>* found) const;

 private:
  struct Fold {
    size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  std::unordered_set<Hash128, Fold> keys_;
};

/// "user_id = u1, country = NULL" for one row.
std::string KeyText(const std::vector<std::string>& names, const arrow::ArrayVector& columns,
                    int64_t row);

}  // namespace tidemill
