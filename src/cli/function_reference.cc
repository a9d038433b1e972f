#include "cli/function_reference.h"

#include <algorithm>

#include <fmt/format.h>

#include "aggregate/registry.h"
#include "cli/console.h"
#include "cli/display_text.h"
#include "cli/operator_reference.h"
#include "pipeline/check_expansion.h"
#include "sql/function_registry.h"

namespace tidemill {
namespace {

struct Section {
  const char* kind;
  const char* title;
  const char* text;
};

constexpr Section kSections[] = {
    {"aggregate", "Aggregate functions",
     "They reduce the events of a window to one value for each entity. Any of them takes "
     "`filter (where condition)` behind it, and `distinct` before its argument. NULLs are "
     "skipped."},
    {"scalar", "Scalar functions",
     "They compute one value from the values of one row, inside or outside of aggregates. A NULL "
     "argument gives NULL unless the function says otherwise."},
    {"operator", "Operators and special forms", "With the precedence that PostgreSQL gives them."},
    {"check", "In checks alone",
     "Checks are conditions over aggregates of the whole frame; they have these beside every "
     "aggregate function."},
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// In backticks inside a table cell.
std::string Code(const std::string& text) {
  if (text.empty()) return "";
  std::string code = "`";
  for (const char c : text) code += c == '|' ? "\\|" : std::string(1, c);
  return code + "`";
}

std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : text) cell += c == '|' ? "\\|" : std::string(1, c);
  return cell;
}

std::string FirstSentence(const std::string& text) {
  const size_t end = text.find(". ");
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

std::string SignatureOf(const FunctionEntry& function) {
  return function.signature.empty() ? function.name : function.signature;
}

}  // namespace

std::vector<FunctionEntry> AllFunctions() {
  std::vector<FunctionEntry> all;
  for (const AggregateFunction& function : AggregateRegistry::Default().functions()) {
    all.push_back({function.name, function.aliases, "aggregate", function.doc.signature,
                   function.doc.summary, function.doc.null_rule, function.doc.example, ""});
  }
  for (const ScalarFunction* function : ScalarRegistry::Default().functions()) {
    const ScalarFunctionDoc& doc = function->doc;
    if (doc.signature.empty()) continue;
    all.push_back({function->name, function->aliases, "scalar", doc.signature, doc.summary, "",
                   doc.example, doc.result});
  }
  for (FunctionEntry& entry : OperatorEntries()) all.push_back(std::move(entry));
  for (const CheckFunctionDoc& doc : CheckFunctions()) {
    const std::string signature = doc.signature;
    all.push_back({signature.substr(0, signature.find('(')),
                   {},
                   "check",
                   signature,
                   doc.summary,
                   "",
                   "",
                   ""});
  }
  return all;
}

std::optional<FunctionEntry> FindFunction(const std::string& name) {
  const std::string wanted = Lower(name);
  for (FunctionEntry& function : AllFunctions()) {
    const auto& aliases = function.aliases;
    if (Lower(function.name) == wanted ||
        std::find(aliases.begin(), aliases.end(), wanted) != aliases.end()) {
      return std::move(function);
    }
  }
  return std::nullopt;
}

std::string RenderFunctionList(const std::vector<FunctionEntry>& functions, int width,
                               bool has_colour) {
  int name_width = 0;
  for (const FunctionEntry& function : functions) {
    name_width = std::max(name_width, DisplayWidth(SignatureOf(function)));
  }
  std::string text;
  for (const Section& section : kSections) {
    text += fmt::format("{}{}\n", text.empty() ? "" : "\n",
                        Painted(section.title, Paint::kBold, has_colour));
    for (const FunctionEntry& function : functions) {
      if (function.kind != section.kind) continue;
      text += Cut(fmt::format("  {}  {}", PadRight(SignatureOf(function), name_width),
                              FirstSentence(function.summary)),
                  width) +
              "\n";
    }
  }
  return text + "\n'tidemill functions NAME' tells more about one.\n";
}

std::string RenderFunction(const FunctionEntry& function, int width, bool has_colour) {
  constexpr int kIndent = 2, kLabelWidth = 9;
  std::string text = Painted(SignatureOf(function), Paint::kBold, has_colour) + "\n";
  const auto add = [&](const char* label, const std::string& value) {
    if (value.empty()) return;
    text += fmt::format("{:{}}{}{}\n", "", kIndent, PadRight(label, kLabelWidth),
                        Wrap(value, width, kIndent + kLabelWidth));
  };
  add("", function.summary);
  add("also", Join(function.aliases));
  add("NULLs", function.null_rule);
  add("example",
      function.result.empty() ? function.example : function.example + "  ->  " + function.result);
  return text;
}

std::string FunctionsMarkdown(const std::vector<FunctionEntry>& functions) {
  std::string text =
      "# Functions\n\n"
      "What can be written in `features`, `checks`, `where` and `columns`. Expressions have the "
      "syntax of PostgreSQL. This page is made by `tidemill functions --markdown`.\n";
  for (const Section& section : kSections) {
    text += fmt::format("\n## {}\n\n{}\n\n", section.title, section.text);
    const std::string kind = section.kind;
    const char* columns = kind == "aggregate" ? "| no rows, NULLs | example |"
                          : kind == "check"   ? "|"
                                              : "| example | result |";
    text += fmt::format("| {} | what it gives {}\n{}\n", kind == "operator" ? "syntax" : "function",
                        columns, kind == "check" ? "|---|---|" : "|---|---|---|---|");
    for (const FunctionEntry& function : functions) {
      if (function.kind != kind) continue;
      std::string names = Code(SignatureOf(function));
      for (const std::string& alias : function.aliases) names += ", " + Code(alias);
      text += fmt::format("| {} | {} |", names, Cell(function.summary));
      if (kind == "aggregate") {
        text += fmt::format(" {} | {} |", Cell(function.null_rule), Code(function.example));
      } else if (kind != "check") {
        text += fmt::format(" {} | {} |", Code(function.example),
                            function.result.empty() ? "" : Code(function.result));
      }
      text += "\n";
    }
  }
  return text;
}

nlohmann::ordered_json ToJson(const FunctionEntry& function) {
  nlohmann::ordered_json json;
  json["name"] = function.name;
  json["aliases"] = function.aliases;
  json["kind"] = function.kind;
  json["signature"] = SignatureOf(function);
  json["summary"] = function.summary;
  if (function.kind == "aggregate") json["null_rule"] = function.null_rule;
  if (!function.example.empty()) json["example"] = function.example;
  if (!function.result.empty()) json["result"] = function.result;
  return json;
}

}  // namespace tidemill
