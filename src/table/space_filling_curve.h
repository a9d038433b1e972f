#pragma once

/// Curves through a grid of points, along which neighbours stay near each other.
///
/// A point has `d` coordinates of `bits` bits; its code is its place on the curve. Rows stored by
/// code lie in blocks that are small in every coordinate, so that a reader who filters by any one
/// of them skips most blocks.
///
/// The Z-order interleaves the coordinates' bits; it jumps wherever a high bit changes. The Hilbert
/// curve never jumps: two codes in a row are points that differ by one step in one coordinate. So
/// its blocks are compact, where blocks of the Z-order may fall into two parts.

#include <algorithm>
#include <cstdint>
#include <span>

namespace tidemill {

/// Bits of each of `d` coordinates (1 <= d <= 64): codes have 64, and 20 tell a million values
/// apart.
constexpr int CurveBits(int d) { return std::min(20, 64 / d); }

/// Codes of `codes.size()` points. `coordinates[i]` holds the i-th coordinate of each, below
/// 2^bits; bits * d <= 64. The first coordinate gives the highest bit.
void ZorderCodes(std::span<const uint32_t* const> coordinates, int bits, std::span<uint64_t> codes);

/// The same on the Hilbert curve, by Skilling's transposition ("Programming the Hilbert curve", AIP
/// Conference Proceedings 707, 2004). Overwrites the coordinates.
void HilbertCodes(std::span<uint32_t* const> coordinates, int bits, std::span<uint64_t> codes);

}  // namespace tidemill
