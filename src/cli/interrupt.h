#pragma once

/// Ctrl-C.

#include <atomic>

namespace tidemill {

/// From now on the first SIGINT or SIGTERM sets the flag that this returns, so that a run stops
/// where the table is whole; a second one ends the process at once with exit code 130.
const std::atomic<bool>* CatchInterrupts();

}  // namespace tidemill
