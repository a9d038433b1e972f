#pragma once

/// What `table inspect --keys` prints.

#include <string>

#include "cli/report_json.h"
#include "tidemill/table.h"

namespace tidemill {

std::string RenderKeyReport(const KeyReport& report, bool has_colour);
Json ToJson(const KeyReport& report);

}  // namespace tidemill
