#pragma once

/// The rows of a morsel grouped by (entity, stratum).

#include <cstdint>
#include <vector>

#include "aggregate/arena.h"
#include "engine/argument_reader.h"
#include "engine/entity_key.h"

namespace tidemill {

/// Groups are numbered from 0 in no particular order; some may have no rows.
struct RowGroups {
  const uint32_t* groups = nullptr;  ///< per row; rows that take no part hold any valid group
  uint32_t num_groups = 0;
  const uint8_t* selected = nullptr;  ///< per row: 1 takes part; null: all do
  std::vector<int64_t> first_row;     ///< per group: one of its rows, -1 if it has none
  std::vector<Bytes> keys;            ///< per group with rows: the encoded entity
  std::vector<int32_t> strata;        ///< per group with rows
  int64_t rows_without_entity = 0;    ///< rows with a NULL in the entity
  // What the pointers point into.
  std::vector<uint32_t> group_storage;
  std::vector<uint8_t> selected_storage;
  Arena key_arena;
};

/// Groups all rows. `strata` is the stratum of each row, or null if all rows have
/// `constant_stratum`. With `drop_nulls`, rows with a NULL in an entity column take no part. Keys
/// may point into the frame's dictionaries.
arrow::Result<RowGroups> GroupRows(const std::vector<ExpressionPtr>& entity,
                                   const EntityKeyCodec& codec, bool drop_nulls,
                                   const int32_t* strata, int32_t constant_stratum,
                                   ArgumentReader* reader);

}  // namespace tidemill
