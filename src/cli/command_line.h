#pragma once

/// The program: arguments in, exit code out.

#include "cli/command.h"

namespace tidemill {

/// Parses the arguments (argv[0] is the program) and runs the command they name.
int RunCommandLine(int argc, const char* const* argv, const CommandContext& context);

}  // namespace tidemill
