#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/man_page.h"
#include "tidemill/version.h"

namespace tidemill {

void AddManCommand(CLI::App* program, std::vector<Command>* commands) {
  CLI::App* app = program->add_subcommand("man", "Print the manual page as roff");
  app->footer(
      "Examples:\n"
      "  tidemill man | man -l -\n"
      "  tidemill man > ~/.local/share/man/man1/tidemill.1");
  commands->push_back({app, [program](const CommandContext& context) {
                         context.console->Out(ManPage(DescribeCommand(*program), kVersion));
                         return 0;
                       }});
}

}  // namespace tidemill
