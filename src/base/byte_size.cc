#include "base/byte_size.h"

#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/int128.h"

namespace tidemill {
namespace {

struct Unit {
  std::string_view name;  // lower case
  int64_t bytes;
};

constexpr int64_t kK = 1000;
constexpr int64_t kKi = 1024;
constexpr std::array<Unit, 14> kUnits = {{
    {"", 1},
    {"b", 1},
    {"k", kK},
    {"kb", kK},
    {"kib", kKi},
    {"m", kK * kK},
    {"mb", kK * kK},
    {"mib", kKi * kKi},
    {"g", kK * kK * kK},
    {"gb", kK * kK * kK},
    {"gib", kKi * kKi * kKi},
    {"t", kK * kK * kK * kK},
    {"tb", kK * kK * kK * kK},
    {"tib", kKi * kKi * kKi * kKi},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<int64_t> ParseByteSize(std::string_view text) {
  // 18 digits of the number times 2^40 fit 128 bits.
  constexpr int kMaxDigits = 18;
  int128_t digits = 0;
  int128_t scale = 1;
  int num_digits = 0;
  size_t at = 0;
  for (; at < text.size() && IsDigit(text[at]); ++at) {
    if (++num_digits > kMaxDigits) return std::nullopt;
    digits = digits * 10 + (text[at] - '0');
  }
  if (num_digits == 0) return std::nullopt;
  const bool has_fraction = at < text.size() && text[at] == '.';
  if (has_fraction) {
    const size_t point = at++;
    for (; at < text.size() && IsDigit(text[at]); ++at) {
      if (++num_digits > kMaxDigits) return std::nullopt;
      digits = digits * 10 + (text[at] - '0');
      scale *= 10;
    }
    if (at == point + 1) return std::nullopt;
  }
  if (at < text.size() && text[at] == ' ') ++at;

  std::string name(text.substr(at));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const Unit& unit : kUnits) {
    if (name != unit.name) continue;
    if (unit.bytes == 1 && has_fraction) return std::nullopt;
    if (name.empty() && text.back() == ' ') return std::nullopt;
    const int128_t bytes = digits * unit.bytes / scale;
    if (bytes > std::numeric_limits<int64_t>::max()) return std::nullopt;
    return static_cast<int64_t>(bytes);
  }
  return std::nullopt;
}

std::string FormatByteSize(int64_t bytes) {
  constexpr std::array<std::string_view, 7> kNames = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double size = static_cast<double>(bytes);
  size_t power = 0;
  // 999.995 would print as 1000.
  while (std::abs(size) >= (power == 0 ? 1000 : 999.995) && power + 1 < kNames.size()) {
    size /= 1000;
    ++power;
  }
  std::string number = fmt::format("{:.2f}", size);
  while (number.back() == '0') number.pop_back();
  if (number.back() == '.') number.pop_back();
  return fmt::format("{} {}", number, kNames[power]);
}

}  // namespace tidemill
