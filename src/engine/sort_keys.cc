#include "engine/sort_keys.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tidemill {
namespace {

/// Sorting whole keys compares far apart pieces of memory. Instead each key is reduced to the eight
/// bytes behind what all keys begin with, as one integer; those are radix-sorted, and only keys
/// with equal integers are compared whole.
struct Item {
  uint64_t prefix;
  uint32_t index;
};

uint64_t CommonPrefix(const std::vector<Bytes>& keys, const std::vector<uint32_t>& order) {
  const Bytes first = keys[order[0]];
  uint64_t common = first.size;
  for (uint32_t index : order) {
    const Bytes key = keys[index];
    common = std::min(common, key.size);
    while (common > 0 && std::memcmp(first.data, key.data, common) != 0) --common;
    if (common == 0) break;
  }
  return common;
}

uint64_t PrefixOf(Bytes key, uint64_t skip) {
  uint64_t prefix = 0;
  const uint64_t size = std::min<uint64_t>(key.size - skip, sizeof prefix);
  if (size > 0) std::memcpy(&prefix, key.data + skip, size);
  return __builtin_bswap64(prefix);
}

/// Least significant byte first; bytes that are equal in all items cost one look.
void RadixSort(std::vector<Item>* items) {
  std::array<std::array<uint32_t, 256>, 8> counts{};
  for (const Item& item : *items) {
    for (size_t byte = 0; byte < 8; ++byte) ++counts[byte][(item.prefix >> (8 * byte)) & 255];
  }
  std::vector<Item> other(items->size());
  for (size_t byte = 0; byte < 8; ++byte) {
    auto& count = counts[byte];
    const auto same = static_cast<uint32_t>(items->size());
    if (count[((*items)[0].prefix >> (8 * byte)) & 255] == same) continue;
    uint32_t begin = 0;
    for (uint32_t& slot : count) {
      const uint32_t size = slot;
      slot = begin;
      begin += size;
    }
    for (const Item& item : *items) other[count[(item.prefix >> (8 * byte)) & 255]++] = item;
    items->swap(other);
  }
}

}  // namespace

int CompareKeys(const Bytes& a, const Bytes& b) {
  const uint64_t size = std::min(a.size, b.size);
  const int order = size == 0 ? 0 : std::memcmp(a.data, b.data, size);
  if (order != 0) return order;
  return a.size < b.size ? -1 : a.size > b.size ? 1 : 0;
}

void SortByKey(const std::vector<Bytes>& keys, std::vector<uint32_t>* order) {
  if (order->size() < 2) return;
  const uint64_t skip = CommonPrefix(keys, *order);
  std::vector<Item> items;
  items.reserve(order->size());
  for (uint32_t index : *order) items.push_back({PrefixOf(keys[index], skip), index});
  RadixSort(&items);
  for (size_t begin = 0; begin < items.size();) {
    size_t end = begin + 1;
    while (end < items.size() && items[end].prefix == items[begin].prefix) ++end;
    if (end - begin > 1) {
      std::sort(items.begin() + static_cast<std::ptrdiff_t>(begin),
                items.begin() + static_cast<std::ptrdiff_t>(end),
                [&](const Item& a, const Item& b) {
                  const int compared = CompareKeys(keys[a.index], keys[b.index]);
                  return compared != 0 ? compared < 0 : a.index < b.index;
                });
    }
    begin = end;
  }
  for (size_t i = 0; i < items.size(); ++i) (*order)[i] = items[i].index;
}

}  // namespace tidemill
