#pragma once

/// The text of an expression as bytes: its tokens, and where they stand in the file.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tidemill/pipeline.h"

namespace tidemill {

/// A token of PostgreSQL's lexer, as coarse as is needed to find words. Comments and blanks are
/// left out.
struct SourceToken {
  enum class Kind {
    kWord,    ///< a keyword or an unquoted identifier
    kQuoted,  ///< a "quoted identifier"
    kString,  ///< a string of any kind
    kOther,   ///< one byte of anything else
  };
  Kind kind;
  int offset;
  int length;
};

/// The tokens of `text`, in order. An unterminated quote or comment ends with the text.
std::vector<SourceToken> TokensOf(std::string_view text);

/// An identifier as it is written at `offset`: its spelling, and whether it is quoted. Nothing if
/// no plain or quoted identifier starts there (a U&"..." one does not count).
struct WrittenIdentifier {
  std::string name;
  bool quoted;
};
std::optional<WrittenIdentifier> IdentifierAt(std::string_view text, int offset);

/// The byte at which the `index`-th character (from 0) of UTF-8 `text` starts; the end of the text
/// beyond it.
int ByteOfCharacter(std::string_view text, int index);

/// The offset of the first byte that is not valid UTF-8 or is NUL; -1 if there is none.
int FirstInvalidByte(std::string_view text);

/// The place of a byte offset of `source` in its file, and the line to show with it. Columns count
/// bytes. Of a text of several lines (a YAML block) the first is where it says, and the others are
/// taken to be indented like it. A text from nowhere (line 0) starts at line 1, column 1.
struct LocatedOffset {
  SourcePosition position;
  std::string line;
};
LocatedOffset Locate(const LocatedText& source, const std::string& source_line, int offset);

/// ASCII letters in lower case, as PostgreSQL folds identifiers.
std::string FoldIdentifier(std::string_view text);

}  // namespace tidemill
