#pragma once

/// Engines that live in Python: the clients of Spark and Dask do.

#include "cli/session.h"

namespace tidemill {

/// Hands the whole command line over to the Python package, which knows the same commands and has
/// those clients: does not return, unless it fails. The interpreter is $TIDEMILL_PYTHON, else
/// python3.
arrow::Result<std::shared_ptr<PassEngine>> ContinueInPython(const EngineChoice& choice,
                                                            char** arguments);

}  // namespace tidemill
