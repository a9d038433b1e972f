#pragma once

/// What the joins of passes did, for reports.

#include <vector>

#include "engine/plan.h"
#include "engine/scan.h"
#include "tidemill/run.h"

namespace tidemill {

/// Adds what the joins of a pass did to a report that may hold those of passes before it. A pass
/// that failed before it scanned adds nothing.
void AddJoins(const Plan& plan, const ScanCounts& counts, std::vector<JoinReport>* joins);

}  // namespace tidemill
