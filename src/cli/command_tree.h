#pragma once

/// The commands and options of the program as data, for what is made from them: the manual page,
/// shell completions, suggestions.

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tidemill {

struct OptionDescription {
  std::vector<std::string> names;  ///< "-n", "--rows"
  std::string value;               ///< "N"; empty for a flag
  std::string text;
  std::string group;
  bool required = false;
};

struct CommandDescription {
  std::string name;  ///< "events"
  std::string path;  ///< "tidemill generate events"
  std::string text;
  std::string footer;                    ///< details and examples
  std::vector<std::string> positionals;  ///< "FILE", "[DIR]"
  std::vector<OptionDescription> options;
  std::vector<CommandDescription> commands;
};

CommandDescription DescribeCommand(const CLI::App& app, const std::string& parent_path = "");

/// "tidemill run FILE --date D [options]".
std::string SynopsisOf(const CommandDescription& command);

/// The commands that can be run: `root` and what is below it, without those that only hold others.
std::vector<const CommandDescription*> LeavesOf(const CommandDescription& root);

}  // namespace tidemill
