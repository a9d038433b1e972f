#pragma once

/// The table that a pipeline writes, and what its ledger has to do with runs.

#include <string>
#include <utility>
#include <vector>

#include "engine/evaluate_checks.h"
#include "engine/scan.h"
#include "table/table.h"

namespace tidemill {

/// Opens the output of a pipeline; creates nothing. `scratch` is where files for an object store
/// are written first; empty: $TMPDIR, else /tmp.
arrow::Result<Table> OpenOutput(const Pipeline& pipeline, const Calendar& calendar,
                                const std::string& scratch = "");

/// Values for previous(...) in the checks of a date: of the input and of the output checks.
struct PreviousOfDate {
  PreviousValues input;
  PreviousValues output;
};
arrow::Result<PreviousOfDate> ReadPrevious(const Table& table, const std::string& date);

/// The metrics of a date as its ledger entry keeps them.
std::vector<std::pair<std::string, std::shared_ptr<arrow::Scalar>>> LedgerMetrics(
    const PreviousOfDate& values);

/// The files that may hold events of a date's windows, by the day of their partition, else by the
/// days of those events. A file that tells nothing of its days has none.
std::vector<InputDay> InputsOf(const Plan& plan, size_t date);

/// The tables beside the source that a date of the plan is computed from: the dimension of each
/// join that is needed; of a dated one the partitions that count on a day of the window.
std::vector<OtherInput> OtherInputsOf(const Plan& plan, size_t date);

}  // namespace tidemill
