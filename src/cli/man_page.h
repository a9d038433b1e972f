#pragma once

/// The manual page, generated from the commands.

#include <string>

#include "cli/command_tree.h"

namespace tidemill {

/// tidemill(1) as roff with the man macros.
std::string ManPage(const CommandDescription& program, const std::string& version);

}  // namespace tidemill
