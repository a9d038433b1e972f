#pragma once

/// Sorting of encoded entities.

#include <cstdint>
#include <vector>

#include "aggregate/arena.h"

namespace tidemill {

/// memcmp order; a key that is a prefix of another comes first.
int CompareKeys(const Bytes& a, const Bytes& b);

/// Sorts `order`, indices into `keys`, by key; equal keys by index.
void SortByKey(const std::vector<Bytes>& keys, std::vector<uint32_t>* order);

}  // namespace tidemill
