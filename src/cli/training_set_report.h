#pragma once

/// Reports of training sets, for people and as JSON.

#include <string>

#include "cli/report_json.h"
#include "cli/report_text.h"
#include "tidemill/training_set.h"

namespace tidemill {

/// Without the rows.
Json ToJson(const TrainingSetReport& report);

std::string RenderTrainingSetReport(const TrainingSetReport& report, const ReportStyle& style);

}  // namespace tidemill
