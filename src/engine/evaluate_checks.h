#pragma once

/// From metrics to verdicts.

#include <map>
#include <string>
#include <vector>

#include "engine/frame_metrics.h"
#include "tidemill/run.h"

namespace tidemill {

/// Values that `previous(...)` takes, by canonical text, as JSON-like text of a literal; absent: NULL.
using PreviousValues = std::map<std::string, std::string>;

/// The verdict of each check over one date's strata. `stage` is "input" or "output". A check that cannot be evaluated
/// has not passed and says why.
std::vector<CheckResult> EvaluateChecks(const FrameChecks& checks, const FrameMetrics& metrics,
                                        StratumRange range, const std::string& stage,
                                        const PreviousValues& previous);

/// What this date leaves for the next one's `previous(...)`.
PreviousValues ValuesForNext(const FrameChecks& checks, const FrameMetrics& metrics,
                             StratumRange range);

}  // namespace tidemill
