#pragma once

/// Values -> dense codes, in order of first appearance.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/hash.h"

namespace tidemill {

/// An open-addressing table with linear probing at a load of at most one half; a few keys are
/// searched one by one. Keys are identities
/// of values (the value itself in 16 bytes, or a 128-bit hash).
class CodeTable {
 public:
  explicit CodeTable(size_t expected = 16) { Resize(expected * 2); }

  uint32_t size() const { return static_cast<uint32_t>(keys_.size()); }
  const std::vector<Hash128>& keys() const { return keys_; }

  /// The code of `key`, a new one (size() before the call) if it was not there.
  uint32_t Insert(const Hash128& key) {
    if (keys_.size() < kFewKeys) {
      for (uint32_t code = 0; code < keys_.size(); ++code) {
        if (keys_[code] == key) return code;
      }
      keys_.push_back(key);
      if (keys_.size() == kFewKeys) Resize(slots_.size());
      return static_cast<uint32_t>(keys_.size() - 1);
    }
    size_t slot = Start(key);
    while (slots_[slot] != 0) {
      const uint32_t code = slots_[slot] - 1;
      if (keys_[code] == key) return code;
      slot = (slot + 1) & mask_;
    }
    keys_.push_back(key);
    slots_[slot] = static_cast<uint32_t>(keys_.size());
    if (keys_.size() * 2 > slots_.size()) Resize(slots_.size() * 2);
    return static_cast<uint32_t>(keys_.size() - 1);
  }

  /// Forgets all keys, and how far the table has grown, so that filling it again stays cheap.
  void Clear() {
    keys_.clear();
    if (slots_.size() > kKeptSlots) slots_.resize(kKeptSlots);
  }

 private:
  static constexpr size_t kFewKeys = 8;  ///< slots are not used below
  static constexpr size_t kKeptSlots = 64;

  size_t Start(const Hash128& key) const { return HashInteger(key.low ^ (key.high * 31)) & mask_; }

  void Resize(size_t at_least) {
    size_t capacity = 16;
    while (capacity < at_least) capacity *= 2;
    slots_.assign(capacity, 0);
    mask_ = capacity - 1;
    for (size_t code = 0; code < keys_.size(); ++code) {
      size_t slot = Start(keys_[code]);
      while (slots_[slot] != 0) slot = (slot + 1) & mask_;
      slots_[slot] = static_cast<uint32_t>(code + 1);
    }
  }

  std::vector<Hash128> keys_;
  std::vector<uint32_t> slots_;  ///< code + 1; 0 is free
  size_t mask_ = 0;
};

}  // namespace tidemill
