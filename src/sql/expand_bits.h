#pragma once

/// Bitmaps as bytes, which need no shifting to read.

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace tidemill {

/// One byte, 0 or 1, for each of the `n` bits from bit `offset` on (least significant bit of a byte
/// first, as in Arrow's bitmaps).
inline void ExpandBits(const uint8_t* bits, int64_t offset, int64_t n, uint8_t* bytes) {
  const auto one_by_one = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t bit = offset + i;
      bytes[i] = static_cast<uint8_t>(bits[bit >> 3] >> (bit & 7) & 1);
    }
  };
  const int64_t head = std::min(n, (8 - (offset & 7)) & 7);
  one_by_one(0, head);
  int64_t i = head;
  for (const uint8_t* byte = bits + (offset + head) / 8; i + 8 <= n; i += 8, ++byte) {
    const uint64_t one_a_byte = (*byte * 0x0101010101010101u) & 0x8040201008040201u;
    const uint64_t spread = ((one_a_byte + 0x7F7F7F7F7F7F7F7Fu) >> 7) & 0x0101010101010101u;
    std::memcpy(bytes + i, &spread, sizeof spread);
  }
  one_by_one(i, n);
}

}  // namespace tidemill
