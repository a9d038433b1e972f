#pragma once

/// Conditions on a dictionary, brought to its rows.

#include <cstdint>
#include <vector>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace tidemill {

namespace internal {

#if defined(__AVX2__)
/// As many rows as come in blocks of 32 by looking codes up in a register: 16 values at most.
/// Returns the rows done.
inline int64_t MaskOfFewCodes(const std::vector<uint8_t>& truth, const int32_t* codes, int64_t n,
                              uint8_t* mask) {
  alignas(16) uint8_t table[16] = {};
  for (size_t i = 0; i < truth.size(); ++i) table[i] = truth[i];
  const __m256i values =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  // Packing works within halves of a register; this puts its eight groups of four back in order.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  int64_t row = 0;
  for (; row + 32 <= n; row += 32) {
    const auto* from = reinterpret_cast<const __m256i*>(codes + row);
    const __m256i low = _mm256_packs_epi32(_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1));
    const __m256i high =
        _mm256_packs_epi32(_mm256_loadu_si256(from + 2), _mm256_loadu_si256(from + 3));
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(mask + row), _mm256_shuffle_epi8(values, bytes));
  }
  return row;
}
#endif

}  // namespace internal

/// mask[row] = truth[codes[row]] for `n` rows; every code is valid.
template <typename Code>
void MaskOfCodes(const std::vector<uint8_t>& truth, const Code* codes, int64_t n, uint8_t* mask) {
  int64_t row = 0;
#if defined(__AVX2__)
  if constexpr (sizeof(Code) == sizeof(int32_t)) {
    if (truth.size() <= 16) {
      row = internal::MaskOfFewCodes(truth, reinterpret_cast<const int32_t*>(codes), n, mask);
    }
  }
#endif
  const uint8_t* const table = truth.data();
  for (; row < n; ++row) mask[row] = table[codes[row]];
}

}  // namespace tidemill
