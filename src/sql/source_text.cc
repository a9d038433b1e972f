#include "sql/source_text.h"

#include <algorithm>

#include <arrow/util/utf8.h>

namespace tidemill {
namespace {

bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c) || c == '$'; }

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u; }

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<SourceToken> Scan() {
    while (at_ < text_.size()) {
      if (IsBlank(text_[at_])) {
        ++at_;
      } else if (StartsWith("--")) {
        at_ = std::min(text_.find_first_of("\n\r", at_), text_.size());
      } else if (StartsWith("/*")) {
        SkipBlockComment();
      } else {
        const size_t begin = at_;
        const SourceToken::Kind kind = TakeToken();
        tokens_.push_back({kind, static_cast<int>(begin), static_cast<int>(at_ - begin)});
      }
    }
    return std::move(tokens_);
  }

 private:
  bool StartsWith(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }

  void SkipBlockComment() {
    int depth = 0;
    do {
      if (StartsWith("/*")) {
        ++depth;
        at_ += 2;
      } else if (StartsWith("*/")) {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0 && at_ < text_.size());
  }

  SourceToken::Kind TakeToken() {
    const char c = text_[at_];
    if (c == '\'') {
      TakeQuoted('\'', /*backslashes=*/false);
      return SourceToken::Kind::kString;
    }
    if (c == '"') {
      TakeQuoted('"', /*backslashes=*/false);
      return SourceToken::Kind::kQuoted;
    }
    if ((c == 'e' || c == 'E') && text_.substr(at_ + 1).starts_with('\'')) {
      ++at_;
      TakeQuoted('\'', /*backslashes=*/true);
      return SourceToken::Kind::kString;
    }
    if (IsWordStart(c)) {
      while (at_ < text_.size() && IsWordPart(text_[at_])) ++at_;
      return SourceToken::Kind::kWord;
    }
    if (c == '$' && TakeDollarQuoted()) return SourceToken::Kind::kString;
    ++at_;
    return SourceToken::Kind::kOther;
  }

  void TakeQuoted(char quote, bool backslashes) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (backslashes && c == '\\' && at_ < text_.size()) {
        ++at_;
      } else if (c == quote) {
        if (at_ < text_.size() && text_[at_] == quote) {
          ++at_;
        } else {
          return;
        }
      }
    }
  }

  bool TakeDollarQuoted() {
    size_t end = at_ + 1;
    while (end < text_.size() && IsWordPart(text_[end]) && text_[end] != '$') ++end;
    if (end >= text_.size() || text_[end] != '$' || IsDigit(text_[at_ + 1])) return false;
    const std::string_view tag = text_.substr(at_, end - at_ + 1);
    const size_t close = text_.find(tag, end + 1);
    at_ = close == std::string_view::npos ? text_.size() : close + tag.size();
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<SourceToken> tokens_;
};

}  // namespace

std::vector<SourceToken> TokensOf(std::string_view text) { return Scanner(text).Scan(); }

std::optional<WrittenIdentifier> IdentifierAt(std::string_view text, int offset) {
  if (offset < 0 || static_cast<size_t>(offset) >= text.size()) return std::nullopt;
  size_t at = static_cast<size_t>(offset);
  if (text[at] == '"') {
    std::string name;
    for (++at; at < text.size(); ++at) {
      if (text[at] == '"') {
        if (!text.substr(at + 1).starts_with('"')) return WrittenIdentifier{std::move(name), true};
        ++at;
      }
      name += text[at];
    }
    return std::nullopt;
  }
  if (!IsWordStart(text[at])) return std::nullopt;
  if ((text[at] == 'u' || text[at] == 'U') && text.substr(at + 1).starts_with("&\"")) {
    return std::nullopt;
  }
  size_t end = at;
  while (end < text.size() && IsWordPart(text[end])) ++end;
  return WrittenIdentifier{std::string(text.substr(at, end - at)), false};
}

int ByteOfCharacter(std::string_view text, int index) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!IsContinuation(text[at]) && index-- <= 0) break;
  }
  return static_cast<int>(at);
}

int FirstInvalidByte(std::string_view text) {
  arrow::util::InitializeUTF8();
  for (size_t at = 0; at < text.size();) {
    size_t next = at + 1;
    while (next < text.size() && next < at + 4 && IsContinuation(text[next])) ++next;
    const std::string_view character = text.substr(at, next - at);
    if (character[0] == '\0' || !arrow::util::ValidateUTF8(character)) return static_cast<int>(at);
    at = next;
  }
  return -1;
}

LocatedOffset Locate(const LocatedText& source, const std::string& source_line, int offset) {
  const std::string_view text = source.text;
  const size_t at = std::min(static_cast<size_t>(std::max(offset, 0)), text.size());
  const bool is_located = source.position.line > 0;
  LocatedOffset located;
  located.position = source.position;
  if (!is_located) {
    located.position.line = 1;
    located.position.column = 1;
  }
  const int first_column = std::max(located.position.column, 1);

  const size_t last_newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  const bool on_first_line = last_newline == std::string_view::npos;
  const size_t line_begin = on_first_line ? 0 : last_newline + 1;
  const size_t line_end = std::min(text.find('\n', at), text.size());
  located.position.line += static_cast<int>(std::count(text.begin(), text.begin() + at, '\n'));
  located.position.column = first_column + static_cast<int>(at - line_begin);
  if (on_first_line && !source_line.empty()) {
    located.line = source_line;
  } else {
    located.line = std::string(static_cast<size_t>(first_column - 1), ' ') +
                   std::string(text.substr(line_begin, line_end - line_begin));
  }
  return located;
}

std::string FoldIdentifier(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace tidemill
