#pragma once

/// What expressions have beside functions, for the reference: operators and forms have a syntax of
/// their own, and so no entry with a signature in the registry.

#include <vector>

#include "cli/function_reference.h"

namespace tidemill {

/// Operators, special forms, and the two names that stand for the run itself.
std::vector<FunctionEntry> OperatorEntries();

}  // namespace tidemill
