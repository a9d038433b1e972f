#pragma once

/// Hashes: of bytes (XXH3), of integers, and of several hashes together.
///
/// The values are part of file formats (bucket numbers, content hashes): they are equal on every
/// machine and never change.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <xxhash.h>

#include "base/int128.h"

namespace tidemill {

/// A 128-bit hash; wide enough to stand for the value itself (a collision among 2^40 values has a
/// chance below 2^-48).
struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const Hash128&) const = default;
};

inline uint64_t HashBytes(const void* data, size_t size) { return XXH3_64bits(data, size); }
inline uint64_t HashBytes(std::string_view bytes) { return HashBytes(bytes.data(), bytes.size()); }

inline Hash128 HashBytes128(const void* data, size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(data, size);
  return {hash.low64, hash.high64};
}
inline Hash128 HashBytes128(std::string_view bytes) {
  return HashBytes128(bytes.data(), bytes.size());
}

/// A bijection of 64-bit integers in which every input bit reaches every output bit, the high ones
/// included: the finaliser of splitmix64 (Steele, Lea and Flood, 2014; constants by David
/// Stafford).
constexpr uint64_t HashInteger(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

/// The hash of a pair, in which the order counts: folds the 128-bit product of the two halves.
constexpr uint64_t CombineHashes(uint64_t first, uint64_t second) {
  const uint128_t product =
      static_cast<uint128_t>(first ^ 0x9e3779b97f4a7c15u) * (HashInteger(second) | 1);
  return HashInteger(static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64));
}

/// The 128-bit hash of `bytes` as 32 hexadecimal digits.
inline std::string HashHex(std::string_view bytes) {
  const Hash128 hash = HashBytes128(bytes);
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

}  // namespace tidemill
