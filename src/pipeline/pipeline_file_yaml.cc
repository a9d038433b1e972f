#include "pipeline/pipeline_file_yaml.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace tidemill {
namespace {

/// Bytes of the UTF-8 character at the start of `text`; 0 if it is none (overlong forms and
/// surrogates included).
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const auto follows = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (!follows(1) || !follows(2)) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) > 0x9f) return 0;
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;
    if (lead == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::vector<std::string>& lines, std::string file, YamlDocument* document)
      : lines_(lines), file_(std::move(file)), document_(document) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode* node = NewNode(YamlNode::Kind::kNull, anchor);
    node->position = PositionOfNull(mark);
    Attach(node);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found != anchors_.end()) {
      Attach(found->second);
    } else {
      OnNull(mark, YAML::NullAnchor);
    }
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode* node = NewNode(YamlNode::Kind::kScalar, anchor);
    node->text = value;
    node->position = PositionOf(mark);
    const char first = CharacterAt(node->position);
    if (tag == "?" || (first != '"' && first != '\'' && first != '|' && first != '>')) {
      node->style = YamlNode::Style::kPlain;
    } else if (first == '"' || first == '\'') {
      node->style = YamlNode::Style::kQuoted;
      ++node->position.column;
    } else {
      node->style = YamlNode::Style::kBlock;
      node->position = FirstLineOfBlock(node->position);
      while (!node->text.empty() && node->text.back() == '\n') node->text.pop_back();
    }
    Attach(node);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct OpenNode {
    YamlNode* node;
    YamlNode* key;  ///< read, and waiting for its value
  };

  YamlNode* NewNode(YamlNode::Kind kind, YAML::anchor_t anchor) {
    YamlNode* node = &document_->nodes.emplace_back();
    node->kind = kind;
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    return node;
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    YamlNode* node = NewNode(kind, anchor);
    node->position = PositionOf(mark);
    Attach(node);
    open_.push_back({node, nullptr});
  }

  void Attach(YamlNode* node) {
    if (open_.empty()) {
      document_->root = node;
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node->kind == YamlNode::Kind::kList) {
      parent.node->items.push_back(node);
    } else if (parent.key == nullptr) {
      parent.key = node;
    } else {
      parent.node->entries.emplace_back(parent.key, node);
      parent.key = nullptr;
    }
  }

  char CharacterAt(const SourcePosition& position) const {
    const auto line = static_cast<size_t>(position.line - 1);
    const auto column = static_cast<size_t>(position.column - 1);
    if (line >= lines_.size() || column >= lines_[line].size()) return '\0';
    return lines_[line][column];
  }

  /// The parser marks a node where its anchor or tag starts; its text stands behind those.
  SourcePosition PositionOf(const YAML::Mark& mark) const {
    SourcePosition position{file_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
    while (CharacterAt(position) == '&' || CharacterAt(position) == '!') {
      const SourcePosition before = position;
      while (CharacterAt(position) != ' ' && CharacterAt(position) != '\0') ++position.column;
      while (CharacterAt(position) == ' ') ++position.column;
      if (CharacterAt(position) == '\0') return before;
    }
    return position;
  }

  /// Where nothing is written, the parser's mark is that of whatever comes next. An empty value is
  /// better reported at its key, an empty item of a block list at its dash.
  SourcePosition PositionOfNull(const YAML::Mark& mark) const {
    const SourcePosition position = PositionOf(mark);
    if (open_.empty()) return position;
    if (open_.back().key != nullptr) return open_.back().key->position;
    const char next = CharacterAt(position);
    if (next == ',' || next == ']') return position;
    const size_t below = std::min(static_cast<size_t>(position.line), lines_.size());
    for (size_t line = below; line-- > 0;) {
      const size_t last = lines_[line].find_last_not_of(" \t");
      if (last != std::string::npos && lines_[line][last] == '-') {
        return {file_, static_cast<int>(line) + 1, static_cast<int>(last) + 1};
      }
    }
    return position;
  }

  /// The line below a block's header, at the indentation of the block's text.
  SourcePosition FirstLineOfBlock(SourcePosition header) const {
    SourcePosition position = header;
    ++position.line;
    for (auto line = static_cast<size_t>(header.line); line < lines_.size(); ++line) {
      const size_t indent = lines_[line].find_first_not_of(' ');
      if (indent == std::string::npos) continue;
      position.column = static_cast<int>(indent) + 1;
      break;
    }
    return position;
  }

  const std::vector<std::string>& lines_;
  std::string file_;
  YamlDocument* document_;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, YamlNode*> anchors_;
};

/// What often lies behind a YAML error on this line.
std::string HintFor(const std::string& line, const std::string& problem) {
  if (line.find("${") != std::string::npos && line.find('{') < line.find("${") + 1) {
    return "inside { } or [ ], put ${...} in quotes: \"${NAME}\"";
  }
  if (problem == YAML::ErrorMsg::MAP_VALUE) {
    return "put text that holds ': ' in quotes, and give each key its own line";
  }
  if (problem == YAML::ErrorMsg::UNKNOWN_ANCHOR || problem == YAML::ErrorMsg::UNKNOWN_TOKEN ||
      problem == YAML::ErrorMsg::END_OF_MAP) {
    return "put text that starts with a quote or with one of * & ! % @ ` in quotes as a whole";
  }
  return "";
}

arrow::Status YamlError(const std::vector<std::string>& lines, const std::string& file,
                        const YAML::Mark& mark, const std::string& problem) {
  Diagnostic diagnostic;
  diagnostic.message = "this is not valid YAML: " + problem;
  diagnostic.position.file = file;
  if (!mark.is_null()) {
    diagnostic.position.line = mark.line + 1;
    diagnostic.position.column = mark.column + 1;
    const auto line = static_cast<size_t>(mark.line);
    if (line < lines.size()) {
      diagnostic.source_line = lines[line];
      const size_t tab = lines[line].substr(0, lines[line].find_first_not_of(" \t")).find('\t');
      if (tab != std::string::npos) {
        diagnostic.message = "this line is indented with a tab";
        diagnostic.hint = "indent with spaces; YAML does not take tabs there";
        diagnostic.position.column = static_cast<int>(tab) + 1;
      } else {
        diagnostic.hint = HintFor(lines[line], problem);
      }
    }
  }
  return MakeError(ErrorCode::kInvalid, std::vector<Diagnostic>{std::move(diagnostic)});
}

}  // namespace

std::string KindName(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "text";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a mapping";
  }
  return "";
}

arrow::Result<std::string> CleanText(std::string text, const std::string& file) {
  std::string_view rest = text;
  if (rest.substr(0, 3) == "\xEF\xBB\xBF") rest.remove_prefix(3);
  std::string clean;
  clean.reserve(rest.size());
  SourcePosition position{file, 1, 1};
  while (!rest.empty()) {
    const size_t length = CharacterLength(rest);
    const auto byte = static_cast<uint8_t>(rest.front());
    if (length == 0) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("the file is not UTF-8 text: byte 0x{:02X}", byte),
                       "save it as UTF-8; a pipeline file is YAML text", position);
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("the file holds a control character, 0x{:02X}", byte),
                       "a pipeline file is YAML text", position);
    }
    if (byte == '\r') {
      if (rest.size() < 2 || rest[1] != '\n') clean += '\n';
    } else {
      clean.append(rest.substr(0, length));
    }
    rest.remove_prefix(length);
    position.column += static_cast<int>(length);
    if (clean.size() > 0 && clean.back() == '\n' && byte != '\r') {
      ++position.line;
      position.column = 1;
    }
  }
  return clean;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

arrow::Result<YamlDocument> ParseYaml(const std::string& text, const std::string& file) {
  const std::vector<std::string> lines = SplitLines(text);
  YamlDocument document;
  TreeBuilder builder(lines, file, &document);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder) && parser) {
      return MakeError(ErrorCode::kInvalid, "the file holds more than one YAML document",
                       "keep one pipeline per file, without a '---' between parts", {file, 0, 0});
    }
  } catch (const YAML::Exception& e) {
    return YamlError(lines, file, e.mark, e.msg);
  }
  return document;
}

}  // namespace tidemill
