#pragma once

/// Keys of joins as identities, the same on both sides of a join.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/datum.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "base/hash.h"
#include "engine/argument_reader.h"

namespace tidemill {

/// The keys of some rows: a list of keys, which rows point into by code, or one key per row. A key
/// is an integer if `integers` is set, else a 128-bit identity.
struct JoinKeys {
  int64_t num_keys = 0;
  const int64_t* integers = nullptr;
  const Hash128* identities = nullptr;
  const int32_t* codes = nullptr;  ///< of each row; null: row i has key i
  const uint8_t* valid = nullptr;  ///< one byte per row, 0 where a part of the key is NULL; or null

  // What the pointers point into.
  std::unique_ptr<Frame> frame;
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<ArgumentReader> reader;
  std::vector<Hash128> identity_storage;
  std::vector<uint8_t> valid_storage;
  std::vector<int32_t> code_storage;
};

/// One of `count` parts into which keys are cut.
struct KeyPart {
  int index = 0;
  int count = 1;
};

/// The part of each row, of `parts`. Rows without a key may be in any.
std::vector<int32_t> PartsOfRows(const JoinKeys& keys, int64_t num_rows, int parts);

/// The keys of `num_rows` rows whose key columns are `columns` (arrays, plain or dictionaries, or
/// scalars). Values are compared as `types`, which hold those of both sides.
arrow::Result<JoinKeys> ReadJoinKeys(const std::vector<arrow::Datum>& columns,
                                     const std::vector<std::shared_ptr<arrow::DataType>>& types,
                                     int64_t num_rows);

}  // namespace tidemill
