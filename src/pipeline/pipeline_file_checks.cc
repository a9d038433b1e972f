#include "pipeline/pipeline_file_checks.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace tidemill {
namespace {

std::optional<Severity> ReadSeverity(const MapReader& map) {
  const auto severity = map.Choice("severity", {"error", "warn"});
  if (!severity) return std::nullopt;
  return *severity == "warn" ? Severity::kWarn : Severity::kError;
}

bool ReadFlag(const MapReader& map, const std::string& key) {
  return map.Choice(key, {"true", "false"}) == "true";
}

/// A share of rows, 0 to 1.
std::optional<double> ReadRate(const MapReader& map, Faults* faults) {
  const auto text = map.Text("max_rate");
  if (!text) return std::nullopt;
  double rate = 0;
  const char* end = text->text.data() + text->text.size();
  const auto [rest, error] = std::from_chars(text->text.data(), end, rate);
  if (error == std::errc() && rest == end && rate >= 0 && rate <= 1) return rate;
  faults->Add(
      text->position,
      fmt::format("{} is '{}', which is not a share of rows", map.NameOf("max_rate"), text->text),
      "write a number from 0 to 1: 0.001 is one row in a thousand");
  return std::nullopt;
}

class CheckSectionReader {
 public:
  CheckSectionReader(const MapReader& checks, Faults* faults) : checks_(checks), faults_(faults) {}

  std::vector<CheckSpec> Checks(const std::string& stage) {
    std::vector<CheckSpec> specs;
    const YamlNode* list = List(stage, "checks", "check");
    if (list == nullptr) return specs;
    for (const YamlNode* item : list->items) {
      CheckSpec spec;
      if (item->kind == YamlNode::Kind::kMap) {
        std::vector<std::string> keys = {"check", "severity"};
        if (stage == "input") keys.insert(keys.end(), {"quarantine", "max_rate"});
        const MapReader check(*item, fmt::format("an {} check", stage), item->position,
                              std::move(keys), faults_);
        spec.severity = ReadSeverity(check).value_or(Severity::kError);
        if (stage == "input") ReadRule(check, &spec);
        auto text = check.RequireText("check");
        if (!text) continue;
        spec.check = *std::move(text);
      } else {
        auto text = ReadText(*item, fmt::format("an {} check", stage), faults_);
        if (!text) continue;
        spec.check = *std::move(text);
      }
      specs.push_back(std::move(spec));
    }
    return specs;
  }

  std::vector<RowRuleSpec> Rules() {
    std::vector<RowRuleSpec> specs;
    const YamlNode* list = List("rows", "rules", "rule");
    if (list == nullptr) return specs;
    for (const YamlNode* item : list->items) {
      RowRuleSpec spec;
      if (item->kind == YamlNode::Kind::kMap) {
        const MapReader rule(*item, "a row rule", item->position,
                             {"rule", "name", "quarantine", "max_rate", "severity"}, faults_);
        if (auto name = rule.Text("name")) spec.name = name->text;
        spec.quarantine = ReadFlag(rule, "quarantine");
        spec.max_rate = ReadRate(rule, faults_);
        spec.severity = ReadSeverity(rule).value_or(Severity::kError);
        auto text = rule.RequireText("rule");
        if (!text) continue;
        spec.rule = *std::move(text);
      } else {
        auto text = ReadText(*item, "a row rule", faults_);
        if (!text) continue;
        spec.rule = *std::move(text);
      }
      specs.push_back(std::move(spec));
    }
    return specs;
  }

 private:
  /// The list below a key; null if there is none, or something else (a fault).
  const YamlNode* List(const std::string& key, const std::string& many, const std::string& one) {
    const YamlNode* list = checks_.Find(key);
    if (list == nullptr || list->unresolved || list->kind == YamlNode::Kind::kNull) return nullptr;
    if (list->kind == YamlNode::Kind::kList) return list;
    faults_->Add(
        list->position,
        fmt::format("{} must be a list of {}, not {}", checks_.NameOf(key), many, KindName(*list)),
        fmt::format("start each {} with '- '", one));
    return nullptr;
  }

  void ReadRule(const MapReader& check, CheckSpec* spec) {
    spec->quarantine = ReadFlag(check, "quarantine");
    spec->max_rate = ReadRate(check, faults_);
    const YamlNode* rate = check.Find("max_rate");
    if (rate == nullptr || spec->quarantine) return;
    faults_->Add(rate->position, "'max_rate' of an input check needs 'quarantine: true'",
                 "a rule that tolerates some rows and leaves them in goes below checks.rows");
  }

  const MapReader& checks_;
  Faults* faults_;
};

}  // namespace

void ReadChecks(const YamlNode& root, const MapReader& top, Pipeline* pipeline, Faults* faults) {
  const YamlNode* value = top.Find("checks");
  if (value == nullptr || value->kind == YamlNode::Kind::kNull) return;
  const YamlNode* node = top.Map("checks");
  if (node == nullptr) return;
  const MapReader checks(*node, "checks", PositionOfKey(root, "checks"),
                         {"rows", "input", "output"}, faults);
  CheckSectionReader reader(checks, faults);
  pipeline->row_rules = reader.Rules();
  pipeline->input_checks = reader.Checks("input");
  pipeline->output_checks = reader.Checks("output");
}

}  // namespace tidemill
