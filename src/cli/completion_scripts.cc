#include "cli/completion_scripts.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidemill {
namespace {

/// Every command with the words that lead to it, without the program's own: "generate events".
void CollectCommands(const CommandDescription& command, const std::string& words,
                     std::vector<std::pair<std::string, const CommandDescription*>>* all) {
  all->emplace_back(words, &command);
  for (const CommandDescription& child : command.commands) {
    CollectCommands(child, words.empty() ? child.name : words + " " + child.name, all);
  }
}

std::vector<std::pair<std::string, const CommandDescription*>> AllCommands(
    const CommandDescription& program) {
  std::vector<std::pair<std::string, const CommandDescription*>> all;
  CollectCommands(program, "", &all);
  return all;
}

/// In single quotes, for any of the three shells.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

/// The words that may come after a command: its commands and options.
std::string WordsAfter(const CommandDescription& command) {
  std::string words;
  const auto add = [&](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
  for (const CommandDescription& child : command.commands) add(child.name);
  for (const OptionDescription& option : command.options) {
    for (const std::string& name : option.names) add(name);
  }
  return words;
}

}  // namespace

std::string BashCompletion(const CommandDescription& program) {
  std::string cases, paths;
  for (const auto& [words, command] : AllCommands(program)) {
    cases += fmt::format("    {}) words={} ;;\n", Quoted(words), Quoted(WordsAfter(*command)));
    if (!command->commands.empty()) {
      for (const CommandDescription& child : command->commands) {
        paths += fmt::format("      {}) path={} ;;\n", Quoted(words + ":" + child.name),
                             Quoted(words.empty() ? child.name : words + " " + child.name));
      }
    }
  }
  return fmt::format(
      R"(# bash completion of {0}: source it, or put it into ~/.local/share/bash-completion/completions/{0}
_{0}() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path:${{COMP_WORDS[i]}}" in
{1}    esac
  done
  case "$path" in
{2}  esac
  if [[ $current == -* || -z $path || $path == generate ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}}
complete -o filenames -F _{0} {0}
)",
      program.name, paths, cases);
}

std::string ZshCompletion(const CommandDescription& program) {
  std::string commands, cases;
  for (const CommandDescription& child : program.commands) {
    commands += fmt::format("    {}\n", Quoted(child.name + ":" + child.text));
  }
  const auto escaped = [](const std::string& text) {
    std::string result;
    for (const char c : text) {
      if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
      result += c;
    }
    return result;
  };
  for (const auto& [words, command] : AllCommands(program)) {
    if (words.empty()) continue;
    std::string arguments;
    for (const OptionDescription& option : command->options) {
      for (const std::string& name : option.names) {
        const std::string value = option.value.empty() ? "" : ":" + escaped(option.value) + ":";
        const std::string files = option.value.empty() ? "" : "_files";
        arguments += " " + Quoted("*" + name + "[" + escaped(option.text) + "]" + value + files);
      }
    }
    for (const CommandDescription& child : command->commands) {
      arguments += " " + Quoted("1:command:(" + child.name + ")");
    }
    cases += fmt::format("    {}) _arguments{} '*:file:_files' ;;\n", Quoted(words), arguments);
  }
  return fmt::format(
      R"(#compdef {0}
# zsh completion of {0}: put it as _{0} into a folder of $fpath
_{0}() {{
  local -a commands
  commands=(
{1}  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local chain="${{words[2]}}"
  if [[ $chain == generate && ${{words[3]}} == events && CURRENT -gt 3 ]]; then
    chain='generate events'
    shift words; (( CURRENT-- ))
  fi
  shift words; (( CURRENT-- ))
  case "$chain" in
{2}  esac
}}
if [[ ${{funcstack[1]}} == _{0} ]]; then
  _{0} "$@"
else
  compdef _{0} {0}
fi
)",
      program.name, commands, cases);
}

std::string FishCompletion(const CommandDescription& program) {
  std::string text = fmt::format(
      "# fish completion of {0}: put it into ~/.config/fish/completions/{0}.fish\n", program.name);
  for (const auto& [words, command] : AllCommands(program)) {
    std::string condition;
    if (words.empty()) {
      condition = "__fish_use_subcommand";
    } else {
      for (size_t at = 0; at <= words.size();) {
        const size_t end = std::min(words.find(' ', at), words.size());
        condition += fmt::format("{}__fish_seen_subcommand_from {}",
                                 condition.empty() ? "" : "; and ", words.substr(at, end - at));
        at = end + 1;
      }
    }
    for (const CommandDescription& child : command->commands) {
      text += fmt::format("complete -c {} -n {} -f -a {} -d {}\n", program.name, Quoted(condition),
                          child.name, Quoted(child.text));
    }
    for (const OptionDescription& option : command->options) {
      std::string names;
      for (const std::string& name : option.names) {
        names += name.size() > 2 ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      text += fmt::format("complete -c {} -n {}{}{} -d {}\n", program.name, Quoted(condition),
                          names, option.value.empty() ? "" : " -r", Quoted(option.text));
    }
  }
  return text;
}

}  // namespace tidemill
