#include "pipeline/pipeline_file_names.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/nearest_name.h"

namespace tidemill {
namespace {

bool IsNameStart(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

std::string HintForUnset(const std::string& name, const NameValues& names) {
  std::vector<std::string> known;
  for (const auto& [key, value] : names) known.push_back(key);
  if (auto nearest = NearestName(name, known)) {
    return fmt::format("--set has '{}'; did you mean that?", *nearest);
  }
  return fmt::format(
      "pass --set {0}=..., set the environment variable {0}, or write ${{{0}:-default}}", name);
}

/// Reads the use that starts with "${" at `begin`.
NameUse ReadUse(std::string_view text, size_t begin, const NameValues& names,
                Environment environment) {
  NameUse use;
  use.begin = begin;
  size_t at = begin + 2;
  if (at < text.size() && IsNameStart(text[at])) {
    while (at < text.size() && IsNamePart(text[at])) ++at;
  }
  const std::string name(text.substr(begin + 2, at - begin - 2));
  const size_t close = text.find('}', at);
  use.end = close == std::string_view::npos ? text.size() : close + 1;
  const bool has_default = text.substr(at, 2) == ":-" && close != std::string_view::npos;
  if (name.empty() || close == std::string_view::npos || (!has_default && close != at)) {
    use.fault = fmt::format("'{}' is not a name to fill in", text.substr(begin, use.end - begin));
    use.hint = "write ${NAME} or ${NAME:-default}; $${ stands for a plain ${";
    return use;
  }
  const char* value = environment == Environment::kRead ? std::getenv(name.c_str()) : nullptr;
  if (const auto found = names.find(name); found != names.end()) {
    use.replacement = found->second;
    use.name = name;
  } else if (value != nullptr) {
    use.replacement = value;
    use.name = name;
  } else if (has_default) {
    use.replacement = text.substr(at + 2, close - at - 2);
  } else {
    use.fault = fmt::format("${{{}}} has no value", name);
    use.hint = HintForUnset(name, names);
  }
  return use;
}

std::string Replace(std::string_view text, const std::vector<NameUse>& uses) {
  std::string result;
  size_t done = 0;
  for (const NameUse& use : uses) {
    if (!use.fault.empty()) continue;
    result.append(text.substr(done, use.begin - done));
    result.append(use.replacement);
    done = use.end;
  }
  result.append(text.substr(done));
  return result;
}

/// The column that byte `column` (from 1) of a line has after the replacements.
int MovedColumn(int column, const std::vector<NameUse>& uses) {
  int moved = column;
  for (const NameUse& use : uses) {
    if (!use.fault.empty() || static_cast<int>(use.end) > column - 1) continue;
    moved += static_cast<int>(use.replacement.size()) - static_cast<int>(use.end - use.begin);
  }
  return moved;
}

}  // namespace

std::vector<NameUse> FindNameUses(std::string_view text, const NameValues& names,
                                  Environment environment) {
  std::vector<NameUse> uses;
  for (size_t at = 0; (at = text.find("${", at)) != std::string_view::npos;) {
    if (at > 0 && text[at - 1] == '$') {
      uses.push_back({at - 1, at + 2, "${", "", ""});
      at += 2;
      continue;
    }
    uses.push_back(ReadUse(text, at, names, environment));
    at = uses.back().end;
  }
  return uses;
}

std::vector<Diagnostic> SubstituteNames(const NameValues& names, Environment environment,
                                        YamlDocument* document, std::vector<std::string>* lines,
                                        NameValues* used) {
  std::vector<std::vector<NameUse>> uses_of_line;
  uses_of_line.reserve(lines->size());
  for (std::string& line : *lines) {
    uses_of_line.push_back(FindNameUses(line, names, environment));
    for (NameUse& use : uses_of_line.back()) {
      std::replace(use.replacement.begin(), use.replacement.end(), '\n', ' ');
    }
  }
  const auto moved = [&](SourcePosition position) {
    const auto line = static_cast<size_t>(position.line - 1);
    if (line < uses_of_line.size()) {
      position.column = MovedColumn(position.column, uses_of_line[line]);
    }
    return position;
  };

  std::vector<Diagnostic> faults;
  for (YamlNode& node : document->nodes) {
    if (node.kind == YamlNode::Kind::kScalar && node.text.find("${") != std::string::npos) {
      const std::vector<NameUse> uses = FindNameUses(node.text, names, environment);
      for (const NameUse& use : uses) {
        if (!use.name.empty()) (*used)[use.name] = use.replacement;
        if (use.fault.empty()) continue;
        node.unresolved = true;
        Diagnostic fault{use.fault, use.hint, node.position, ""};
        // The line of a use in a block or folded scalar is found by looking for its text.
        const std::string written = node.text.substr(use.begin, use.end - use.begin);
        for (auto line = static_cast<size_t>(node.position.line - 1); line < lines->size();
             ++line) {
          const size_t from = fault.position.line == static_cast<int>(line) + 1
                                  ? static_cast<size_t>(std::max(node.position.column - 1, 0))
                                  : 0;
          const size_t found = (*lines)[line].find(written, from);
          if (found == std::string::npos) continue;
          fault.position.line = static_cast<int>(line) + 1;
          fault.position.column = static_cast<int>(found) + 1;
          break;
        }
        fault.position = moved(fault.position);
        faults.push_back(std::move(fault));
      }
      node.text = Replace(node.text, uses);
    }
  }
  for (YamlNode& node : document->nodes) node.position = moved(node.position);
  for (size_t i = 0; i < lines->size(); ++i) {
    (*lines)[i] = Replace((*lines)[i], uses_of_line[i]);
  }
  return faults;
}

}  // namespace tidemill
