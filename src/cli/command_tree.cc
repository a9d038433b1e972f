#include "cli/command_tree.h"

#include <CLI/CLI.hpp>

namespace tidemill {
namespace {

OptionDescription DescribeOption(const CLI::Option& option) {
  OptionDescription description;
  for (const std::string& name : option.get_snames()) description.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) description.names.push_back("--" + name);
  if (option.get_items_expected_max() > 0) description.value = option.get_type_name();
  description.text = option.get_description();
  description.group = option.get_group();
  description.required = option.get_required();
  return description;
}

void AddLeaves(const CommandDescription& command, std::vector<const CommandDescription*>* leaves) {
  if (command.commands.empty()) leaves->push_back(&command);
  for (const CommandDescription& child : command.commands) AddLeaves(child, leaves);
}

}  // namespace

CommandDescription DescribeCommand(const CLI::App& app, const std::string& parent_path) {
  CommandDescription command;
  command.name = app.get_name();
  command.path = parent_path.empty() ? command.name : parent_path + " " + command.name;
  command.text = app.get_description();
  command.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      std::string name = option->get_name(true);
      if (option->get_items_expected_max() > 1) name += "...";
      command.positionals.push_back(option->get_required() ? name : "[" + name + "]");
    } else {
      command.options.push_back(DescribeOption(*option));
    }
  }
  for (const CLI::App* child : app.get_subcommands({})) {
    command.commands.push_back(DescribeCommand(*child, command.path));
  }
  return command;
}

std::string SynopsisOf(const CommandDescription& command) {
  std::string text = command.path;
  for (const std::string& positional : command.positionals) text += " " + positional;
  for (const OptionDescription& option : command.options) {
    if (option.required) text += " " + option.names.back() + " " + option.value;
  }
  return text + (command.commands.empty() ? " [OPTIONS]" : " COMMAND");
}

std::vector<const CommandDescription*> LeavesOf(const CommandDescription& root) {
  std::vector<const CommandDescription*> leaves;
  AddLeaves(root, &leaves);
  return leaves;
}

}  // namespace tidemill
