#include "sql/decimal.h"

#include <algorithm>
#include <charconv>

namespace tidemill {

std::string FormatDecimal(int128_t value, int scale) {
  uint128_t magnitude = value < 0 ? -static_cast<uint128_t>(value) : static_cast<uint128_t>(value);
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(magnitude % 10)));
    magnitude /= 10;
  } while (magnitude != 0);
  if (scale < 0) {
    if (value != 0) digits.insert(0, static_cast<size_t>(-scale), '0');
  } else {
    while (digits.size() <= static_cast<size_t>(scale)) digits.push_back('0');
    if (scale > 0) digits.insert(static_cast<size_t>(scale), 1, '.');
  }
  if (value < 0) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

double DecimalToDouble(int128_t value, int scale) {
  // Both operands are exact, so the quotient is correctly rounded (Clinger's fast path).
  constexpr int128_t kExact = int128_t{1} << 53;
  constexpr int kExactPowers = 22;
  if (value >= -kExact && value <= kExact && scale >= 0 && scale <= kExactPowers) {
    return static_cast<double>(static_cast<int64_t>(value)) /
           static_cast<double>(PowerOfTen(scale));
  }
  const std::string text = FormatDecimal(value, scale);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

}  // namespace tidemill
