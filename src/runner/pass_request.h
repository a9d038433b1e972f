#pragma once

/// What a command asks of the engine that computes for it.

#include <memory>

#include "engine/pass_engine.h"
#include "runner/pass_size.h"
#include "tidemill/run.h"

namespace tidemill {

/// The engine of a run: the one that was asked for, else the native one.
std::shared_ptr<PassEngine> EngineOf(const RunOptions& options);

/// How the engine shall run the pass, progress passed on.
arrow::Result<PassRequest> RequestFor(const Plan& plan, const RunOptions& options);
arrow::Result<PassRequest> RequestFor(const Plan& plan, const MemoryShares& shares,
                                      const RunOptions& options);

}  // namespace tidemill
