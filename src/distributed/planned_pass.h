#pragma once

/// The plan of a pass in a process that runs its tasks.

#include <memory>

#include <arrow/result.h>

#include "distributed/pass_task.h"
#include "engine/pass_engine.h"
#include "storage/location.h"

namespace tidemill {

struct PlannedPass {
  Plan plan;
  Location work;
};

/// A hash of all that tasks of one pass must agree on: the files and what tells whether they have
/// changed, their schema, the row groups in their order, the meaning of the features.
std::string FingerprintOf(const Plan& plan);

/// Describes the pass for tasks that may use `memory` bytes each.
arrow::Result<PassDescription> DescribePass(const Plan& plan, const PassRequest& request,
                                            int64_t memory);

/// Plans the pass anew, once per process: the last few are kept. An error (kRunFailed) if the
/// source is not what it was when the pass was described. Thread-safe.
arrow::Result<std::shared_ptr<const PlannedPass>> PlanAgain(const PassDescription& pass);

}  // namespace tidemill
