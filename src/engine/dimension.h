#pragma once

/// A dimension, opened: which of its files a pass needs, and what is in their footers.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/calendar.h"
#include "engine/listed_table.h"
#include "tidemill/pipeline.h"

namespace tidemill {

struct Dimension : OpenedTable {
  std::string path;  ///< as the pipeline file has it

  bool is_dated = false;
  std::string day_column;           ///< that dates partitions
  std::vector<CivilDay> days;       ///< of the needed partitions, ascending; of a dated dimension
  std::vector<CivilDay> file_days;  ///< one per file; likewise

  /// The partition that counts on a day: index in `days`, -1 if there is none yet.
  int StateOn(CivilDay day) const;
};

/// Opens the table of a join. Of a dated one the partitions are needed that count on any of the
/// days `needed` (all if absent). Errors: a missing or empty directory, bad files, a version that
/// is not there (kRunFailed); a dated dimension that no column dates (kInvalid).
arrow::Result<Dimension> OpenDimension(const Pipeline& pipeline, const JoinSpec& spec,
                                       std::optional<std::pair<CivilDay, CivilDay>> needed,
                                       int threads);

using Dimensions = std::vector<std::shared_ptr<const Dimension>>;

/// The dimensions of all joins of the pipeline.
arrow::Result<Dimensions> OpenDimensions(const Pipeline& pipeline,
                                         std::optional<std::pair<CivilDay, CivilDay>> needed,
                                         int threads);

std::vector<std::shared_ptr<arrow::Schema>> SchemasOf(const Dimensions& dimensions);

}  // namespace tidemill
