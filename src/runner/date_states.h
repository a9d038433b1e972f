#pragma once

/// What has become of feature dates: the ledger held against the source and the pipeline as they
/// are now.

#include <string>
#include <vector>

#include "engine/plan.h"
#include "table/table.h"
#include "tidemill/backfill.h"

namespace tidemill {

/// The dates from `start` to `end`, inclusive, in steps of `every`. Errors (kInvalid) for labels
/// that are none and for an end before the start.
arrow::Result<std::vector<Slot>> DatesBetween(const Calendar& calendar, const std::string& start,
                                              const std::string& end,
                                              const std::optional<WindowLength>& every = {});

/// An error (kInvalid) if one of `only` is not a state.
arrow::Status CheckStates(const std::vector<std::string>& only);

/// Whether a backfill with `only` computes a date of this state; an empty list picks all.
bool IsPicked(const DateState& state, const std::vector<std::string>& only);

/// The state of every date of the plan. Reads the ledger, writes nothing.
arrow::Result<std::vector<DateState>> StatesOf(const Plan& plan, const Table& table);

}  // namespace tidemill
