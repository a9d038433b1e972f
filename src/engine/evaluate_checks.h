#pragma once

/// From metrics to verdicts.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/scalar.h>

#include "engine/frame_metrics.h"
#include "tidemill/run.h"

namespace tidemill {

/// Values that `previous(...)` takes, by the canonical text of its expression; absent: NULL.
using PreviousValues = std::map<std::string, std::shared_ptr<arrow::Scalar>>;

/// The verdict of each check over the metrics of one date. `stage` is "input" or "output". A check
/// that cannot be evaluated has not passed and says why.
std::vector<CheckResult> EvaluateChecks(const FrameChecks& checks, const MetricValues& metrics,
                                        const std::string& stage, const PreviousValues& previous);

/// What this date leaves for the next one's `previous(...)`.
PreviousValues ValuesForNext(const FrameChecks& checks, const MetricValues& metrics);

}  // namespace tidemill
