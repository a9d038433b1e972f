#pragma once

/// LIKE patterns: % is any text, _ any one character, an escape character makes either itself.

#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

namespace tidemill {

class LikePattern {
 public:
  /// `escape` is one character, or empty for none. Errors: a longer escape, a pattern that ends
  /// with it.
  static arrow::Result<LikePattern> Compile(std::string_view pattern, std::string_view escape);

  /// Puts the literal text in lower case, for matching text that is in lower case.
  arrow::Status FoldCase();

  bool Matches(std::string_view text) const;

 private:
  /// What stands between two %: literal text with an any-character between each two parts.
  struct Segment {
    std::vector<std::string> parts = {""};
    int64_t characters = 0;
  };

  /// Where `segment` ends if it matches at `offset`, else npos.
  static size_t MatchAt(const Segment& segment, std::string_view text, size_t offset);
  /// Where the first match of `segment` at or after `offset` ends, else npos.
  static size_t FindFrom(const Segment& segment, std::string_view text, size_t offset);

  std::vector<Segment> segments_;
};

}  // namespace tidemill
