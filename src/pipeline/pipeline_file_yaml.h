#pragma once

/// YAML text as a tree in which every node knows its place, and in which nothing is lost: keys that
/// appear twice are both there, and a quoted scalar can be told from a plain one.

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "tidemill/error.h"

namespace tidemill {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  enum class Style { kPlain, kQuoted, kBlock };

  Kind kind = Kind::kNull;
  Style style = Style::kPlain;  ///< kScalar
  std::string text;             ///< kScalar: quotes and block indentation removed
  /// Of the first character of a scalar's text (after the quote, in a block the first line below
  /// its header), of the first key or item of a map or list.
  SourcePosition position;
  /// A scalar whose ${NAME} could not be filled in: reported already, so nothing else is said
  /// about it.
  bool unresolved = false;
  std::vector<YamlNode*> items;                          ///< kList
  std::vector<std::pair<YamlNode*, YamlNode*>> entries;  ///< kMap, in file order
};

/// "text", "a list", "a mapping", "nothing": for messages.
std::string KindName(const YamlNode& node);

/// A document and the nodes that it owns. An aliased node stands in several places of the tree.
struct YamlDocument {
  std::deque<YamlNode> nodes;
  YamlNode* root = nullptr;  ///< null for a file without content
};

/// `text` without a byte order mark and with '\n' as its only line end. An error (kInvalid) with
/// its place for bytes that are not UTF-8 and for control characters.
arrow::Result<std::string> CleanText(std::string text, const std::string& file);

/// The lines of a text, without line ends.
std::vector<std::string> SplitLines(std::string_view text);

/// Parses one document of clean text. An error (kInvalid) for text that is not YAML or holds more
/// than one document.
arrow::Result<YamlDocument> ParseYaml(const std::string& text, const std::string& file);

}  // namespace tidemill
