#include "sql/like_pattern.h"

#include "sql/kernel.h"
#include "sql/utf8.h"

namespace tidemill {

arrow::Result<LikePattern> LikePattern::Compile(std::string_view pattern, std::string_view escape) {
  if (CountCharacters(escape) > 1) {
    return arrow::Status::Invalid("the escape of a LIKE pattern must be one character, not '",
                                  escape, "'");
  }
  LikePattern compiled;
  compiled.segments_.emplace_back();
  for (size_t at = 0; at < pattern.size();) {
    size_t next = NextCharacter(pattern, at);
    std::string_view character = pattern.substr(at, next - at);
    Segment& segment = compiled.segments_.back();
    if (character == escape) {
      if (next == pattern.size()) {
        return arrow::Status::Invalid("the LIKE pattern '", pattern,
                                      "' must not end with its escape character");
      }
      at = next;
      next = NextCharacter(pattern, at);
      character = pattern.substr(at, next - at);
    } else if (character == "%") {
      compiled.segments_.emplace_back();
      at = next;
      continue;
    } else if (character == "_") {
      segment.parts.emplace_back();
      ++segment.characters;
      at = next;
      continue;
    }
    segment.parts.back() += character;
    ++segment.characters;
    at = next;
  }
  return compiled;
}

arrow::Status LikePattern::FoldCase() {
  for (Segment& segment : segments_) {
    for (std::string& part : segment.parts) {
      ARROW_ASSIGN_OR_RAISE(const Datum lower, CallArrow("utf8_lower", {Datum(part)}));
      part = ScalarValue<std::string_view>(*lower.scalar());
    }
  }
  return arrow::Status::OK();
}

size_t LikePattern::MatchAt(const Segment& segment, std::string_view text, size_t offset) {
  for (size_t i = 0; i < segment.parts.size(); ++i) {
    if (i > 0) {
      if (offset >= text.size()) return std::string_view::npos;
      offset = NextCharacter(text, offset);
    }
    if (!text.substr(offset).starts_with(segment.parts[i])) return std::string_view::npos;
    offset += segment.parts[i].size();
  }
  return offset;
}

size_t LikePattern::FindFrom(const Segment& segment, std::string_view text, size_t offset) {
  if (segment.parts.size() == 1) {
    const size_t found = text.find(segment.parts[0], offset);
    return found == std::string_view::npos ? found : found + segment.parts[0].size();
  }
  for (; offset < text.size(); offset = NextCharacter(text, offset)) {
    const size_t end = MatchAt(segment, text, offset);
    if (end != std::string_view::npos) return end;
  }
  return std::string_view::npos;
}

// The first and the last segment are anchored; each one between is taken where it first fits, which
// leaves the most text for the rest.
bool LikePattern::Matches(std::string_view text) const {
  size_t offset = MatchAt(segments_.front(), text, 0);
  if (segments_.size() == 1) return offset == text.size();
  for (size_t i = 1; i + 1 < segments_.size(); ++i) {
    if (offset == std::string_view::npos) return false;
    offset = FindFrom(segments_[i], text, offset);
  }
  if (offset == std::string_view::npos) return false;
  const Segment& last = segments_.back();
  if (last.parts.size() == 1) return text.substr(offset).ends_with(last.parts[0]);
  const size_t begin = CharacterOffsetFromEnd(text, last.characters);
  return begin >= offset && MatchAt(last, text, begin) == text.size();
}

}  // namespace tidemill
