#include "storage/percent_encoding.h"

#include <cctype>

#include <fmt/format.h>

namespace tidemill {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    decoded.push_back(text[i]);
  }
  return decoded;
}

namespace {

template <typename IsKept>
std::string Encode(std::string_view text, const IsKept& is_kept) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_kept(c)) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace

std::string PercentEncodeForHive(std::string_view text) {
  constexpr std::string_view kReserved = "\"#%'*/:=?\\{[]^\x7f";
  return Encode(text, [&](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && kReserved.find(c) == std::string_view::npos;
  });
}

std::string PercentEncodeForUri(std::string_view path) {
  constexpr std::string_view kKept = "/-._~=+,:@";
  return Encode(path, [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x80 && (std::isalnum(byte) != 0 || kKept.find(c) != std::string_view::npos);
  });
}

}  // namespace tidemill
