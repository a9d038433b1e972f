#pragma once

/// Big plain structs that hang off a state as Bytes, for the few groups that need them.

#include <cstdint>
#include <cstring>
#include <new>

#include "aggregate/arena.h"

namespace tidemill {

/// The block of `bytes`, allocated (all zeros) from `arena` where there is none yet. Call it for
/// states that are updated or merged into: they own their block, so it may change in place.
template <typename Block>
Block* OwnedBlock(Bytes* bytes, Arena* arena) {
  static_assert(alignof(Block) <= 8);
  if (bytes->data == nullptr) {
    bytes->data = reinterpret_cast<const uint8_t*>(new (arena->Allocate(sizeof(Block))) Block{});
    bytes->size = sizeof(Block);
  } else if (reinterpret_cast<uintptr_t>(bytes->data) % alignof(Block) != 0) {
    *bytes = arena->Copy(*bytes);
  }
  return reinterpret_cast<Block*>(const_cast<uint8_t*>(bytes->data));
}

/// A copy of the block of `bytes`, wherever that lies; all zeros if there is none.
template <typename Block>
Block LoadBlock(const Bytes& bytes) {
  Block block = {};
  if (bytes.data != nullptr) std::memcpy(&block, bytes.data, sizeof(Block));
  return block;
}

}  // namespace tidemill
