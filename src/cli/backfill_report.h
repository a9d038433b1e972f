#pragma once

/// Reports about many dates: backfills and states, for people and as JSON.

#include <string>

#include "cli/report_json.h"
#include "cli/report_text.h"
#include "tidemill/backfill.h"

namespace tidemill {

Json ToJson(const BackfillReport& report);
Json ToJson(const StatusReport& report);

std::string RenderBackfillReport(const BackfillReport& report, const ReportStyle& style);

/// A line with one letter per date, then a row for each date that wants attention (all with
/// verbose).
std::string RenderStatusReport(const StatusReport& report, const ReportStyle& style);

}  // namespace tidemill
