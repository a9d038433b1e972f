#pragma once

/// The memory of tiles.

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <arrow/memory_pool.h>

namespace tidemill {

/// Uninitialised bytes from Arrow's memory pool, which holds on to what the decoding of one row
/// group has freed for the tiles of the next; the C library would give it back to the system.
class TileBytes {
 public:
  TileBytes() = default;
  /// Throws std::bad_alloc if there is no memory.
  explicit TileBytes(size_t size) : size_(static_cast<int64_t>(size)) {
    if (!arrow::default_memory_pool()->Allocate(size_, &data_).ok()) throw std::bad_alloc();
  }
  TileBytes(TileBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  TileBytes& operator=(TileBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~TileBytes() {
    if (data_ != nullptr) arrow::default_memory_pool()->Free(data_, size_);
  }

  uint8_t* get() const { return data_; }

 private:
  uint8_t* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace tidemill
