#pragma once

/// Multisets of values in one run of bytes: the state of everything that needs the values
/// themselves (median, mode, top_k, histogram, collect_set, collect_list).
///
/// A multiset is the freest commutative monoid there is: union is associative and commutative
/// whatever is computed from it in the end. So none of these functions has laws of its own to obey,
/// and those over one column and filter share one state, however many percentiles are asked for.
///
/// The bytes are records, one behind the other, in no order:
///
///     | times | value | times | value | ...        times: a varint; value: 8 or 16 bytes, or a
///                                                  length and that many bytes of text
///
/// Adding a value writes a record behind the last. When the block is full, it is *squeezed*:
/// sorted, and records of equal values made one. If that has not freed half of it, the block moves
/// to one of twice the size. So an addition costs O(log n) steps, and ten values that come a
/// million times stay ten records. Only squeezed records have a canonical form, and only Final
/// needs it: it squeezes a copy.
///
/// Records hold text, not references to it: a state's memory is moved without a look inside. The
/// size of the state's Bytes is the whole block, used or not, so that a copy has the same room.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "aggregate/arena.h"
#include "aggregate/order_key.h"

namespace tidemill {

inline uint8_t* WriteVarint(uint8_t* to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<uint8_t>(value | 0x80);
  *to++ = static_cast<uint8_t>(value);
  return to;
}

inline const uint8_t* ReadVarint(const uint8_t* from, uint64_t* value) {
  *value = 0;
  for (int shift = 0;; shift += 7) {
    *value |= static_cast<uint64_t>(*from & 0x7f) << shift;
    if (*from++ < 0x80) return from;
  }
}

/// The longest varint.
inline constexpr size_t kMaxVarint = 10;

// How a key lies in a record: at most PackedSize(key) bytes.

inline size_t PackedSize(const Key64&) { return sizeof(int64_t); }
inline size_t PackedSize(const Key128&) { return sizeof(WideInt<2>); }
inline size_t PackedSize(const KeyBytes& key) { return kMaxVarint + key.value.size; }

inline uint8_t* Pack(uint8_t* to, const Key64& key) {
  std::memcpy(to, &key.value, sizeof key.value);
  return to + sizeof key.value;
}
inline uint8_t* Pack(uint8_t* to, const Key128& key) {
  std::memcpy(to, &key.value, sizeof key.value);
  return to + sizeof key.value;
}
inline uint8_t* Pack(uint8_t* to, const KeyBytes& key) {
  to = WriteVarint(to, key.value.size);
  if (key.value.size > 0) std::memcpy(to, key.value.data, key.value.size);
  return to + key.value.size;
}

inline const uint8_t* Unpack(const uint8_t* from, Key64* key) {
  std::memcpy(&key->value, from, sizeof key->value);
  key->is_set = 1;
  return from + sizeof key->value;
}
inline const uint8_t* Unpack(const uint8_t* from, Key128* key) {
  std::memcpy(&key->value, from, sizeof key->value);
  key->is_set = 1;
  return from + sizeof key->value;
}
/// The key refers to the record.
inline const uint8_t* Unpack(const uint8_t* from, KeyBytes* key) {
  from = ReadVarint(from, &key->value.size);
  key->value.data = from;
  return from + key->value.size;
}

/// A value at an instant, in the order of time and then of values.
template <typename Key>
struct TimedKey {
  int64_t time;
  Key key;

  std::strong_ordering operator<=>(const TimedKey& other) const {
    if (const auto order = time <=> other.time; order != 0) return order;
    return key <=> other.key;
  }
};

template <typename Key>
size_t PackedSize(const TimedKey<Key>& timed) {
  return sizeof timed.time + PackedSize(timed.key);
}
template <typename Key>
uint8_t* Pack(uint8_t* to, const TimedKey<Key>& timed) {
  std::memcpy(to, &timed.time, sizeof timed.time);
  return Pack(to + sizeof timed.time, timed.key);
}
template <typename Key>
const uint8_t* Unpack(const uint8_t* from, TimedKey<Key>* timed) {
  std::memcpy(&timed->time, from, sizeof timed->time);
  return Unpack(from + sizeof timed->time, &timed->key);
}

/// A value and how often it occurs.
template <typename Key>
struct ValueCount {
  Key key;
  uint64_t count;
};

/// Sorts by key and makes items of equal keys one.
template <typename Key>
void SortAndUnite(std::vector<ValueCount<Key>>* items) {
  const auto less = [](const ValueCount<Key>& a, const ValueCount<Key>& b) {
    return a.key < b.key;
  };
  if (!std::is_sorted(items->begin(), items->end(), less)) {
    std::sort(items->begin(), items->end(), less);
  }
  size_t kept = 0;
  for (size_t i = 0; i < items->size(); ++i) {
    const ValueCount<Key> item = (*items)[i];
    if (kept > 0 && ((*items)[kept - 1].key <=> item.key) == 0) {
      (*items)[kept - 1].count += item.count;
    } else {
      (*items)[kept++] = item;
    }
  }
  items->resize(kept);
}

/// The multiset of a state. Plain memory; all zeros is the empty one. `block` is a reference of the
/// state (aggregate.h).
template <typename Key>
struct PackedValues {
  using Items = std::vector<ValueCount<Key>>;

  Bytes block;
  uint64_t used;  ///< bytes of the block

  bool is_empty() const { return used == 0; }

  /// Adds a value. `squeeze(items)` makes items fewer where the block is full.
  template <typename Squeeze>
  void Add(const Key& key, Arena* arena, const Squeeze& squeeze) {
    const size_t size = kMaxVarint + PackedSize(key);
    if (block.size - used < size) [[unlikely]]
      MakeRoom(size, arena, squeeze);
    uint8_t* const end = WriteVarint(Memory() + used, 1);
    used = static_cast<uint64_t>(Pack(end, key) - Memory());
  }

  /// Adds all of another multiset.
  template <typename Squeeze>
  void Merge(const PackedValues& from, Arena* arena, const Squeeze& squeeze) {
    if (from.used == 0) return;
    if (block.size - used < from.used) MakeRoom(from.used, arena, squeeze);
    std::memcpy(Memory() + used, from.block.data, from.used);
    used += from.used;
  }

  /// The items as they are noted: in any order, values more than once. Texts refer to the block.
  void Read(Items* items) const {
    items->clear();
    const uint8_t* next = block.data;
    const uint8_t* const end = next + used;
    while (next != end) {
      ValueCount<Key> item;
      next = ReadVarint(next, &item.count);
      next = Unpack(next, &item.key);
      items->push_back(item);
    }
  }

  /// Makes the block as small as it can be, where it lies.
  template <typename Squeeze>
  void Shrink(const Squeeze& squeeze) {
    if (used == 0) return;
    const std::vector<uint8_t>& squeezed = Squeezed(squeeze);
    std::memcpy(Memory(), squeezed.data(), squeezed.size());
    used = squeezed.size();
    block.size = used;
  }

 private:
  static constexpr size_t kFirstBlock = 24;

  uint8_t* Memory() { return const_cast<uint8_t*>(block.data); }

  template <typename Squeeze>
  const std::vector<uint8_t>& Squeezed(const Squeeze& squeeze) const {
    thread_local Items items;
    thread_local std::vector<uint8_t> records;
    Read(&items);
    squeeze(&items);
    size_t room = 0;
    for (const ValueCount<Key>& item : items) room += kMaxVarint + PackedSize(item.key);
    records.resize(room);
    uint8_t* next = records.data();
    for (const ValueCount<Key>& item : items) next = Pack(WriteVarint(next, item.count), item.key);
    records.resize(static_cast<size_t>(next - records.data()));
    return records;
  }

  template <typename Squeeze>
  void MakeRoom(size_t size, Arena* arena, const Squeeze& squeeze) {
    if (used == 0) {
      if (block.size >= size) return;
      block.size = (std::max(size, kFirstBlock) + 7) & ~size_t{7};
      block.data = arena->Allocate(block.size);
      return;
    }
    const std::vector<uint8_t>& squeezed = Squeezed(squeeze);
    const size_t needed = squeezed.size() + size;
    if (needed > block.size / 2) {
      block.size = (2 * needed + 7) & ~size_t{7};
      block.data = arena->Allocate(block.size);
    }
    std::memcpy(Memory(), squeezed.data(), squeezed.size());
    used = squeezed.size();
  }
};

/// What Final reads: the items in order, each value once.
template <typename Key>
void ReadSorted(const PackedValues<Key>& values, std::vector<ValueCount<Key>>* items) {
  values.Read(items);
  SortAndUnite(items);
}

/// Appends keys as values of `type`, making room.
template <typename Key>
arrow::Status AppendKeyList(const arrow::DataType& type, const std::vector<Key>& keys,
                            arrow::ArrayBuilder* builder) {
  thread_local std::vector<const uint8_t*> rows;
  rows.clear();
  for (const Key& key : keys) rows.push_back(reinterpret_cast<const uint8_t*>(&key));
  const auto size = static_cast<int64_t>(keys.size());
  ARROW_RETURN_NOT_OK(builder->Reserve(size));
  return AppendKeys(type, StateRows<Key>{rows.data(), 0, size}, builder);
}

}  // namespace tidemill
