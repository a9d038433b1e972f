#include <memory>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/completion_scripts.h"

namespace tidemill {

void AddCompletionCommand(CLI::App* program, std::vector<Command>* commands) {
  auto shell = std::make_shared<std::string>();
  CLI::App* app = program->add_subcommand("completion", "Print completions for a shell");
  app->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  app->footer(
      "Examples:\n"
      "  source <(tidemill completion bash)\n"
      "  tidemill completion zsh > ~/.zfunc/_tidemill\n"
      "  tidemill completion fish > ~/.config/fish/completions/tidemill.fish");
  commands->push_back({app, [program, shell](const CommandContext& context) {
                         const CommandDescription tree = DescribeCommand(*program);
                         context.console->Out(*shell == "bash"  ? BashCompletion(tree)
                                              : *shell == "zsh" ? ZshCompletion(tree)
                                                                : FishCompletion(tree));
                         return 0;
                       }});
}

}  // namespace tidemill
