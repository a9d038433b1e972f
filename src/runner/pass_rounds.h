#pragma once

/// Which dates of several backfills are computed in the same scan.

#include <cstddef>
#include <utility>
#include <vector>

#include "base/calendar.h"

namespace tidemill {

/// What one pipeline has to compute.
struct DatesOfPipeline {
  std::vector<std::pair<size_t, CivilDay>> dates;  ///< any number and its day, ascending
  size_t per_pass = 1;                             ///< most dates of one pass
};

/// Per pipeline the numbers of the dates of its pass, which may be none.
using PassRound = std::vector<std::vector<size_t>>;

/// Cuts the dates into rounds, so that no pass has more dates than it may, and the same days of all
/// pipelines meet in the same round: then they read the same events.
std::vector<PassRound> CutIntoRounds(const std::vector<DatesOfPipeline>& pipelines);

}  // namespace tidemill
