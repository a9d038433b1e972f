#include "engine/key_index.h"

#include <algorithm>
#include <array>

namespace tidemill {
namespace {

/// An array of integers may have this many places per key: still less memory than slots.
constexpr uint64_t kPlacesPerKey = 8;
constexpr int64_t kAhead = 32;

Hash128 Identity(int64_t key) { return {static_cast<uint64_t>(key), 0}; }

}  // namespace

template <typename KeyOf>
void KeyIndex::BuildSlots(const KeyOf& key_of, const uint8_t* valid, int32_t begin, int32_t end,
                          std::vector<Repeated>* repeated) {
  size_t capacity = 16;
  while (capacity < 2 * static_cast<size_t>(end - begin)) capacity *= 2;
  slots_.assign(capacity, Slot{});
  mask_ = capacity - 1;
  for (int32_t row = begin; row < end; ++row) {
    if (row + kAhead < end) {
      __builtin_prefetch(&slots_[Scatter(key_of(row + static_cast<int32_t>(kAhead))) & mask_], 1);
    }
    if (valid != nullptr && !valid[row]) continue;
    const Hash128 key = key_of(row);
    size_t slot = Scatter(key) & mask_;
    while (slots_[slot].row >= 0 && !(slots_[slot].key == key)) slot = (slot + 1) & mask_;
    if (slots_[slot].row >= 0) {
      repeated->push_back({row, slots_[slot].row});
    } else {
      slots_[slot] = {key, row};
    }
  }
}

void KeyIndex::Build(const Hash128* keys, const uint8_t* valid, int32_t begin, int32_t end,
                     std::vector<Repeated>* repeated) {
  BuildSlots([keys](int32_t row) { return keys[row]; }, valid, begin, end, repeated);
}

void KeyIndex::Build(const int64_t* keys, const uint8_t* valid, int32_t begin, int32_t end,
                     std::vector<Repeated>* repeated) {
  int64_t low = INT64_MAX;
  int64_t high = INT64_MIN;
  uint64_t count = 0;
  for (int32_t row = begin; row < end; ++row) {
    if (valid != nullptr && !valid[row]) continue;
    low = std::min(low, keys[row]);
    high = std::max(high, keys[row]);
    ++count;
  }
  const uint64_t span = count == 0 ? 0 : static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  if (span >= count * kPlacesPerKey + 1024) {
    BuildSlots([keys](int32_t row) { return Identity(keys[row]); }, valid, begin, end, repeated);
    return;
  }
  base_ = count == 0 ? 0 : low;
  direct_.assign(span + 1, -1);
  for (int32_t row = begin; row < end; ++row) {
    if (valid != nullptr && !valid[row]) continue;
    int32_t& place = direct_[static_cast<uint64_t>(keys[row]) - static_cast<uint64_t>(base_)];
    if (place >= 0) {
      repeated->push_back({row, place});
    } else {
      place = row;
    }
  }
}

template <typename KeyOf>
void KeyIndex::FindSlots(const KeyOf& key_of, int64_t n, int32_t* rows) const {
  if (slots_.empty()) {
    std::fill(rows, rows + n, -1);
    return;
  }
  // Where the next keys may be, fetched while the ones before are compared.
  std::array<size_t, kAhead> starts;
  const auto fetch = [&](int64_t i) {
    const size_t start = Scatter(key_of(i)) & mask_;
    starts[static_cast<size_t>(i) % kAhead] = start;
    __builtin_prefetch(&slots_[start]);
  };
  for (int64_t i = 0; i < std::min(n, kAhead); ++i) fetch(i);
  for (int64_t i = 0; i < n; ++i) {
    const Hash128 key = key_of(i);
    size_t slot = starts[static_cast<size_t>(i) % kAhead];
    if (i + kAhead < n) fetch(i + kAhead);
    while (slots_[slot].row >= 0 && !(slots_[slot].key == key)) slot = (slot + 1) & mask_;
    rows[i] = slots_[slot].row;
  }
}

void KeyIndex::Find(const Hash128* keys, int64_t n, int32_t* rows) const {
  FindSlots([keys](int64_t i) { return keys[i]; }, n, rows);
}

void KeyIndex::Find(const int64_t* keys, int64_t n, int32_t* rows) const {
  if (direct_.empty()) {
    FindSlots([keys](int64_t i) { return Identity(keys[i]); }, n, rows);
    return;
  }
  const uint64_t size = direct_.size();
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t place = static_cast<uint64_t>(keys[i]) - static_cast<uint64_t>(base_);
    rows[i] = place < size ? direct_[place] : -1;
  }
}

}  // namespace tidemill
