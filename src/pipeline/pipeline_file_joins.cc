#include "pipeline/pipeline_file_joins.h"

#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "pipeline/pipeline_file_version.h"

namespace tidemill {
namespace {

constexpr const char* kJoin = "a join";

/// Columns of a dimension with their names among the events: `a`, `[a, b]`, `{name: a}` or a list
/// that mixes them.
std::vector<JoinColumn> ReadJoinColumns(const YamlNode& value, const std::string& name,
                                        Faults* faults) {
  std::vector<JoinColumn> columns;
  std::vector<const YamlNode*> items = {&value};
  if (value.kind == YamlNode::Kind::kList) {
    items.assign(value.items.begin(), value.items.end());
    if (items.empty()) faults->Add(value.position, fmt::format("{} is an empty list", name));
  }
  for (const YamlNode* item : items) {
    if (item->unresolved) continue;
    if (item->kind != YamlNode::Kind::kMap) {
      if (auto text = ReadText(*item, name, faults)) columns.push_back({*text, *text});
      continue;
    }
    if (item->entries.empty()) faults->Add(item->position, fmt::format("{} is empty", name));
    for (const auto& [key, column] : item->entries) {
      auto mine = ReadText(*key, fmt::format("a name in {}", name), faults);
      if (!mine) continue;
      auto theirs = ReadText(*column, fmt::format("'{}' in {}", mine->text, name), faults);
      if (theirs) columns.push_back({*std::move(mine), *std::move(theirs)});
    }
  }
  std::set<std::string> seen;
  for (const JoinColumn& column : columns) {
    if (seen.insert(column.name.text).second) continue;
    faults->Add(column.name.position, fmt::format("{} names '{}' twice", name, column.name.text));
  }
  return columns;
}

JoinSpec ReadJoin(const YamlNode& node, Faults* faults) {
  JoinSpec spec;
  const MapReader join(
      node, kJoin, node.position,
      {"path", "format", "version", "timestamp", "key", "columns", "type", "as_of", "day"}, faults);
  if (auto path = join.RequireText("path")) spec.path = *path;
  if (auto format = join.Choice("format", {"parquet", "delta"})) spec.format = *format;
  ReadTableVersion(join, "join", &spec, faults);
  if (const YamlNode* key = join.Require("key")) {
    spec.key = ReadJoinColumns(*key, join.NameOf("key"), faults);
  }
  if (const YamlNode* columns = join.Find("columns");
      columns != nullptr && columns->kind != YamlNode::Kind::kNull) {
    spec.columns = ReadJoinColumns(*columns, join.NameOf("columns"), faults);
  }
  const auto type = join.Choice("type", {"left", "inner"});
  spec.is_inner = type && *type == "inner";
  if (join.Find("columns") == nullptr && !spec.is_inner) {
    faults->Add(node.position, "the join adds no columns",
                "list them in 'columns', or keep only the events with a match: type: inner");
  }
  const auto as_of = join.Choice("as_of", {"day"});
  spec.is_dated = as_of.has_value();
  spec.day = join.Text("day");
  if (spec.day && join.Find("as_of") == nullptr) {
    faults->Add(spec.day->position, "'day' of a join needs 'as_of: day'",
                "without it every event sees the same rows of the dimension");
  }
  return spec;
}

}  // namespace

std::vector<JoinSpec> ReadJoins(const YamlNode& value, Faults* faults) {
  std::vector<JoinSpec> joins;
  if (value.unresolved || value.kind == YamlNode::Kind::kNull) return joins;
  std::vector<const YamlNode*> items = {&value};
  if (value.kind == YamlNode::Kind::kList) items.assign(value.items.begin(), value.items.end());
  for (const YamlNode* item : items) {
    if (item->unresolved) continue;
    if (item->kind != YamlNode::Kind::kMap) {
      faults->Add(item->position,
                  fmt::format("a join must be a mapping of keys, not {}", KindName(*item)),
                  "write: - {path: ../data/users, key: user_id, columns: [country]}");
      continue;
    }
    joins.push_back(ReadJoin(*item, faults));
  }
  return joins;
}

}  // namespace tidemill
