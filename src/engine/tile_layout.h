#pragma once

/// The bytes of a tile: which aggregate states a (entity, stratum) has and where.
///
/// A tile is one row of fixed size: a header (entity, stratum) and behind it the states of all
/// aggregates, merged with those of other tiles of the same entity, never looked into. Aggregates
/// over different windows share a state if they agree in function family, arguments and filter: the
/// state is per stratum, and the window is only a range of strata merged later.
///
/// COUNT(DISTINCT x) has no state of fixed size. Its values are kept beside the tile as a list of
/// identities (TileRun::values), or, as long as the whole pass has seen at most 64 different ones,
/// as a bit mask in the tile, which merges by OR.

#include <cstdint>
#include <memory>
#include <vector>

#include "aggregate/aggregate.h"
#include "pipeline/bound_pipeline.h"

namespace tidemill {

struct TileHeader {
  const uint8_t* key_data = nullptr;  ///< the encoded entity
  uint32_t key_size = 0;
  int32_t stratum = 0;

  Bytes key() const { return {key_data, key_size}; }
};

/// A state that is updated from rows.
struct StateSlot {
  AggregateKernel kernel;
  std::vector<ExpressionPtr> arguments;
  ExpressionPtr filter;  ///< may be null
  size_t offset = 0;     ///< in the states of a tile
};

/// The distinct values of one argument under one filter.
struct DistinctSlot {
  ExpressionPtr argument;
  ExpressionPtr filter;    ///< may be null
  size_t mask_offset = 0;  ///< 8 bytes in the states: the mask of small sets
  bool may_mask = true;    ///< false if the values themselves are needed (sum(distinct x))
};

/// How one windowed aggregate gets its result.
struct ResultSlot {
  int window = 0;
  int state = -1;     ///< index of a StateSlot, or
  int distinct = -1;  ///< index of a DistinctSlot
  /// For DISTINCT over other functions than count: the state into which distinct values are fed, in
  /// the window's row.
  size_t fed_offset = 0;
  bool is_fed = false;
  AggregateKernel kernel;  ///< finalises
};

struct TileLayout {
  size_t states_size = 0;  ///< bytes of all states, a multiple of 8
  std::vector<StateSlot> states;
  std::vector<DistinctSlot> distincts;
  std::vector<ResultSlot> results;              ///< one per BoundPipeline::aggregates
  std::vector<std::vector<int>> window_states;  ///< per window: the states that its results read
  std::vector<std::vector<int>> window_distincts;

  size_t row_size() const { return sizeof(TileHeader) + states_size; }
  /// Sets a row's states to the identity of merging.
  void Initialize(uint8_t* states) const;
};

arrow::Result<TileLayout> MakeTileLayout(const BoundPipeline& pipeline);

inline void MergeMasks(uint8_t* const* into, const uint8_t* const* from, size_t offset, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    *reinterpret_cast<uint64_t*>(into[i] + offset) |=
        *reinterpret_cast<const uint64_t*>(from[i] + offset);
  }
}

}  // namespace tidemill
