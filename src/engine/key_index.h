#pragma once

/// From keys to the rows of a dimension that have them.

#include <cstdint>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace tidemill {

/// A table of unique keys with linear probing at a load of at most one half; integers that lie
/// close together are looked up in an array instead. Look-ups fetch ahead, since nearly every one
/// is a miss of the cache.
class KeyIndex {
 public:
  /// A row whose key another row has had before.
  struct Repeated {
    int32_t row = 0;
    int32_t first = 0;
  };

  /// Takes the rows [begin, end), whose keys are `keys[row]`. Rows that are not valid have no key.
  /// Both arrays begin at row 0; `valid` may be null.
  void Build(const int64_t* keys, const uint8_t* valid, int32_t begin, int32_t end,
             std::vector<Repeated>* repeated);
  void Build(const Hash128* keys, const uint8_t* valid, int32_t begin, int32_t end,
             std::vector<Repeated>* repeated);

  /// The row of each key; -1 where none has it.
  void Find(const int64_t* keys, int64_t n, int32_t* rows) const;
  void Find(const Hash128* keys, int64_t n, int32_t* rows) const;

  int64_t bytes() const {
    return static_cast<int64_t>(slots_.size() * sizeof(Slot) + direct_.size() * sizeof(int32_t));
  }

 private:
  struct Slot {
    Hash128 key;
    int32_t row = -1;  ///< -1: free
  };

  template <typename KeyOf>
  void BuildSlots(const KeyOf& key_of, const uint8_t* valid, int32_t begin, int32_t end,
                  std::vector<Repeated>* repeated);
  template <typename KeyOf>
  void FindSlots(const KeyOf& key_of, int64_t n, int32_t* rows) const;

  static uint64_t Scatter(const Hash128& key) { return HashInteger(key.low ^ (key.high * 31)); }

  std::vector<Slot> slots_;
  uint64_t mask_ = 0;
  std::vector<int32_t> direct_;  ///< rows by key - base_; empty: slots are used
  int64_t base_ = 0;
};

}  // namespace tidemill
