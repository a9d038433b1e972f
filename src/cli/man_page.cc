#include "cli/man_page.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidemill {
namespace {

/// Text as roff: backslashes and hyphens kept as they are, no line taken for a request.
std::string Roff(const std::string& text) {
  std::string roff;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) roff += "\\&";
    at_line_start = c == '\n';
    if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else {
      roff += c;
    }
  }
  return roff;
}

std::string Bold(const std::string& text) { return "\\fB" + Roff(text) + "\\fR"; }

std::string OptionText(const OptionDescription& option) {
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + Bold(name);
  if (!option.value.empty()) names += " \\fI" + Roff(option.value) + "\\fR";
  return fmt::format(".TP\n{}\n{}{}\n", names, Roff(option.text),
                     option.required ? " (required)" : "");
}

/// Prose as it is, what follows "Examples:" without filling.
std::string FooterText(const std::string& footer) {
  constexpr const char* kExamples = "Examples:\n";
  const size_t examples = footer.find(kExamples);
  std::string prose = footer.substr(0, examples);
  while (!prose.empty() && prose.back() == '\n') prose.pop_back();
  std::string text = prose.empty() ? "" : ".PP\n" + Roff(prose) + "\n";
  if (examples != std::string::npos) {
    text += ".PP\nExamples:\n.PP\n.nf\n" + Roff(footer.substr(examples + 10)) + "\n.fi\n";
  }
  return text;
}

constexpr const char* kExitCodes[][2] = {
    {"0", "done"},
    {"1", "the run failed: I/O or compute"},
    {"2", "the command or the pipeline file is wrong"},
    {"3", "an input check did not pass"},
    {"4", "an output check did not pass"},
    {"5", "somebody else is publishing the same dates"},
    {"130", "interrupted"},
};

}  // namespace

std::string ManPage(const CommandDescription& program, const std::string& version) {
  std::string text =
      fmt::format(".TH TIDEMILL 1 \"\" \"tidemill {}\" \"User Commands\"\n", version);
  text += ".SH NAME\ntidemill \\- " + Roff(program.text) + "\n.SH SYNOPSIS\n";
  for (const CommandDescription* command : LeavesOf(program)) {
    text +=
        Bold(command->path) + Roff(SynopsisOf(*command).substr(command->path.size())) + "\n.br\n";
  }
  text += ".SH DESCRIPTION\n" + FooterText(program.footer) + ".SH COMMANDS\n";
  for (const CommandDescription* command : LeavesOf(program)) {
    text += ".SS " + Roff(SynopsisOf(*command)) + "\n" + Roff(command->text) + ".\n";
    for (const OptionDescription& option : command->options) {
      if (option.group == "Options") text += OptionText(option);
    }
    text += FooterText(command->footer);
  }
  text += ".SH COMMON OPTIONS\n";
  std::vector<std::string> seen;
  for (const CommandDescription* command : LeavesOf(program)) {
    for (const OptionDescription& option : command->options) {
      if (option.group == "Options" || option.names.empty()) continue;
      const std::string& name = option.names.back();
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
      seen.push_back(name);
      text += OptionText(option);
    }
  }
  text += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : kExitCodes) {
    text += fmt::format(".TP\n{}\n{}\n", Bold(code), Roff(meaning));
  }
  text += ".PP\nAfter 1, 3, 4 and 5 the published table is exactly as it was before.\n";
  text +=
      ".SH ENVIRONMENT\n.TP\n\\fINAME\\fR\nvalue of ${NAME} in a pipeline file, unless "
      "\\-\\-set gives one\n.TP\n\\fBNO_COLOR\\fR\nif set, nothing is coloured\n";
  return text;
}

}  // namespace tidemill
