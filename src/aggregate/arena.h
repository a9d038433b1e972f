#pragma once

/// Memory for what hangs off aggregate states: strings, wide sums.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/int128.h"

namespace tidemill {

/// A run of bytes that somebody else owns. `data` is null for "no value", which is not the empty
/// run.
struct Bytes {
  const uint8_t* data = nullptr;
  uint64_t size = 0;

  std::string_view view() const { return {reinterpret_cast<const char*>(data), size}; }
};

/// Hands out memory in chunks and frees all of it at once. Not thread-safe.
class Arena {
 public:
  /// 8-byte aligned, uninitialised; never null, not even for no bytes.
  uint8_t* Allocate(size_t size) {
    size = size == 0 ? 8 : (size + 7) & ~size_t{7};
    if (size > left_) Grow(size);
    uint8_t* result = next_;
    next_ += size;
    left_ -= size;
    return result;
  }

  Bytes Copy(Bytes bytes) {
    if (bytes.data == nullptr) return bytes;
    uint8_t* copy = Allocate(bytes.size);
    std::memcpy(copy, bytes.data, bytes.size);
    return {copy, bytes.size};
  }

  /// Bytes held, used or not.
  int64_t allocated() const { return allocated_; }

 private:
  void Grow(size_t at_least) {
    size_t size = chunks_.empty() ? 4096 : 65536;
    if (size < at_least) size = at_least;
    chunks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(size));
    next_ = chunks_.back().get();
    left_ = size;
    allocated_ += static_cast<int64_t>(size);
  }

  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  uint8_t* next_ = nullptr;
  size_t left_ = 0;
  int64_t allocated_ = 0;
};

}  // namespace tidemill
