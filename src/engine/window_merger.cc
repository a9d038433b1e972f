#include "engine/window_merger.h"

#include <bit>
#include <cstring>

#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>

#include "engine/merge_queue.h"

namespace tidemill {

WindowMerger::WindowMerger(const Plan& plan, const ScanResult& scan, const BucketTable& table,
                           const DateSpans& spans)
    : plan_(plan), layout_(*scan.layout), table_(table) {
  const size_t windows = plan.pipeline->windows.size();
  for (size_t d = 0; d < layout_.distincts.size(); ++d) {
    sweeps_.emplace_back(layout_, d, (*scan.interners)[d], spans, plan.dates.size(), windows);
  }
  end_.resize(table.num_entities());
  for (size_t e = 0; e < table.num_entities(); ++e) end_[e] = table.tile_begin(e);
  begin_.assign(windows, end_);
  identity_.resize(layout_.states_size);
  layout_.Initialize(identity_.data());
}

arrow::Status WindowMerger::Prepare() {
  for (DistinctSweep& sweep : sweeps_) ARROW_RETURN_NOT_OK(sweep.Run(table_));
  return arrow::Status::OK();
}

void WindowMerger::MoveCursors(size_t date_index) {
  const size_t windows = begin_.size();
  const int32_t last = plan_.strata.Window(date_index, 0).last;
  for (size_t e = 0; e < end_.size(); ++e) {
    const uint32_t stop = table_.tile_begin(e + 1);
    while (end_[e] < stop && table_.stratum(end_[e]) <= last) ++end_[e];
  }
  for (size_t w = 0; w < windows; ++w) {
    const int32_t first = plan_.strata.Window(date_index, w).first;
    for (size_t e = 0; e < end_.size(); ++e) {
      while (begin_[w][e] < end_[e] && table_.stratum(begin_[w][e]) < first) ++begin_[w][e];
    }
  }
}

bool WindowMerger::IsInUniverse(size_t entity) const {
  const uint32_t first = table_.tile_begin(entity);
  return first < table_.tile_begin(entity + 1) && table_.stratum(first) == kUniverseStratum;
}

arrow::Result<DateAggregates> WindowMerger::Next(bool wanted) {
  // Moves on whatever becomes of this date.
  const size_t date_index = next_date_++;
  MoveCursors(date_index);
  for (DistinctSweep& sweep : sweeps_) sweep.Advance();
  DateAggregates date;
  date.index = date_index;
  date.results.resize(layout_.results.size());
  if (!wanted) return date;
  const size_t longest = plan_.strata.Longest(date_index);
  for (size_t e = 0; e < end_.size(); ++e) {
    const bool has_events = begin_[longest][e] < end_[e];
    if (has_events || IsInUniverse(e)) date.entities.push_back(static_cast<uint32_t>(e));
  }

  const size_t size = layout_.states_size;
  std::vector<const uint8_t*> rows(date.entities.size());
  for (size_t w = 0; w < begin_.size(); ++w) {
    Arena arena;
    MergeQueue queue(layout_, w, &arena);
    size_t merged = 0;
    for (uint32_t entity : date.entities) merged += end_[entity] - begin_[w][entity] > 1;
    if (merged > merged_capacity_) {
      merged_ = std::make_unique_for_overwrite<uint8_t[]>(merged * size);
      merged_capacity_ = merged;
    }
    uint8_t* next = merged_.get();
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t entity = date.entities[i];
      const uint32_t begin = begin_[w][entity];
      const uint32_t end = end_[entity];
      if (begin == end) {
        rows[i] = identity_.data();
      } else if (end - begin == 1) {
        rows[i] = table_.states(begin);
      } else {
        std::memcpy(next, identity_.data(), size);
        for (uint32_t t = begin; t < end; ++t) queue.Add(next, table_.states(t));
        rows[i] = next;
        next += size;
      }
    }
    queue.Flush();
    for (size_t r = 0; r < layout_.results.size(); ++r) {
      if (layout_.results[r].window == static_cast<int>(w)) {
        ARROW_RETURN_NOT_OK(Finalize(r, rows, &date));
      }
    }
  }
  return date;
}

arrow::Status WindowMerger::Finalize(size_t result_index, const std::vector<const uint8_t*>& rows,
                                     DateAggregates* date) const {
  const ResultSlot& result = layout_.results[result_index];
  if (result.distinct >= 0 && !result.is_fed) {
    ARROW_ASSIGN_OR_RAISE(date->results[result_index], CountDistinct(result, rows, *date));
    return arrow::Status::OK();
  }
  std::unique_ptr<arrow::ArrayBuilder> builder;
  ARROW_RETURN_NOT_OK(
      arrow::MakeBuilder(arrow::default_memory_pool(), result.kernel.result_type, &builder));
  const auto n = static_cast<int64_t>(rows.size());
  ARROW_RETURN_NOT_OK(builder->Reserve(n));
  arrow::Status status;
  if (result.is_fed) {
    const DistinctSweep& sweep = sweeps_[static_cast<size_t>(result.distinct)];
    std::vector<const uint8_t*> fed;
    for (uint32_t entity : date->entities) {
      fed.push_back(sweep.fed_state(result_index, date->index, entity));
    }
    status = result.kernel.finalize(result.kernel, fed.data(), 0, n, builder.get());
  } else {
    const StateSlot& slot = layout_.states[static_cast<size_t>(result.state)];
    status = result.kernel.finalize(result.kernel, rows.data(), slot.offset, n, builder.get());
  }
  if (!status.ok())
    return WithContext(status, FeaturesUsing(*plan_.pipeline, static_cast<int>(result_index)));
  return builder->Finish(&date->results[result_index]);
}

arrow::Result<std::shared_ptr<arrow::Array>> WindowMerger::CountDistinct(
    const ResultSlot& result, const std::vector<const uint8_t*>& rows,
    const DateAggregates& date) const {
  const auto slot = static_cast<size_t>(result.distinct);
  const DistinctSweep& sweep = sweeps_[slot];
  const size_t mask_offset = layout_.distincts[slot].mask_offset;
  const bool from_masks = !sweep.masks_are_values();
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(rows.size())));
  for (size_t i = 0; i < rows.size(); ++i) {
    int64_t count = sweep.count(static_cast<size_t>(result.window), date.entities[i]);
    if (from_masks) {
      uint64_t mask;
      std::memcpy(&mask, rows[i] + mask_offset, sizeof mask);
      count += std::popcount(mask);
    }
    builder.UnsafeAppend(count);
  }
  return builder.Finish();
}

}  // namespace tidemill
