#include "cli/command_line.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/nearest_name.h"
#include "cli/command_tree.h"
#include "cli/report_json.h"
#include "tidemill/version.h"

namespace tidemill {
namespace {

constexpr const char* kLaterCommands[] = {"ui"};

void BuildProgram(CLI::App* program, std::vector<Command>* commands) {
  program->name("tidemill");
  program->description("computes ML features from event data: one file, one command a date");
  program->set_help_flag("-h,--help", "Show help and examples");
  program->set_version_flag("--version", fmt::format("tidemill {}", kVersion), "Show the version");
  program->get_formatter()->column_width(32);
  program->get_formatter()->label("SUBCOMMAND", "COMMAND");
  program->get_formatter()->label("REQUIRED", "(required)");
  program->require_subcommand(1);
  program->footer(
      "Exit codes: 0 done; 1 the run failed; 2 the command or the file is wrong; 3 an input check\n"
      "failed; 4 an output check failed; 5 somebody else is publishing the same dates.\n\n"
      "Examples:\n"
      "  tidemill demo\n"
      "  tidemill run engagement.yaml --date 2026-03-02\n"
      "  tidemill run --help");
  AddDemoCommand(program, commands);
  AddRunCommand(program, commands);
  AddBackfillCommand(program, commands);
  AddStatusCommand(program, commands);
  AddPlanCommand(program, commands);
  AddLintCommand(program, commands);
  AddCheckCommand(program, commands);
  AddPreviewCommand(program, commands);
  AddSqlCommand(program, commands);
  AddTrainingSetCommand(program, commands);
  AddTableCommand(program, commands);
  AddGenerateCommand(program, commands);
  AddFunctionsCommand(program, commands);
  AddCompletionCommand(program, commands);
  AddManCommand(program, commands);
  for (CLI::App* command : program->get_subcommands({})) command->group("Commands");
}

/// "tidemill generate" for the command "events"; empty for the program itself.
std::string ParentsOf(const CLI::App& command) {
  std::string parents;
  for (const CLI::App* parent = command.get_parent(); parent != nullptr;
       parent = parent->get_parent()) {
    parents = parents.empty() ? parent->get_name() : parent->get_name() + " " + parents;
  }
  return parents;
}

/// The help of a command, without the formatter's double blank lines.
std::string HelpOf(const CLI::App& command) {
  std::string help = command.help(ParentsOf(command));
  for (size_t at = 0; (at = help.find("\n\n\n", at)) != std::string::npos;) help.erase(at, 1);
  return help;
}

/// The innermost command that the arguments named.
const CLI::App& ParsedCommand(const CLI::App& program) {
  const CLI::App* command = &program;
  for (;;) {
    const std::vector<CLI::App*> next =
        const_cast<CLI::App*>(command)->get_subcommands();  // those that were parsed
    if (next.empty()) return *command;
    command = next.front();
  }
}

std::string JoinNames(const std::vector<CommandDescription>& commands) {
  std::string names;
  for (const CommandDescription& command : commands) {
    names += (names.empty() ? "" : ", ") + command.name;
  }
  return names;
}

arrow::Status UnknownWord(const CommandDescription& command, const std::string& word) {
  std::vector<std::string> known;
  for (const CommandDescription& child : command.commands) known.push_back(child.name);
  const bool is_later = std::find(std::begin(kLaterCommands), std::end(kLaterCommands), word) !=
                        std::end(kLaterCommands);
  if (is_later && command.path == command.name) {
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' is not in this release yet", word),
                     fmt::format("there is {}", JoinNames(command.commands)));
  }
  const auto nearest = NearestName(word, known);
  return MakeError(ErrorCode::kInvalid, fmt::format("'{}' has no command '{}'", command.path, word),
                   nearest ? fmt::format("did you mean '{}'?", *nearest)
                           : fmt::format("there is {}", JoinNames(command.commands)));
}

arrow::Status UnknownOption(const CommandDescription& command, const std::string& argument) {
  const std::string name = argument.substr(0, argument.find('='));
  std::vector<std::string> known;
  for (const OptionDescription& option : command.options) {
    known.insert(known.end(), option.names.begin(), option.names.end());
  }
  const auto nearest = NearestName(name, known);
  return MakeError(ErrorCode::kInvalid, fmt::format("'{}' has no option {}", command.path, name),
                   nearest ? fmt::format("did you mean {}?", *nearest)
                           : fmt::format("'{} --help' lists them", command.path));
}

/// What was wrong with the arguments, in words of ours.
arrow::Status ExplainParseError(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App& app = ParsedCommand(program);
  const CommandDescription command = DescribeCommand(app, ParentsOf(app));
  const std::vector<std::string> unexpected = app.remaining(true);
  if (!unexpected.empty()) {
    const std::string& first = unexpected.front();
    if (first.size() > 1 && first.front() == '-') return UnknownOption(command, first);
    if (!command.commands.empty()) return UnknownWord(command, first);
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("'{}' is one argument too many for '{}'", first, command.path),
                     "usage: " + SynopsisOf(command));
  }
  if (!command.commands.empty()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' needs a command", command.path),
                     fmt::format("there is {}", JoinNames(command.commands)));
  }
  std::string message = error.what();
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  return MakeError(ErrorCode::kInvalid, fmt::format("{}: {}", command.path, message),
                   "usage: " + SynopsisOf(command));
}

bool AsksForJson(int argc, const char* const* argv) {
  return std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
}

/// 0 if `error` is a wish for help or the version, which is printed.
int HandleParseError(const CLI::App& program, const CLI::ParseError& error, bool json,
                     const CommandContext& context) {
  const Console& console = *context.console;
  if (error.get_name() == "CallForHelp" || error.get_name() == "CallForAllHelp") {
    console.Out(HelpOf(ParsedCommand(program)));
    return 0;
  }
  if (error.get_name() == "CallForVersion") {
    console.Out(fmt::format("tidemill {}\n", kVersion));
    return 0;
  }
  OutputFlags flags;
  flags.json = json;
  return Session(context, flags).Fail(ExplainParseError(program, error));
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv, const CommandContext& context) {
  CLI::App program;
  std::vector<Command> commands;
  BuildProgram(&program, &commands);
  if (argc < 2) {
    context.console->Err(HelpOf(program));
    return static_cast<int>(ErrorCode::kInvalid);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return HandleParseError(program, error, AsksForJson(argc, argv), context);
  }
  const CLI::App& parsed = ParsedCommand(program);
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command& c) { return c.app == &parsed; });
  int code = command->run(context);
  if (!context.console->Flush() && code == 0) {
    context.console->Err("error: cannot write to standard output\n");
    code = static_cast<int>(ErrorCode::kRunFailed);
  }
  return code;
}

}  // namespace tidemill
