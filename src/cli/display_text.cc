#include "cli/display_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace tidemill {
namespace {

struct Character {
  uint32_t code_point;
  size_t size;  ///< bytes
};

/// The first character of `text`; a byte that starts none counts as one of its own.
Character FirstCharacter(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text.front());
  const size_t size = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size == 1 || text.size() < size) return {lead, 1};
  uint32_t code_point = lead & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return {lead, 1};
    code_point = code_point << 6 | (byte & 0x3fu);
  }
  return {code_point, size};
}

template <size_t n>
bool IsIn(const std::pair<uint32_t, uint32_t> (&ranges)[n], uint32_t code_point) {
  return std::any_of(std::begin(ranges), std::end(ranges), [&](const auto& range) {
    return range.first <= code_point && code_point <= range.second;
  });
}

int CellsOf(uint32_t code_point) {
  static constexpr std::pair<uint32_t, uint32_t> kWide[] = {
      {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
      {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
      {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
  };
  static constexpr std::pair<uint32_t, uint32_t> kCombining[] = {
      {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x1ab0, 0x1aff},
      {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
  };
  if (code_point < 0x300) return 1;
  if (IsIn(kCombining, code_point)) return 0;
  return IsIn(kWide, code_point) ? 2 : 1;
}

std::string Blanks(int count) { return std::string(static_cast<size_t>(std::max(count, 0)), ' '); }

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    width += CellsOf(character.code_point);
    text.remove_prefix(character.size);
  }
  return width;
}

std::string Cut(std::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width < 1) return "";
  std::string cut;
  int used = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    const int cells = CellsOf(character.code_point);
    if (used + cells > width - 1) break;
    cut.append(text.substr(0, character.size));
    used += cells;
    text.remove_prefix(character.size);
  }
  return cut + "…";
}

std::string PadRight(std::string_view text, int width) {
  return std::string(text) + Blanks(width - DisplayWidth(text));
}

std::string PadLeft(std::string_view text, int width) {
  return Blanks(width - DisplayWidth(text)) + std::string(text);
}

std::string Wrap(std::string_view text, int width, int indent) {
  std::string wrapped;
  int used = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const int cells = DisplayWidth(word);
    if (used > 0 && indent + used + 1 + cells > width) {
      wrapped += "\n" + Blanks(indent);
      used = 0;
    } else if (used > 0) {
      wrapped += ' ';
      ++used;
    }
    wrapped.append(word);
    used += cells;
  }
  return wrapped;
}

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    const uint32_t c = character.code_point;
    if (c == '\n') {
      printable += "\\n";
    } else if (c == '\t') {
      printable += "\\t";
    } else if (c == '\r') {
      printable += "\\r";
    } else if (c < 0x20 || c == 0x7f || (character.size == 1 && c >= 0x80)) {
      printable += fmt::format("\\x{:02x}", c);
    } else if (c >= 0x80 && c < 0xa0) {
      printable += fmt::format("\\u{:04x}", c);
    } else {
      printable.append(text.substr(0, character.size));
    }
    text.remove_prefix(character.size);
  }
  return printable;
}

std::string FormatCount(int64_t count) {
  std::string digits = fmt::format("{}", count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string FormatCount(int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", FormatCount(count), count == 1 ? one : many);
}

std::string FormatShort(double number) {
  constexpr const char* kUnits[] = {"", " k", " M", " G", " T"};
  size_t unit = 0;
  while (std::abs(number) >= 999.5 && unit + 1 < std::size(kUnits)) {
    number /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || std::abs(number) >= 99.95 ? 0 : 1;
  return fmt::format("{:.{}f}{}", number, decimals, kUnits[unit]);
}

std::string FormatSeconds(double seconds) {
  if (seconds >= 60) {
    const auto whole = static_cast<int64_t>(std::llround(seconds));
    if (whole >= 3600) return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
    return fmt::format("{} min {} s", whole / 60, whole % 60);
  }
  return fmt::format("{:.{}f} s", seconds, seconds < 0.01 ? 3 : 2);
}

}  // namespace tidemill
