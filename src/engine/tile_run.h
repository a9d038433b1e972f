#pragma once

/// The tiles of one morsel, in entity order: what the first phase hands to the second.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "engine/group_rows.h"
#include "engine/tile_bytes.h"
#include "engine/tile_layout.h"
#include "engine/value_interner.h"

namespace tidemill {

/// A list of distinct values per tile: those of row r are values[begin[r] .. begin[r + 1]).
struct TileValues {
  std::vector<uint32_t> begin;  ///< num_rows + 1, or empty if no tile has any
  std::vector<Hash128> values;
};

/// Rows sorted by (key, stratum). Immutable once made. Everything that a row references lies in
/// `heap`.
struct TileRun {
  int64_t num_rows = 0;
  TileBytes rows;
  TileBytes heap;
  std::vector<TileValues> distincts;  ///< one per DistinctSlot
  int64_t memory = 0;                 ///< bytes of all of it

  const uint8_t* row(const TileLayout& layout, int64_t i) const {
    return rows.get() + static_cast<size_t>(i) * layout.row_size();
  }
};

inline const TileHeader& HeaderOf(const uint8_t* row) {
  return *reinterpret_cast<const TileHeader*>(row);
}

/// Aggregates the rows of a morsel into tiles. `interners` has one per DistinctSlot and is shared
/// by all morsels.
arrow::Result<TileRun> MakeTileRun(const TileLayout& layout, const RowGroups& groups,
                                   ArgumentReader* reader, std::vector<ValueInterner>* interners);

}  // namespace tidemill
