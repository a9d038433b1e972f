#include "pipeline/pipeline_file_features.h"

#include <algorithm>
#include <map>
#include <string>

#include <fmt/format.h>

#include "pipeline/pipeline_file_terms.h"

namespace tidemill {
namespace {

/// A YAML string 'none' as the SQL literal 'none'; the position stays that of its quote.
LocatedText SqlLiteral(const YamlNode& node) {
  LocatedText literal{"'", node.position};
  for (const char c : node.text) {
    literal.text += c;
    if (c == '\'') literal.text += c;
  }
  literal.text += '\'';
  --literal.position.column;
  return literal;
}

std::optional<LocatedText> ReadDefault(const YamlNode& node, const std::string& name,
                                       Faults* faults) {
  if (node.kind == YamlNode::Kind::kNull || node.unresolved) return std::nullopt;
  if (node.kind == YamlNode::Kind::kScalar && node.style == YamlNode::Style::kQuoted) {
    return SqlLiteral(node);
  }
  return ReadText(node, name, faults);
}

/// The windows of a long form; empty if it has none of its own.
std::vector<WindowLength> ReadWindows(const MapReader& form, const LocatedText& name, Grain grain,
                                      Faults* faults) {
  std::vector<WindowLength> windows;
  const YamlNode* list = form.Find("windows");
  if (list == nullptr || list->unresolved) return windows;
  if (form.Find("window") != nullptr) {
    faults->Add(name.position,
                fmt::format("feature '{}' has both 'window' and 'windows'", name.text),
                "'window' keeps the name, 'windows' makes one feature of each");
  }
  if (list->kind != YamlNode::Kind::kList) {
    faults->Add(list->position,
                fmt::format("{} must be a list, not {}", form.NameOf("windows"), KindName(*list)),
                "write windows: [1d, 7d]");
    return windows;
  }
  for (const LocatedText& text : form.TextOrList("windows", *list)) {
    const auto window = ReadWindow(text, form.NameOf("windows"), grain, faults);
    if (!window) continue;
    if (std::find(windows.begin(), windows.end(), *window) != windows.end()) {
      faults->Add(text.position,
                  fmt::format("{} names {} twice", form.NameOf("windows"), window->ToString()));
    } else {
      windows.push_back(*window);
    }
  }
  return windows;
}

std::vector<FeatureSpec> ReadLongForm(const LocatedText& name, const YamlNode& node, Grain grain,
                                      Faults* faults) {
  const MapReader form(node, fmt::format("feature '{}'", name.text), name.position,
                       {"expr", "window", "windows", "default", "description"}, faults);
  FeatureSpec feature;
  feature.name = name;
  const std::optional<LocatedText> expr = form.RequireText("expr");
  if (expr) feature.expr = *expr;
  if (auto window = form.Text("window")) {
    feature.window = ReadWindow(*window, form.NameOf("window"), grain, faults);
  }
  if (const YamlNode* value = form.Find("default")) {
    feature.default_value = ReadDefault(*value, form.NameOf("default"), faults);
  }
  if (const YamlNode* text = form.Find("description");
      text != nullptr && text->kind != YamlNode::Kind::kNull) {
    form.Text("description");
  }
  const std::vector<WindowLength> windows = ReadWindows(form, name, grain, faults);

  std::vector<FeatureSpec> features;
  if (form.Find("windows") == nullptr) {
    features.push_back(std::move(feature));
  }
  for (const WindowLength& window : windows) {
    FeatureSpec one = feature;
    one.name.text += "_" + window.ToString();
    one.window = window;
    features.push_back(std::move(one));
  }
  return features;
}

}  // namespace

std::vector<FeatureSpec> ReadFeatures(const YamlNode& features, Grain grain, Faults* faults) {
  std::vector<FeatureSpec> specs;
  if (features.unresolved) return specs;
  if (features.kind == YamlNode::Kind::kNull ||
      (features.kind == YamlNode::Kind::kMap && features.entries.empty())) {
    faults->Add(features.position, "'features' is empty",
                "write one feature a line: events: count(*)");
    return specs;
  }
  if (features.kind != YamlNode::Kind::kMap) {
    faults->Add(
        features.position,
        fmt::format("'features' must map names to expressions, not be {}", KindName(features)),
        "write one feature a line, without '- ': events: count(*)");
    return specs;
  }
  struct FirstUse {
    std::string key;
    int line;
  };
  std::map<std::string, FirstUse> first_uses;
  for (const auto& [key, value] : features.entries) {
    auto name = ReadText(*key, "the name of a feature", faults);
    if (!name || value->unresolved) continue;
    std::vector<FeatureSpec> expanded;
    if (value->kind == YamlNode::Kind::kMap) {
      expanded = ReadLongForm(*name, *value, grain, faults);
    } else if (auto expr = ReadText(*value, fmt::format("feature '{}'", name->text), faults)) {
      FeatureSpec feature;
      feature.name = *name;
      feature.expr = *std::move(expr);
      expanded.push_back(std::move(feature));
    }
    for (FeatureSpec& feature : expanded) {
      const std::string full_name = feature.name.text;
      const auto [first, is_new] =
          first_uses.emplace(full_name, FirstUse{key->text, key->position.line});
      if (is_new) {
        specs.push_back(std::move(feature));
      } else if (first->second.key != key->text) {  // else the key itself stands twice
        faults->Add(key->position, fmt::format("there are two features named '{}'", full_name),
                    fmt::format("the other one comes from '{}' in line {}", first->second.key,
                                first->second.line));
      }
    }
  }
  return specs;
}

}  // namespace tidemill
