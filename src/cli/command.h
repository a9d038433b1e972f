#pragma once

/// The commands of the program, one file each.

#include <functional>
#include <vector>

#include "cli/session.h"

namespace CLI {
class App;
}

namespace tidemill {

/// A command: where it hangs in the tree of the command line, and what it does once its flags are
/// parsed. `run` returns the exit code.
struct Command {
  CLI::App* app = nullptr;
  std::function<int(const CommandContext&)> run;
};

/// Each adds its command (or commands) below `program`, with flags, help and examples.
void AddDemoCommand(CLI::App* program, std::vector<Command>* commands);
void AddRunCommand(CLI::App* program, std::vector<Command>* commands);
void AddBackfillCommand(CLI::App* program, std::vector<Command>* commands);
void AddStatusCommand(CLI::App* program, std::vector<Command>* commands);
void AddTrainingSetCommand(CLI::App* program, std::vector<Command>* commands);
void AddTableCommand(CLI::App* program, std::vector<Command>* commands);
/// Below `tidemill table`.
void AddInspectCommand(CLI::App* table, std::vector<Command>* commands);
void AddOptimizeCommand(CLI::App* table, std::vector<Command>* commands);
void AddPlanCommand(CLI::App* program, std::vector<Command>* commands);
void AddLintCommand(CLI::App* program, std::vector<Command>* commands);
void AddCheckCommand(CLI::App* program, std::vector<Command>* commands);
void AddPreviewCommand(CLI::App* program, std::vector<Command>* commands);
void AddSqlCommand(CLI::App* program, std::vector<Command>* commands);
void AddGenerateCommand(CLI::App* program, std::vector<Command>* commands);
void AddFunctionsCommand(CLI::App* program, std::vector<Command>* commands);
void AddCompletionCommand(CLI::App* program, std::vector<Command>* commands);
void AddManCommand(CLI::App* program, std::vector<Command>* commands);

}  // namespace tidemill
