#include <limits>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/nearest_name.h"
#include "cli/command.h"
#include "cli/function_reference.h"

namespace tidemill {
namespace {

struct FunctionsFlags {
  std::string name;
  bool markdown = false;
  OutputFlags output;
};

arrow::Status UnknownFunction(const std::string& name) {
  std::vector<std::string> names;
  for (const FunctionEntry& function : AllFunctions()) {
    names.push_back(function.name);
    names.insert(names.end(), function.aliases.begin(), function.aliases.end());
  }
  const auto nearest = NearestName(name, names);
  return MakeError(ErrorCode::kInvalid, fmt::format("there is no function '{}'", name),
                   nearest ? fmt::format("did you mean '{}'?", *nearest)
                           : "'tidemill functions' lists them all");
}

int Functions(const FunctionsFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const bool has_colour = session.style().has_colour;
  const int width = session.console().out_width();
  if (!flags.name.empty()) {
    const std::optional<FunctionEntry> function = FindFunction(flags.name);
    if (!function) return session.Fail(UnknownFunction(flags.name));
    session.PrintResult(RenderFunction(*function, width, has_colour), ToJson(*function));
    return 0;
  }
  const std::vector<FunctionEntry> functions = AllFunctions();
  const int list_width =
      session.console().out_is_terminal() ? width : std::numeric_limits<int>::max();
  Json document;
  document["functions"] = Json::array();
  for (const FunctionEntry& function : functions) document["functions"].push_back(ToJson(function));
  session.PrintResult(flags.markdown ? FunctionsMarkdown(functions)
                                     : RenderFunctionList(functions, list_width, has_colour),
                      document);
  return 0;
}

}  // namespace

void AddFunctionsCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<FunctionsFlags>();
  CLI::App* app = program->add_subcommand("functions", "Tell what can be written in an expression");
  app->add_option("NAME", flags->name, "One function; all of them otherwise")->type_name("");
  app->add_flag("--markdown", flags->markdown, "Print the reference page");
  AddOutputFlags(app, &flags->output);
  app->footer(
      "Examples:\n"
      "  tidemill functions\n"
      "  tidemill functions date_trunc");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Functions(*flags, context); }});
}

}  // namespace tidemill
