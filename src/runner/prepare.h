#pragma once

/// What every command does first: dates parsed, source opened, pipeline bound, pass planned.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/plan.h"
#include "engine/scan.h"
#include "tidemill/run.h"

namespace tidemill {

/// The calendar of a pipeline. An error (kInvalid) for an unknown time zone.
arrow::Result<std::shared_ptr<const Calendar>> CalendarOf(const Pipeline& pipeline);

/// The slot of a label such as "2026-03-02". An error (kInvalid) that shows the form.
arrow::Result<Slot> ParseFeatureDate(const Calendar& calendar, const std::string& label);

/// A source and the dimensions of its joins, and the pipeline bound to them.
struct OpenedPipeline {
  std::shared_ptr<const Source> source;
  Dimensions dimensions;
  std::shared_ptr<const BoundPipeline> pipeline;
};

/// Opens source and dimensions for these days and binds the pipeline. With a `pool`, the source is
/// listed once for all that use it.
arrow::Result<OpenedPipeline> OpenPipeline(const Pipeline& pipeline,
                                           std::pair<CivilDay, CivilDay> days,
                                           const RunOptions& options, SourcePool* pool = nullptr);

/// The plan of a pass over `dates` (ascending). Plans that find their source in the same `pool` can
/// share a scan.
arrow::Result<Plan> PreparePass(const Pipeline& pipeline, std::shared_ptr<const Calendar> calendar,
                                std::vector<Slot> dates, const RunOptions& options,
                                PlanScope scope = PlanScope::kFeatures, SourcePool* pool = nullptr);

/// Threads to use, at least 1.
int ThreadsOf(const RunOptions& options);

/// The memory budget in bytes: what was asked for, else 60 % of RAM.
int64_t MemoryOf(const RunOptions& options);

/// The resident memory of the process at its largest, in bytes.
int64_t PeakMemory();

/// What a user should know of the plan before it runs: columns missing in files, a window that
/// begins before the first day of data, days without data inside it.
std::vector<std::string> PlanWarnings(const Plan& plan);

}  // namespace tidemill
