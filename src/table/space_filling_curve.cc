// Both curves work on blocks of points, one array a coordinate, with the loop over points innermost
// and free of branches, so that the compiler turns it into vector instructions. A block with its
// coordinates stays in the first-level cache.

#include "table/space_filling_curve.h"

namespace tidemill {
namespace {

constexpr size_t kBlockPoints = 512;

void InterleaveBits(std::span<const uint32_t* const> coordinates, size_t begin, int bits,
                    std::span<uint64_t> codes) {
  std::ranges::fill(codes, 0);
  for (int bit = bits - 1; bit >= 0; --bit) {
    for (const uint32_t* coordinate : coordinates) {
      const uint32_t* x = coordinate + begin;
      for (size_t i = 0; i < codes.size(); ++i) {
        codes[i] = codes[i] << 1 | (uint64_t{x[i]} >> bit & 1);
      }
    }
  }
}

/// Turns coordinates into the Hilbert code with its bits dealt out: the first coordinate holds the
/// code's bits 0, d, 2d, ... from the top, the second 1, d + 1, ...
void TransposeHilbert(std::span<uint32_t* const> coordinates, size_t begin, int bits, size_t n) {
  uint32_t* first = coordinates[0] + begin;
  uint32_t* last = coordinates.back() + begin;
  // From large squares to small ones, undo how each lies: mirrored, or with two axes swapped.
  for (int bit = bits - 1; bit >= 1; --bit) {
    const uint32_t below = (uint32_t{1} << bit) - 1;
    for (size_t i = 0; i < n; ++i) first[i] ^= below & -(first[i] >> bit & 1);
    for (uint32_t* coordinate : coordinates.subspan(1)) {
      uint32_t* x = coordinate + begin;
      for (size_t i = 0; i < n; ++i) {
        const uint32_t mirror = -(x[i] >> bit & 1);
        const uint32_t swap = (first[i] ^ x[i]) & below & ~mirror;
        first[i] ^= swap | (below & mirror);
        x[i] ^= swap;
      }
    }
  }
  // What is left is a Gray code.
  for (size_t d = 1; d < coordinates.size(); ++d) {
    uint32_t* x = coordinates[d] + begin;
    const uint32_t* before = coordinates[d - 1] + begin;
    for (size_t i = 0; i < n; ++i) x[i] ^= before[i];
  }
  uint32_t turns[kBlockPoints] = {};
  for (int bit = bits - 1; bit >= 1; --bit) {
    const uint32_t below = (uint32_t{1} << bit) - 1;
    for (size_t i = 0; i < n; ++i) turns[i] ^= below & -(last[i] >> bit & 1);
  }
  for (uint32_t* coordinate : coordinates) {
    uint32_t* x = coordinate + begin;
    for (size_t i = 0; i < n; ++i) x[i] ^= turns[i];
  }
}

}  // namespace

void ZorderCodes(std::span<const uint32_t* const> coordinates, int bits,
                 std::span<uint64_t> codes) {
  for (size_t begin = 0; begin < codes.size(); begin += kBlockPoints) {
    const size_t n = std::min(kBlockPoints, codes.size() - begin);
    InterleaveBits(coordinates, begin, bits, codes.subspan(begin, n));
  }
}

void HilbertCodes(std::span<uint32_t* const> coordinates, int bits, std::span<uint64_t> codes) {
  for (size_t begin = 0; begin < codes.size(); begin += kBlockPoints) {
    const size_t n = std::min(kBlockPoints, codes.size() - begin);
    TransposeHilbert(coordinates, begin, bits, n);
    InterleaveBits({coordinates.data(), coordinates.size()}, begin, bits, codes.subspan(begin, n));
  }
}

}  // namespace tidemill
