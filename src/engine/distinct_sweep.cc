#include "engine/distinct_sweep.h"

#include <bit>

#include "aggregate/registry.h"
#include "engine/code_table.h"

namespace tidemill {

void FeedDistinctValue(const DistinctSlot& slot, ArgumentKind kind, const Hash128& value,
                       const AggregateKernel& kernel, uint8_t* state, Arena* arena) {
  const auto int64 = static_cast<int64_t>(value.low);
  double real;
  __builtin_memcpy(&real, &value.low, sizeof real);
  const auto int128 = static_cast<int128_t>((static_cast<uint128_t>(value.high) << 64) | value.low);
  const uint32_t group = 0;
  UpdateBatch batch;
  batch.num_rows = 1;
  batch.groups = &group;
  batch.arguments[0].kind = kind;
  batch.arguments[0].is_unsigned = slot.argument->type->id() == arrow::Type::UINT64;
  batch.arguments[0].int64s = &int64;
  batch.arguments[0].doubles = &real;
  batch.arguments[0].int128s = &int128;
  kernel.update(state, batch, arena);
}

DateSpans::DateSpans(const Strata& strata, size_t num_dates, size_t num_windows)
    : num_strata_(static_cast<size_t>(strata.size())) {
  const auto dates = static_cast<int32_t>(num_dates);
  for (size_t w = 0; w < num_windows; ++w) {
    int32_t ends = 0;
    int32_t begins = 0;
    for (int32_t s = 0; s < strata.size(); ++s) {
      while (ends < dates && strata.Window(static_cast<size_t>(ends), w).last < s) ++ends;
      while (begins < dates && strata.Window(static_cast<size_t>(begins), w).first <= s) ++begins;
      ends_from_.push_back(ends);
      begins_after_.push_back(begins);
      begins_until_.push_back(begins - 1);
    }
  }
}

DistinctSweep::DistinctSweep(const TileLayout& layout, size_t slot, const ValueInterner& interner,
                             const DateSpans& spans, size_t num_dates, size_t num_windows)
    : layout_(layout),
      slot_(slot),
      interner_(interner),
      spans_(spans),
      num_dates_(num_dates),
      num_windows_(num_windows),
      window_counts_(num_windows, false) {
  for (const ResultSlot& result : layout.results) {
    if (result.distinct == static_cast<int>(slot) && !result.is_fed) {
      window_counts_[static_cast<size_t>(result.window)] = true;
    }
  }
}

arrow::Status DistinctSweep::Run(const BucketTable& table) {
  num_entities_ = table.num_entities();
  running_.assign(num_windows_ * num_entities_, 0);
  const DistinctSlot& slot = layout_.distincts[slot_];
  ARROW_ASSIGN_OR_RAISE(kind_, ArgumentKindOf(*slot.argument->type));
  fed_.resize(layout_.results.size());
  bool has_fed = false;
  for (size_t r = 0; r < layout_.results.size(); ++r) {
    const ResultSlot& result = layout_.results[r];
    if (!result.is_fed || result.distinct != static_cast<int>(slot_)) continue;
    has_fed = true;
    fed_[r].resize(num_entities_ * num_dates_ * result.kernel.state_size);
    result.kernel.initialize(fed_[r].data(), static_cast<int64_t>(num_entities_ * num_dates_));
  }

  const bool masks_too = interner_.overflowed();
  const std::vector<Hash128>& interned = interner_.values();
  // With a single date and a single stratum nothing slides: each value counts once.
  const bool is_plain_count = spans_.has_one_stratum() && num_dates_ == 1 && !has_fed;
  // The lists of all parts first: reading them one after the other, each load would wait for the
  // one before.
  struct List {
    const Hash128* values;
    uint32_t size;
    int32_t stratum;
  };
  std::vector<List> lists(table.part_begin(num_entities_));
  for (uint32_t p = 0; p < lists.size(); ++p) {
    const BucketTable::Part& part = table.part(p);
    const TileValues& list = part.run->distincts[slot_];
    if (!is_plain_count) lists[p].stratum = HeaderOf(table.part_row(p)).stratum;
    if (list.begin.empty()) continue;
    const uint32_t begin = list.begin[part.row];
    lists[p].values = list.values.data() + begin;
    lists[p].size = list.begin[part.row + 1] - begin;
    __builtin_prefetch(lists[p].values);
  }
  CodeTable values;
  std::vector<int32_t> last_stratum;
  for (size_t e = 0; e < num_entities_; ++e) {
    values.Clear();
    last_stratum.clear();
    auto occur = [&](const Hash128& value, int32_t stratum) {
      const uint32_t code = values.Insert(value);
      if (is_plain_count) return;
      if (code == last_stratum.size()) last_stratum.push_back(-1);
      int32_t& last = last_stratum[code];
      if (last == stratum) return;
      AddDates(e, value, stratum, last);
      last = stratum;
    };
    for (uint32_t p = table.part_begin(e); p < table.part_begin(e + 1); ++p) {
      const List& list = lists[p];
      for (uint32_t i = 0; i < list.size; ++i) occur(list.values[i], list.stratum);
      if (masks_too) {
        uint64_t mask;
        __builtin_memcpy(&mask, table.part_row(p) + sizeof(TileHeader) + slot.mask_offset,
                         sizeof mask);
        for (; mask != 0; mask &= mask - 1) {
          occur(interned[static_cast<size_t>(std::countr_zero(mask))], list.stratum);
        }
      }
    }
    if (!is_plain_count || values.size() == 0) continue;
    MakeRoom();
    for (size_t w = 0; w < num_windows_; ++w) {
      differences_[w * num_entities_ + e] = static_cast<int32_t>(values.size());
    }
  }
  return arrow::Status::OK();
}

void DistinctSweep::MakeRoom() {
  if (has_values_) return;
  has_values_ = true;
  differences_.assign(num_dates_ * num_windows_ * num_entities_, 0);
}

void DistinctSweep::AddDates(size_t entity, const Hash128& value, int32_t stratum,
                             int32_t previous) {
  MakeRoom();
  for (size_t w = 0; w < num_windows_; ++w) {
    if (!window_counts_[w]) continue;
    const DateSpans::Span span = spans_.NewDates(w, stratum, previous);
    if (span.last < span.first) continue;
    const size_t stride = num_windows_ * num_entities_;
    const size_t at = w * num_entities_ + entity;
    ++differences_[static_cast<size_t>(span.first) * stride + at];
    const auto end = static_cast<size_t>(span.last + 1);
    if (end < num_dates_) --differences_[end * stride + at];
  }
  for (size_t r = 0; r < fed_.size(); ++r) {
    if (fed_[r].empty()) continue;
    const ResultSlot& result = layout_.results[r];
    const auto window = static_cast<size_t>(result.window);
    const DateSpans::Span span = spans_.NewDates(window, stratum, previous);
    for (int32_t d = span.first; d <= span.last; ++d) {
      const size_t index = entity * num_dates_ + static_cast<size_t>(d);
      FeedDistinctValue(layout_.distincts[slot_], kind_, value, result.kernel,
                        fed_[r].data() + index * result.kernel.state_size, &arena_);
    }
  }
}

void DistinctSweep::Advance() {
  if (has_values_) {
    const size_t stride = num_windows_ * num_entities_;
    const int32_t* now = differences_.data() + date_ * stride;
    for (size_t i = 0; i < stride; ++i) running_[i] += now[i];
  }
  ++date_;
}

const uint8_t* DistinctSweep::fed_state(size_t result, size_t date, size_t entity) const {
  return fed_[result].data() +
         (entity * num_dates_ + date) * layout_.results[result].kernel.state_size;
}

}  // namespace tidemill
