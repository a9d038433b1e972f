#pragma once

/// Bytes as hexadecimal digits: JSON holds text, and keys of entities are any bytes.

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "tidemill/error.h"

namespace tidemill {

inline std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

inline arrow::Result<std::string> FromHex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) break;
    bytes += static_cast<char>(high * 16 + low);
  }
  if (bytes.size() * 2 == text.size()) return bytes;
  return MakeError(ErrorCode::kInvalid, "these are no hexadecimal digits");
}

}  // namespace tidemill
