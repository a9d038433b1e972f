#include "engine/tile_run.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/code_table.h"
#include "engine/sort_keys.h"

namespace tidemill {
namespace {

/// Dictionaries up to this size are looked at for values that fit a mask.
constexpr int32_t kSmallDictionary = 256;

size_t Align8(size_t size) { return (size + 7) & ~size_t{7}; }

/// One array of states per slot, indexed by group: what the rows of the morsel are added to. Small
/// arrays that are walked one aggregate at a time stay in the cache, where rows of tiles would not.
class LocalStates {
 public:
  arrow::Status Update(const StateSlot& slot, const RowGroups& groups, ArgumentReader* reader,
                       Arena* arena) {
    const size_t bytes = groups.num_groups * slot.kernel.state_size;
    auto states = std::make_unique_for_overwrite<uint8_t[]>(bytes);
    slot.kernel.initialize(states.get(), groups.num_groups);
    UpdateBatch batch;
    batch.num_rows = reader->num_rows();
    batch.groups = groups.groups;
    ARROW_ASSIGN_OR_RAISE(batch.selected,
                          reader->Selection(groups.selected, slot.filter, slot.arguments));
    for (size_t i = 0; i < slot.arguments.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(const PreparedColumn* column,
                            reader->Column(slot.arguments[i], slot.filter));
      batch.arguments[i] = column->values;
    }
    slot.kernel.update(states.get(), batch, arena);
    if (slot.kernel.shrink != nullptr) slot.kernel.shrink(states.get(), groups.num_groups);
    arrays_.push_back(std::move(states));
    return arrow::Status::OK();
  }

  const uint8_t* states(size_t slot) const { return arrays_[slot].get(); }
  const uint8_t* state(size_t slot, size_t size, uint32_t group) const {
    return states(slot) + group * size;
  }

 private:
  std::vector<std::unique_ptr<uint8_t[]>> arrays_;
};

/// The distinct values of one slot while a morsel is read: a mask per group, or pairs of group and
/// value.
struct LocalDistinct {
  struct Pair {
    uint32_t group;
    uint32_t value;  ///< index in `values`
  };
  std::vector<uint64_t> masks;
  std::vector<Pair> pairs;
  const Hash128* values = nullptr;
  std::vector<Hash128> value_storage;
};

class DistinctCollector {
 public:
  DistinctCollector(const DistinctSlot& slot, const RowGroups& groups, ArgumentReader* reader,
                    ValueInterner* interner)
      : slot_(slot), groups_(groups), reader_(reader), interner_(interner) {}

  arrow::Result<LocalDistinct> Collect() {
    ARROW_ASSIGN_OR_RAISE(selected_,
                          reader_->Selection(groups_.selected, slot_.filter, {slot_.argument}));
    ARROW_ASSIGN_OR_RAISE(const CodedColumn* coded, reader_->Coded(slot_.argument, slot_.filter));
    const bool may_mask = slot_.may_mask && !interner_->overflowed();
    if (coded != nullptr) {
      if (!(may_mask && coded->num_values <= kSmallDictionary && MaskCodes(*coded))) {
        PairCodes(*coded);
      }
      return std::move(result_);
    }
    ARROW_ASSIGN_OR_RAISE(const PreparedColumn* column,
                          reader_->Column(slot_.argument, slot_.filter));
    if (!(may_mask && MaskValues(column->values))) PairValues(column->values);
    return std::move(result_);
  }

 private:
  bool IsSelected(int64_t row) const { return selected_ == nullptr || selected_[row]; }

  bool MaskCodes(const CodedColumn& coded) {
    std::vector<uint8_t> used(static_cast<size_t>(coded.num_values), 0);
    for (int64_t i = 0; i < reader_->num_rows(); ++i) {
      used[static_cast<size_t>(coded.codes[i])] |= static_cast<uint8_t>(IsSelected(i));
    }
    std::vector<Hash128> values;
    for (size_t code = 0; code < used.size(); ++code) {
      if (used[code]) values.push_back(coded.identities[code]);
    }
    std::vector<uint8_t> bits;
    if (values.size() > ValueInterner::kCapacity || !interner_->Intern(values, &bits)) return false;
    std::vector<uint64_t> mask_of_code(used.size(), 0);
    for (size_t code = 0, next = 0; code < used.size(); ++code) {
      if (used[code]) mask_of_code[code] = uint64_t{1} << bits[next++];
    }
    result_.masks.assign(groups_.num_groups, 0);
    for (int64_t i = 0; i < reader_->num_rows(); ++i) {
      const uint64_t mask = mask_of_code[static_cast<size_t>(coded.codes[i])];
      result_.masks[groups_.groups[i]] |= IsSelected(i) ? mask : 0;
    }
    return true;
  }

  bool MaskValues(const ArgumentColumn& column) {
    const int64_t n = reader_->num_rows();
    CodeTable table;
    std::vector<uint8_t> codes(static_cast<size_t>(n), 0);
    Hash128 last;
    uint32_t last_code = UINT32_MAX;
    for (int64_t i = 0; i < n; ++i) {
      if (!IsSelected(i)) continue;
      const Hash128 identity = IdentityOf(column, i);
      if (last_code == UINT32_MAX || !(identity == last)) {
        last = identity;
        last_code = table.Insert(identity);
        if (table.size() > ValueInterner::kCapacity) return false;
      }
      codes[static_cast<size_t>(i)] = static_cast<uint8_t>(last_code);
    }
    std::vector<uint8_t> bits;
    if (!interner_->Intern(table.keys(), &bits)) return false;
    result_.masks.assign(groups_.num_groups, 0);
    for (int64_t i = 0; i < n; ++i) {
      if (!IsSelected(i)) continue;
      result_.masks[groups_.groups[i]] |= uint64_t{1} << bits[codes[static_cast<size_t>(i)]];
    }
    return true;
  }

  void PairCodes(const CodedColumn& coded) {
    // Events of a session come in runs, so remembering each value's last group removes most
    // repeats.
    interner_->GiveUp();
    std::vector<uint32_t> last_group(static_cast<size_t>(coded.num_values), UINT32_MAX);
    for (int64_t i = 0; i < reader_->num_rows(); ++i) {
      if (!IsSelected(i)) continue;
      const auto code = static_cast<size_t>(coded.codes[i]);
      const uint32_t group = groups_.groups[i];
      if (last_group[code] == group) continue;
      last_group[code] = group;
      result_.pairs.push_back({group, static_cast<uint32_t>(code)});
    }
    result_.values = coded.identities;
  }

  void PairValues(const ArgumentColumn& column) {
    // A direct-mapped cache of recent pairs does for plain values what last_group does for codes.
    interner_->GiveUp();
    struct Recent {
      uint32_t group = UINT32_MAX;
      Hash128 value;
    };
    constexpr size_t kCacheSize = 1 << 14;
    std::vector<Recent> recent(kCacheSize);
    for (int64_t i = 0; i < reader_->num_rows(); ++i) {
      if (!IsSelected(i)) continue;
      const Hash128 identity = IdentityOf(column, i);
      const uint32_t group = groups_.groups[i];
      auto& cached = recent[HashInteger(identity.low ^ (uint64_t{group} << 40)) % kCacheSize];
      if (cached.group == group && cached.value == identity) continue;
      cached = {group, identity};
      result_.pairs.push_back({group, static_cast<uint32_t>(result_.value_storage.size())});
      result_.value_storage.push_back(identity);
    }
    result_.values = result_.value_storage.data();
  }

  const DistinctSlot& slot_;
  const RowGroups& groups_;
  ArgumentReader* reader_;
  ValueInterner* interner_;
  const uint8_t* selected_ = nullptr;
  LocalDistinct result_;
};

/// Groups with rows, by key and then stratum.
std::vector<uint32_t> SortGroups(const RowGroups& groups) {
  std::vector<uint32_t> order;
  for (uint32_t g = 0; g < groups.num_groups; ++g) {
    if (groups.first_row[g] >= 0) order.push_back(g);
  }
  SortByKey(groups.keys, &order);
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() &&
           CompareKeys(groups.keys[order[begin]], groups.keys[order[end]]) == 0) {
      ++end;
    }
    if (end - begin > 1) {
      std::sort(order.begin() + static_cast<std::ptrdiff_t>(begin),
                order.begin() + static_cast<std::ptrdiff_t>(end), [&](uint32_t a, uint32_t b) {
                  return std::pair(groups.strata[a], a) < std::pair(groups.strata[b], b);
                });
    }
    begin = end;
  }
  return order;
}

TileValues SortPairs(const LocalDistinct& distinct, const std::vector<uint32_t>& position,
                     size_t num_rows) {
  const std::vector<LocalDistinct::Pair>& pairs = distinct.pairs;
  TileValues values;
  if (pairs.empty()) return values;
  values.begin.assign(num_rows + 1, 0);
  for (const auto& pair : pairs) ++values.begin[position[pair.group] + 1];
  for (size_t r = 0; r < num_rows; ++r) values.begin[r + 1] += values.begin[r];
  values.values.resize(pairs.size());
  std::vector<uint32_t> next(values.begin.begin(), values.begin.end() - 1);
  for (const auto& pair : pairs) {
    values.values[next[position[pair.group]]++] = distinct.values[pair.value];
  }
  return values;
}

/// Copies the states of `count` groups into a column of tiles. The size is a constant for the
/// common ones, so that a copy is a few moves and no call.
template <size_t kSize>
void CopyStates(const uint8_t* states, size_t size, const uint32_t* groups, size_t count,
                uint8_t* into, size_t stride) {
  const size_t bytes = kSize != 0 ? kSize : size;
  for (size_t r = 0; r < count; ++r) {
    std::memcpy(into + r * stride, states + groups[r] * bytes, bytes);
  }
}

using StateCopier = void (*)(const uint8_t*, size_t, const uint32_t*, size_t, uint8_t*, size_t);

StateCopier CopierOf(size_t size) {
  switch (size) {
    case 8:
      return CopyStates<8>;
    case 16:
      return CopyStates<16>;
    case 24:
      return CopyStates<24>;
    case 32:
      return CopyStates<32>;
    case 40:
      return CopyStates<40>;
    case 48:
      return CopyStates<48>;
    default:
      return CopyStates<0>;
  }
}

class RunWriter {
 public:
  RunWriter(const TileLayout& layout, const RowGroups& groups, const LocalStates& states,
            std::vector<LocalDistinct> distincts)
      : layout_(layout), groups_(groups), states_(states), distincts_(std::move(distincts)) {}

  TileRun Write() {
    order_ = SortGroups(groups_);
    TileRun run;
    run.num_rows = static_cast<int64_t>(order_.size());
    const size_t bytes = order_.size() * layout_.row_size();
    run.rows = TileBytes(bytes);
    const size_t heap_size = HeapSize();
    run.heap = TileBytes(heap_size);
    aligned_ = run.heap.get();
    keys_ = run.heap.get() + heap_size;
    // A few rows at a time: all their states are written while they are in the cache.
    constexpr size_t kChunk = 128;
    for (size_t begin = 0; begin < order_.size(); begin += kChunk) {
      WriteChunk(run.rows.get(), begin, std::min(order_.size(), begin + kChunk));
    }
    run.memory = static_cast<int64_t>(bytes + heap_size);
    std::vector<uint32_t> position(groups_.num_groups, 0);
    for (size_t r = 0; r < order_.size(); ++r) position[order_[r]] = static_cast<uint32_t>(r);
    for (const LocalDistinct& distinct : distincts_) {
      run.distincts.push_back(SortPairs(distinct, position, order_.size()));
      const TileValues& values = run.distincts.back();
      run.memory += static_cast<int64_t>(values.begin.size() * sizeof(uint32_t) +
                                         values.values.size() * sizeof(Hash128));
    }
    return run;
  }

 private:
  /// References first, aligned, from the front; keys, unaligned, from the back.
  size_t HeapSize() const {
    size_t size = 8;
    for (uint32_t group : order_) size += groups_.keys[group].size;
    for (size_t s = 0; s < layout_.states.size(); ++s) {
      const AggregateKernel& kernel = layout_.states[s].kernel;
      for (size_t reference : kernel.references) {
        for (uint32_t group : order_) {
          const uint8_t* state = states_.state(s, kernel.state_size, group);
          size += Align8(reinterpret_cast<const Bytes*>(state + reference)->size);
        }
      }
    }
    return Align8(size);
  }

  void WriteChunk(uint8_t* rows, size_t begin, size_t end) {
    const size_t row_size = layout_.row_size();
    for (size_t r = begin; r < end; ++r) {
      const uint32_t group = order_[r];
      const Bytes key = groups_.keys[group];
      keys_ -= key.size;
      if (key.size > 0) std::memcpy(keys_, key.data, key.size);
      const TileHeader header{keys_, static_cast<uint32_t>(key.size), groups_.strata[group]};
      std::memcpy(rows + r * row_size, &header, sizeof header);
    }
    uint8_t* states = rows + sizeof(TileHeader);
    for (size_t s = 0; s < layout_.states.size(); ++s) {
      const StateSlot& slot = layout_.states[s];
      const size_t size = slot.kernel.state_size;
      uint8_t* column = states + begin * row_size + slot.offset;
      CopierOf(size)(states_.states(s), size, order_.data() + begin, end - begin, column, row_size);
      for (size_t reference : slot.kernel.references) {
        for (size_t r = 0; r < end - begin; ++r) {
          Adopt(reinterpret_cast<Bytes*>(column + r * row_size + reference));
        }
      }
    }
    for (size_t d = 0; d < layout_.distincts.size(); ++d) {
      const std::vector<uint64_t>& masks = distincts_[d].masks;
      for (size_t r = begin; r < end; ++r) {
        const uint64_t mask = masks.empty() ? 0 : masks[order_[r]];
        std::memcpy(states + r * row_size + layout_.distincts[d].mask_offset, &mask, sizeof mask);
      }
    }
    for (const ResultSlot& result : layout_.results) {
      if (!result.is_fed) continue;
      for (size_t r = begin; r < end; ++r) {
        result.kernel.initialize(states + r * row_size + result.fed_offset, 1);
      }
    }
  }

  void Adopt(Bytes* reference) {
    if (reference->data == nullptr) return;
    if (reference->size > 0) std::memcpy(aligned_, reference->data, reference->size);
    reference->data = aligned_;
    aligned_ += Align8(reference->size);
  }

  const TileLayout& layout_;
  const RowGroups& groups_;
  const LocalStates& states_;
  std::vector<LocalDistinct> distincts_;
  std::vector<uint32_t> order_;
  uint8_t* aligned_ = nullptr;
  uint8_t* keys_ = nullptr;
};

}  // namespace

arrow::Result<TileRun> MakeTileRun(const TileLayout& layout, const RowGroups& groups,
                                   ArgumentReader* reader, std::vector<ValueInterner>* interners) {
  Arena arena;
  LocalStates states;
  for (const StateSlot& slot : layout.states) {
    ARROW_RETURN_NOT_OK(states.Update(slot, groups, reader, &arena));
  }
  std::vector<LocalDistinct> distincts;
  for (size_t d = 0; d < layout.distincts.size(); ++d) {
    DistinctCollector collector(layout.distincts[d], groups, reader, &(*interners)[d]);
    ARROW_ASSIGN_OR_RAISE(LocalDistinct distinct, collector.Collect());
    distincts.push_back(std::move(distinct));
  }
  return RunWriter(layout, groups, states, std::move(distincts)).Write();
}

}  // namespace tidemill
