#pragma once

/// One read of a source for several passes.

#include <memory>

#include "engine/pass_engine.h"

namespace tidemill {

/// The engine in this process for passes whose sources were opened from the same ListedTable. All
/// of them begin before the first one scans; that one reads for all. A row group is read once, with
/// the columns of the passes that need it, and each makes its own tiles of it. What cannot be read
/// ends the passes that need it, what cannot be computed ends its own pass; the others go on. For
/// one thread at a time.
std::shared_ptr<PassEngine> SharedScan();

}  // namespace tidemill
