#pragma once

/// Characters of valid UTF-8 text. On invalid text the results are unspecified, but within the
/// text.

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace tidemill {

inline bool IsCharacterStart(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

inline int64_t CountCharacters(std::string_view text) {
  int64_t count = 0;
  for (const char byte : text) count += IsCharacterStart(byte) ? 1 : 0;
  return count;
}

/// The offset of the character that follows the one at `offset` (the size of the text at its end).
inline size_t NextCharacter(std::string_view text, size_t offset) {
  if (offset < text.size()) ++offset;
  while (offset < text.size() && !IsCharacterStart(text[offset])) ++offset;
  return offset;
}

/// The offset of the character before `offset` (0 at the beginning).
inline size_t PreviousCharacter(std::string_view text, size_t offset) {
  if (offset > 0) --offset;
  while (offset > 0 && !IsCharacterStart(text[offset])) --offset;
  return offset;
}

/// The offset of character number `count`, from 0; the size of the text if it has no more than
/// that.
inline size_t CharacterOffset(std::string_view text, int64_t count) {
  if (count >= static_cast<int64_t>(text.size())) return text.size();
  size_t offset = 0;
  for (; count > 0 && offset < text.size(); --count) offset = NextCharacter(text, offset);
  return offset;
}

/// The offset of the character that stands `count` before the end; 0 if there are not as many.
inline size_t CharacterOffsetFromEnd(std::string_view text, int64_t count) {
  if (count >= static_cast<int64_t>(text.size())) return 0;
  size_t offset = text.size();
  for (; count > 0 && offset > 0; --count) offset = PreviousCharacter(text, offset);
  return offset;
}

}  // namespace tidemill
