#pragma once

/// The entities that have a row whether or not they have events: `output.entities`.
///
/// Such an entity is a tile of no events in a stratum of its own, kUniverseStratum, which lies
/// before all others and in no window. So it takes its part in everything that tiles go through,
/// spilling and tasks of other processes included, adds nothing to any aggregate, and is seen in
/// one place alone: where the entities of a date are chosen (window_merger.h).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/listed_table.h"
#include "pipeline/bound_pipeline.h"

namespace tidemill {

struct Plan;
struct PassOptions;
struct ScanResult;

constexpr int32_t kUniverseStratum = -1;

/// The table of entities, opened.
struct EntityUniverse : OpenedTable {
  std::string path;                  ///< as the pipeline file has it
  std::vector<std::string> columns;  ///< one per entity column
};

/// Opens the table that `pipeline` names; null if it names none. Errors: a missing or empty table,
/// bad files (kRunFailed), columns that are not there or of types that the entity cannot have
/// (kInvalid), all of them.
arrow::Result<std::shared_ptr<const EntityUniverse>> OpenUniverse(const BoundPipeline& pipeline,
                                                                  int threads);

/// Reads the entities and adds their tiles to the scan's. NULLs are entities where null_entity
/// keeps them, else they are passed over.
arrow::Status ScanUniverse(const Plan& plan, const PassOptions& options, ScanResult* scan);

}  // namespace tidemill
