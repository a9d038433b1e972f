#include "engine/label_distincts.h"

#include <algorithm>

#include "aggregate/registry.h"
#include "engine/code_table.h"
#include "engine/distinct_sweep.h"

namespace tidemill {

LabelDistincts::LabelDistincts(const TileLayout& layout, const BucketTable& table, size_t entity,
                               size_t slot)
    : slot_(layout.distincts[slot]), kind_(*ArgumentKindOf(*slot_.argument->type)) {
  const uint32_t first = table.tile_begin(entity);
  sums_.assign(table.tile_begin(entity + 1) - first + 1, 0);
  CodeTable values;
  std::vector<int32_t> last;
  uint32_t tile = 0;
  for (uint32_t p = table.part_begin(entity); p < table.part_begin(entity + 1); ++p) {
    while (table.stratum(first + tile) != HeaderOf(table.part_row(p)).stratum) ++tile;
    const BucketTable::Part& part = table.part(p);
    const TileValues& list = part.run->distincts[slot];
    if (list.begin.empty()) continue;
    for (uint32_t i = list.begin[part.row]; i < list.begin[part.row + 1]; ++i) {
      const uint32_t code = values.Insert(list.values[i]);
      if (code == last.size()) last.push_back(-1);
      if (last[code] == static_cast<int32_t>(tile)) continue;
      occurrences_.push_back({tile, last[code], list.values[i]});
      last[code] = static_cast<int32_t>(tile);
    }
  }
}

void LabelDistincts::AddAt(uint32_t tile, int32_t change) {
  for (size_t i = size_t{tile} + 1; i < sums_.size(); i += i & (~i + 1)) sums_[i] += change;
}

int64_t LabelDistincts::Count(uint32_t begin, uint32_t end) {
  for (; next_ < occurrences_.size() && occurrences_[next_].tile < end; ++next_) {
    const Occurrence& occurrence = occurrences_[next_];
    AddAt(occurrence.tile, 1);
    if (occurrence.previous < 0) {
      ++values_;
    } else {
      AddAt(static_cast<uint32_t>(occurrence.previous), -1);
    }
  }
  int64_t before = 0;
  for (size_t i = begin; i > 0; i &= i - 1) before += sums_[i];
  return values_ - before;
}

void LabelDistincts::Feed(uint32_t begin, uint32_t end, const ResultSlot& result, uint8_t* state,
                          Arena* arena) const {
  auto occurrence =
      std::ranges::lower_bound(occurrences_, begin, {}, [](const Occurrence& o) { return o.tile; });
  for (; occurrence != occurrences_.end() && occurrence->tile < end; ++occurrence) {
    if (occurrence->previous >= static_cast<int32_t>(begin)) continue;
    FeedDistinctValue(slot_, kind_, occurrence->value, result.kernel, state, arena);
  }
}

}  // namespace tidemill
