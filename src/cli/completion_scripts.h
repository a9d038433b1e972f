#pragma once

/// Shell completions, generated from the commands.

#include <string>

#include "cli/command_tree.h"

namespace tidemill {

std::string BashCompletion(const CommandDescription& program);
std::string ZshCompletion(const CommandDescription& program);
std::string FishCompletion(const CommandDescription& program);

}  // namespace tidemill
