#pragma once

/// The hash of a table's content: equal for equal values, whatever the files, pages and batches
/// they lie in.
///
/// Each column is hashed by itself as three streams: one validity byte a row, the values (zero
/// where NULL; strings end to end), and the lengths of strings. The streams see values only, never
/// Arrow's buffers as such, so slices, batch boundaries and what stands in NULL slots do not count.
/// The hash of the whole is the XXH3-128 of the columns' names, types and digests, in order, and
/// the number of rows.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

class ContentHasher {
 public:
  /// Hashes the columns of `schema` (flat types, no dictionaries) except those named in
  /// `volatile_columns`.
  ContentHasher(const arrow::Schema& schema, const std::vector<std::string>& volatile_columns);
  ~ContentHasher();
  ContentHasher(ContentHasher&&) noexcept;
  ContentHasher& operator=(ContentHasher&&) noexcept;

  /// Appends values to one column. Different columns may be updated from different threads.
  arrow::Status Update(int column, const arrow::Array& values);

  /// The hash of what all columns have got so far, 32 hexadecimal digits. Every column must have
  /// `num_rows` values.
  std::string Finish(int64_t num_rows) const;

 private:
  struct Column;
  std::vector<std::unique_ptr<Column>> columns_;
};

}  // namespace tidemill
