#pragma once

/// Encoded entities (entity_key.h) -> numbers from 0, in the order in which they were inserted.

#include <array>
#include <cstdint>
#include <vector>

#include "aggregate/arena.h"
#include "base/hash.h"

namespace tidemill {

/// An open-addressing table with linear probing. Finding is thread-safe.
class EntityIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t size() const { return static_cast<uint32_t>(keys_.size()); }
  const Bytes& key(uint32_t entity) const { return keys_[entity]; }

  /// The number of `key`, a new one if it was not there.
  uint32_t Insert(const Bytes& key) {
    if ((keys_.size() + 1) * 2 > cells_.size()) Grow();
    const uint64_t hash = HashBytes(key.view());
    const size_t at = Place(key, hash);
    if (cells_[at].entity_plus_one == 0) {
      keys_.push_back(arena_.Copy(key));
      cells_[at] = {static_cast<uint32_t>(keys_.size()), SaltOf(hash)};
    }
    return cells_[at].entity_plus_one - 1;
  }

  /// kNone if it was never inserted.
  uint32_t Find(const Bytes& key) const {
    if (keys_.empty()) return kNone;
    const Cell& cell = cells_[Place(key, HashBytes(key.view()))];
    return cell.entity_plus_one == 0 ? kNone : cell.entity_plus_one - 1;
  }

  /// The same for many. Nearly every step of a look-up (the cell, the key, its bytes) is a miss of
  /// the cache, so the steps of later keys are begun while those before are finished.
  void Find(const std::vector<Bytes>& keys, std::vector<uint32_t>* entities) const {
    constexpr size_t kStep = 8;
    const size_t n = keys.size();
    entities->assign(n, kNone);
    if (keys_.empty()) return;
    std::array<uint64_t, 4 * kStep> hashes{};
    const auto hash_of = [&](size_t i) -> uint64_t& { return hashes[i % hashes.size()]; };
    const auto home_of = [&](size_t i) -> const Cell& {
      return cells_[hash_of(i) & (cells_.size() - 1)];
    };
    for (size_t i = 0; i < n + 3 * kStep; ++i) {
      if (i < n) {
        hash_of(i) = HashBytes(keys[i].view());
        __builtin_prefetch(&home_of(i));
      }
      if (const size_t at = i - kStep; i >= kStep && at < n && home_of(at).entity_plus_one != 0) {
        __builtin_prefetch(&keys_[home_of(at).entity_plus_one - 1]);
      }
      if (const size_t at = i - 2 * kStep;
          i >= 2 * kStep && at < n && home_of(at).entity_plus_one != 0) {
        __builtin_prefetch(keys_[home_of(at).entity_plus_one - 1].data);
      }
      if (i < 3 * kStep) continue;
      const size_t done = i - 3 * kStep;
      const Cell& cell = cells_[Place(keys[done], hash_of(done))];
      if (cell.entity_plus_one != 0) (*entities)[done] = cell.entity_plus_one - 1;
    }
  }

 private:
  struct Cell {
    uint32_t entity_plus_one = 0;  ///< 0 is free
    uint32_t salt = 0;
  };

  static uint32_t SaltOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  /// Where the key is, or the free cell where it belongs.
  size_t Place(const Bytes& key, uint64_t hash) const {
    size_t at = hash & (cells_.size() - 1);
    while (cells_[at].entity_plus_one != 0) {
      const Cell& cell = cells_[at];
      if (cell.salt == SaltOf(hash) && keys_[cell.entity_plus_one - 1].view() == key.view()) break;
      at = (at + 1) & (cells_.size() - 1);
    }
    return at;
  }

  void Grow() {
    constexpr size_t kLeast = 64;
    cells_.assign(cells_.empty() ? kLeast : cells_.size() * 2, Cell{});
    for (uint32_t entity = 0; entity < keys_.size(); ++entity) {
      const uint64_t hash = HashBytes(keys_[entity].view());
      size_t at = hash & (cells_.size() - 1);
      while (cells_[at].entity_plus_one != 0) at = (at + 1) & (cells_.size() - 1);
      cells_[at] = {entity + 1, SaltOf(hash)};
    }
  }

  Arena arena_;
  std::vector<Bytes> keys_;
  std::vector<Cell> cells_;
};

}  // namespace tidemill
