#include "pipeline/pipeline_file_reader.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/nearest_name.h"

namespace tidemill {
namespace {

/// Keys that belong to a section of the file, for those who put one into the wrong place.
std::string SectionOf(const std::string& key) {
  static const std::map<std::string, std::string> kSections = {{"day", "source"},
                                                               {"event_time", "source"},
                                                               {"timezone", "source"},
                                                               {"where", "source"},
                                                               {"columns", "source"},
                                                               {"join", "source"},
                                                               {"partition_by", "output"},
                                                               {"mode", "output"},
                                                               {"cluster_by", "output"},
                                                               {"file_size", "output"},
                                                               {"compression", "output"},
                                                               {"max_rows_per_file", "output"},
                                                               {"path", "source or output"},
                                                               {"format", "source or output"}};
  const auto found = kSections.find(key);
  return found == kSections.end() ? "" : found->second;
}

bool Contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

void Faults::Add(const SourcePosition& position, std::string message, std::string hint) {
  Add(Diagnostic{std::move(message), std::move(hint), position, ""});
}

void Faults::Add(Diagnostic diagnostic) {
  const auto line = static_cast<size_t>(diagnostic.position.line - 1);
  if (diagnostic.position.line > 0 && line < lines_.size()) diagnostic.source_line = lines_[line];
  for (const Diagnostic& other : diagnostics_) {
    if (other.message == diagnostic.message && other.position.line == diagnostic.position.line &&
        other.position.column == diagnostic.position.column) {
      return;
    }
  }
  diagnostics_.push_back(std::move(diagnostic));
}

arrow::Status Faults::ToStatus() const {
  if (diagnostics_.empty()) return arrow::Status::OK();
  return MakeError(ErrorCode::kInvalid, diagnostics_);
}

void ReportDuplicateKeys(const YamlDocument& document, Faults* faults) {
  for (const YamlNode& node : document.nodes) {
    std::map<std::string, int> first_line;
    for (const auto& [key, value] : node.entries) {
      if (key->kind != YamlNode::Kind::kScalar) continue;
      const auto [first, is_new] = first_line.emplace(key->text, key->position.line);
      if (!is_new) {
        faults->Add(key->position,
                    fmt::format("'{}' is already given in line {}", key->text, first->second),
                    "keep one of the two");
      }
    }
  }
}

MapReader::MapReader(const YamlNode& map, std::string path, SourcePosition position,
                     std::vector<std::string> keys, Faults* faults)
    : map_(map),
      path_(std::move(path)),
      position_(std::move(position)),
      keys_(std::move(keys)),
      faults_(faults) {
  for (const auto& [key, value] : map_.entries) {
    if (key->unresolved) continue;
    if (key->kind != YamlNode::Kind::kScalar) {
      faults_->Add(key->position, fmt::format("a key must be text, not {}", KindName(*key)));
    } else if (!Contains(keys_, key->text)) {
      std::string where = path_.empty() ? "" : " in " + path_;
      std::string hint = SuggestOne(key->text, keys_, "known keys here: ");
      if (!NearestName(key->text, keys_) && !SectionOf(key->text).empty()) {
        hint = fmt::format("'{}' belongs under {}", key->text, SectionOf(key->text));
      }
      faults_->Add(key->position, fmt::format("unknown key '{}'{}", key->text, where),
                   std::move(hint));
    }
  }
}

const YamlNode* MapReader::Find(const std::string& key) const {
  for (const auto& [name, value] : map_.entries) {
    if (name->kind == YamlNode::Kind::kScalar && name->text == key) return value;
  }
  return nullptr;
}

const YamlNode* MapReader::Require(const std::string& key) const {
  const YamlNode* value = Find(key);
  if (value == nullptr && !HasMisspelled(key)) {
    faults_->Add(position_, fmt::format("{} is missing", NameOf(key)));
  }
  return value;
}

std::optional<LocatedText> MapReader::Text(const std::string& key) const {
  const YamlNode* value = Find(key);
  return value == nullptr ? std::nullopt : ReadText(*value, NameOf(key), faults_);
}

std::optional<LocatedText> MapReader::RequireText(const std::string& key) const {
  return Require(key) == nullptr ? std::nullopt : Text(key);
}

std::optional<std::string> MapReader::Choice(const std::string& key,
                                             const std::vector<std::string>& values) const {
  const std::optional<LocatedText> text = Text(key);
  if (!text) return std::nullopt;
  if (Contains(values, text->text)) return text->text;
  faults_->Add(
      text->position,
      fmt::format("{} is '{}'; it can be {}", NameOf(key), text->text, JoinChoices(values)),
      SuggestOne(text->text, values, ""));
  return std::nullopt;
}

std::vector<LocatedText> MapReader::TextOrList(const std::string& key,
                                               const YamlNode& value) const {
  std::vector<const YamlNode*> nodes;
  if (value.kind == YamlNode::Kind::kList) {
    nodes.assign(value.items.begin(), value.items.end());
    if (nodes.empty())
      faults_->Add(value.position, fmt::format("{} is an empty list", NameOf(key)));
  } else {
    nodes.push_back(&value);
  }
  std::vector<LocatedText> texts;
  std::set<std::string> seen;
  for (const YamlNode* node : nodes) {
    std::optional<LocatedText> text = ReadText(*node, NameOf(key), faults_);
    if (!text) continue;
    if (!seen.insert(text->text).second) {
      faults_->Add(text->position, fmt::format("{} names '{}' twice", NameOf(key), text->text));
      continue;
    }
    texts.push_back(*std::move(text));
  }
  return texts;
}

const YamlNode* MapReader::Map(const std::string& key) const {
  const YamlNode* value = Find(key);
  if (value == nullptr || value->unresolved) return nullptr;
  if (value->kind != YamlNode::Kind::kMap) {
    faults_->Add(value->position, fmt::format("{} must be a mapping of keys, not {}", NameOf(key),
                                              KindName(*value)));
    return nullptr;
  }
  return value;
}

std::string MapReader::NameOf(const std::string& key) const {
  if (path_.empty()) return fmt::format("'{}'", key);
  if (path_.find(' ') != std::string::npos) return fmt::format("'{}' of {}", key, path_);
  return fmt::format("'{}.{}'", path_, key);
}

bool MapReader::HasMisspelled(const std::string& key) const {
  for (const auto& [name, value] : map_.entries) {
    if (name->kind != YamlNode::Kind::kScalar || Contains(keys_, name->text)) continue;
    if (NearestName(name->text, keys_) == key) return true;
  }
  return false;
}

SourcePosition PositionOfKey(const YamlNode& root, const std::string& key) {
  for (const auto& [name, value] : root.entries) {
    if (name->text == key) return name->position;
  }
  return root.position;
}

std::optional<LocatedText> ReadText(const YamlNode& node, const std::string& name, Faults* faults) {
  if (node.unresolved) return std::nullopt;
  if (node.kind == YamlNode::Kind::kNull ||
      (node.kind == YamlNode::Kind::kScalar &&
       node.text.find_first_not_of(" \t\n") == std::string::npos)) {
    faults->Add(node.position, fmt::format("{} is empty", name));
    return std::nullopt;
  }
  if (node.kind != YamlNode::Kind::kScalar) {
    faults->Add(node.position, fmt::format("{} must be text, not {}", name, KindName(node)),
                "put text that starts with [ or { in quotes");
    return std::nullopt;
  }
  return LocatedText{node.text, node.position};
}

std::string SuggestOne(const std::string& written, const std::vector<std::string>& candidates,
                       const std::string& listing) {
  if (auto nearest = NearestName(written, candidates)) {
    return fmt::format("did you mean '{}'?", *nearest);
  }
  return listing.empty() ? "" : listing + fmt::format("{}", fmt::join(candidates, ", "));
}

std::string JoinChoices(const std::vector<std::string>& values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += i + 1 == values.size() ? " or " : ", ";
    text += values[i];
  }
  return text;
}

}  // namespace tidemill
