#pragma once

/// Functions that other databases have and a pipeline must not: clocks, dice and the session.

#include <string>

namespace tidemill {

struct RefusedFunction {
  const char* reason;  ///< follows the name: " is refused: ..."
  const char* hint;
};

/// Null for a name that is none of them.
const RefusedFunction* FindRefusedFunction(const std::string& lower_name);

}  // namespace tidemill
