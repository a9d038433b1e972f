#pragma once

/// A stable sort of many rows by integers.

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace tidemill {

/// Brings `keys` into ascending order and `rows`, of the same length, along; rows of equal keys
/// keep their order. One pass for each byte in which keys differ, from the lowest.
inline void RadixSort(std::vector<uint64_t>* keys, std::vector<uint32_t>* rows) {
  const size_t n = keys->size();
  std::array<std::array<uint32_t, 256>, 8> counts = {};
  for (const uint64_t key : *keys) {
    for (size_t byte = 0; byte < 8; ++byte) ++counts[byte][key >> 8 * byte & 255];
  }
  std::vector<uint64_t> other_keys;
  std::vector<uint32_t> other_rows;
  for (size_t byte = 0; byte < 8; ++byte) {
    std::array<uint32_t, 256>& places = counts[byte];
    if (n == 0 || places[keys->front() >> 8 * byte & 255] == n) continue;
    uint32_t begin = 0;
    for (uint32_t& place : places) begin += std::exchange(place, begin);
    other_keys.resize(n);
    other_rows.resize(n);
    for (size_t i = 0; i < n; ++i) {
      const uint64_t key = (*keys)[i];
      const uint32_t place = places[key >> 8 * byte & 255]++;
      other_keys[place] = key;
      other_rows[place] = (*rows)[i];
    }
    keys->swap(other_keys);
    rows->swap(other_rows);
  }
}

}  // namespace tidemill
