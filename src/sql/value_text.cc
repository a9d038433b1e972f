#include "sql/value_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "sql/civil.h"
#include "sql/clock.h"
#include "sql/decimal.h"

namespace tidemill {

namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  text = Trim(text);
  if (text.size() > 1 && text[0] == '+' && IsDigit(text[1])) text.remove_prefix(1);
  T value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Takes `count` digits off the front of `text`.
bool TakeDigits(std::string_view* text, size_t count, int32_t* value) {
  if (text->size() < count) return false;
  *value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!IsDigit((*text)[i])) return false;
    *value = *value * 10 + ((*text)[i] - '0');
  }
  text->remove_prefix(count);
  return true;
}

bool Take(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

bool TakeDate(std::string_view* text, int64_t* days) {
  size_t year_digits = 0;
  while (year_digits < text->size() && IsDigit((*text)[year_digits])) ++year_digits;
  if (year_digits < 4 || year_digits > 6) return false;
  int32_t year, month, day;
  if (!TakeDigits(text, year_digits, &year) || !Take(text, '-') || !TakeDigits(text, 2, &month) ||
      !Take(text, '-') || !TakeDigits(text, 2, &day)) {
    return false;
  }
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month)) {
    return false;
  }
  *days = DaysFromCivil(year, month, day);
  return true;
}

/// HH:MM[:SS[.fraction]], up to 24:00:00.
bool TakeTimeOfDay(std::string_view* text, int64_t* nanos) {
  constexpr int64_t kNanos = 1'000'000'000;
  int32_t hour, minute, second = 0;
  if (!TakeDigits(text, 2, &hour) || !Take(text, ':') || !TakeDigits(text, 2, &minute)) {
    return false;
  }
  int64_t fraction = 0;
  if (Take(text, ':')) {
    if (!TakeDigits(text, 2, &second)) return false;
    if (Take(text, '.')) {
      if (text->empty() || !IsDigit(text->front())) return false;
      for (int64_t unit = kNanos / 10; !text->empty() && IsDigit(text->front()); unit /= 10) {
        fraction += (text->front() - '0') * unit;
        text->remove_prefix(1);
      }
    }
  }
  if (hour > 24 || minute > 59 || second > 59) return false;
  *nanos = (hour * int64_t{3600} + minute * 60 + second) * kNanos + fraction;
  return *nanos <= kSecondsPerDay * kNanos;
}

/// Digits and exponent ("-d.ddde-7") laid out as PostgreSQL does: plain for 1e-4 <= |x| <
/// 10^plain_digits.
template <typename T>
std::string FormatShortest(T value, int plain_digits) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t mark = text.find('e');
  const int exponent = std::stoi(std::string(text.substr(mark + 1)));
  if (exponent < -4 || exponent >= plain_digits) return std::string(text);
  std::string digits;
  for (const char c : text.substr(0, mark)) {
    if (IsDigit(c)) digits.push_back(c);
  }
  const std::string sign = text[0] == '-' ? "-" : "";
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0');
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

}  // namespace

std::optional<bool> ParseBoolean(std::string_view text) {
  const std::string word = Lower(Trim(text));
  const auto abbreviates = [&word](std::string_view full, size_t least) {
    return word.size() >= least && full.starts_with(word);
  };
  if (abbreviates("true", 1) || abbreviates("yes", 1) || word == "on" || word == "1") return true;
  if (abbreviates("false", 1) || abbreviates("no", 1) || abbreviates("off", 2) || word == "0") {
    return false;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseInteger(std::string_view text) { return ParseWhole<int64_t>(text); }
std::optional<uint64_t> ParseUnsigned(std::string_view text) { return ParseWhole<uint64_t>(text); }

std::optional<double> ParseDouble(std::string_view text) {
  text = Trim(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.back() == ')') {
    return std::nullopt;
  }
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

std::optional<int128_t> ParseDecimal(std::string_view text, int precision, int scale) {
  constexpr int64_t kMaxExponent = 100'000;
  text = Trim(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  std::string digits;  // without leading zeros
  int64_t exponent = 0;
  bool any = false;
  bool point = false;
  for (; !text.empty() && (IsDigit(text[0]) || (text[0] == '.' && !point)); text.remove_prefix(1)) {
    if (text[0] == '.') {
      point = true;
      continue;
    }
    any = true;
    if (point) --exponent;
    if (!digits.empty() || text[0] != '0') digits.push_back(text[0]);
  }
  if (!any) return std::nullopt;
  if (!text.empty()) {
    if (text[0] != 'e' && text[0] != 'E') return std::nullopt;
    const std::optional<int64_t> written = ParseInteger(text.substr(1));
    if (!written || IsSpace(text[text.size() > 1 ? 1 : 0])) return std::nullopt;
    exponent += std::clamp(*written, -kMaxExponent, kMaxExponent);
  }
  if (digits.empty()) return int128_t{0};
  // The value is digits * 10^(shift - scale).
  const int64_t shift = exponent + scale;
  bool round_up = false;
  if (shift < 0) {
    const auto drop = static_cast<size_t>(-shift);
    if (drop > digits.size()) return int128_t{0};
    round_up = digits[digits.size() - drop] >= '5';
    digits.resize(digits.size() - drop);
  } else if (digits.size() + static_cast<size_t>(shift) > 38) {
    return std::nullopt;
  } else {
    digits.append(static_cast<size_t>(shift), '0');
  }
  if (digits.size() > 38) return std::nullopt;
  int128_t value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  value += round_up ? 1 : 0;
  if (!FitsPrecision(value, precision)) return std::nullopt;
  return negative ? -value : value;
}

std::optional<TimeText> ParseTime(std::string_view text) {
  text = Trim(text);
  TimeText time;
  if (!TakeDate(&text, &time.days)) return std::nullopt;
  if (text.empty()) return time;
  if (!Take(&text, 'T') && !Take(&text, 't')) {
    if (!Take(&text, ' ')) return std::nullopt;
    while (Take(&text, ' ')) {
    }
  }
  if (!TakeTimeOfDay(&text, &time.nanos_of_day)) return std::nullopt;
  text = Trim(text);
  if (text.empty()) return time;
  const std::string zone = Lower(text);
  time.offset_seconds = zone == "utc" || zone == "gmt" ? 0 : ParseUtcOffset(text);
  if (!time.offset_seconds) return std::nullopt;
  return time;
}

std::string FormatDouble(double value) { return FormatShortest(value, 15); }
std::string FormatFloat(float value) { return FormatShortest(value, 6); }

std::string FormatDate(int64_t days) {
  const CivilDate date = CivilFromDays(days);
  return fmt::format("{}{:04}-{:02}-{:02}", date.year < 0 ? "-" : "", std::abs(date.year),
                     date.month, date.day);
}

std::string FormatTimeOfDay(int64_t ticks, int64_t ticks_per_second) {
  const int64_t seconds = ticks / ticks_per_second;
  std::string text =
      fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  int64_t fraction = ticks % ticks_per_second;
  if (fraction == 0) return text;
  text.push_back('.');
  for (int64_t unit = ticks_per_second / 10; fraction != 0; unit /= 10) {
    text.push_back(static_cast<char>('0' + fraction / unit));
    fraction %= unit;
  }
  return text;
}

std::string FormatUtcOffset(int64_t seconds) {
  const int64_t magnitude = std::abs(seconds);
  std::string text = fmt::format("{}{:02}", seconds < 0 ? '-' : '+', magnitude / 3600);
  if (magnitude % 3600 != 0) text += fmt::format(":{:02}", magnitude / 60 % 60);
  if (magnitude % 60 != 0) text += fmt::format(":{:02}", magnitude % 60);
  return text;
}

}  // namespace tidemill
