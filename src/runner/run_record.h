#pragma once

/// What a run leaves in the ledger for `tidemill table history`.

#include <arrow/status.h>

#include "table/table.h"
#include "tidemill/run.h"

namespace tidemill {

/// Completes `record` (command, definition, status, reason, start and dates are its caller's) from
/// the report of the run, which has ended, and keeps it.
arrow::Status WriteRunRecord(RunRecord record, const InvocationReport& report, TableWriter* writer);

}  // namespace tidemill
