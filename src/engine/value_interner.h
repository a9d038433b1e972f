#pragma once

/// Up to 64 values shared by all morsels of a pass, each with a bit.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/hash.h"

namespace tidemill {

/// Gives each of the first 64 different values a bit, for all threads alike. Once a 65th value
/// comes, or a morsel gives up on masks because it alone has more, it is overflowed for good: masks
/// made before stay meaningful (they can be turned back into values), new ones cannot be made. As
/// long as it is not overflowed, no value is in any list.
class ValueInterner {
 public:
  static constexpr size_t kCapacity = 64;

  bool overflowed() const { return overflowed_; }
  void GiveUp() { overflowed_ = true; }

  /// The bit number of each of `values`; false (and overflowed) if one does not fit any more.
  bool Intern(const std::vector<Hash128>& values, std::vector<uint8_t>* bits) {
    std::lock_guard lock(mutex_);
    bits->clear();
    for (const Hash128& value : values) {
      size_t bit = 0;
      while (bit < values_.size() && !(values_[bit] == value)) ++bit;
      if (bit == values_.size()) {
        if (bit == kCapacity) {
          overflowed_ = true;
          return false;
        }
        values_.push_back(value);
      }
      bits->push_back(static_cast<uint8_t>(bit));
    }
    return true;
  }

  /// The value of each bit. Call only when no thread interns any more.
  const std::vector<Hash128>& values() const { return values_; }

 private:
  std::mutex mutex_;
  std::vector<Hash128> values_;
  std::atomic<bool> overflowed_{false};
};

}  // namespace tidemill
