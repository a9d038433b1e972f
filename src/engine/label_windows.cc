#include "engine/label_windows.h"

#include <algorithm>

#include "engine/code_table.h"

namespace tidemill {
namespace {

constexpr int64_t kMicrosPerHour = 3'600'000'000;
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

/// The instant `micros` before another, or the first that there is.
int64_t Before(int64_t instant, int64_t micros) {
  int64_t before;
  return __builtin_sub_overflow(instant, micros, &before) ? INT64_MIN : before;
}

}  // namespace

int64_t WindowBeginAt(int64_t instant, const WindowLength& window, const TimeZone& zone) {
  if (window.unit == Grain::kHour) return Before(instant, window.count * kMicrosPerHour);
  // Where local time would be beyond what 64 bits hold, no zone has rules.
  if (instant < INT64_MIN + kMicrosPerDay || instant > INT64_MAX - kMicrosPerDay) {
    return Before(instant, window.count * kMicrosPerDay);
  }
  const int64_t local = Before(instant + zone.OffsetAt(instant), window.count * kMicrosPerDay);
  return local < INT64_MIN + kMicrosPerDay ? local : zone.ToInstant(local);
}

LabelWindows::LabelWindows(const LabelKeys& labels, const std::vector<WindowLength>& windows,
                           const TimeZone& zone)
    : labels_(labels), windows_(windows.size()) {
  OrderLabels();
  first_.resize(order_.size() * windows_);
  last_.resize(order_.size());
  bound_begin_.push_back(0);
  bool is_first = true;
  for (uint32_t entity = 0; entity < labels.entities.size(); ++entity) {
    CutEntity(entity, windows, zone);
    const size_t begin = bound_begin_[entity];
    if (begin == bounds_.size()) continue;
    span_.first = is_first ? bounds_[begin] : std::min(span_.first, bounds_[begin]);
    span_.second = is_first ? bounds_.back() : std::max(span_.second, bounds_.back());
    is_first = false;
  }
}

void LabelWindows::OrderLabels() {
  label_begin_.assign(size_t{labels_.entities.size()} + 1, 0);
  for (const uint32_t entity : labels_.entity) {
    if (entity != EntityIndex::kNone) ++label_begin_[entity + 1];
  }
  for (size_t e = 1; e < label_begin_.size(); ++e) label_begin_[e] += label_begin_[e - 1];
  order_.resize(label_begin_.back());
  std::vector<size_t> next(label_begin_.begin(), label_begin_.end() - 1);
  for (uint32_t label = 0; label < labels_.entity.size(); ++label) {
    const uint32_t entity = labels_.entity[label];
    if (entity != EntityIndex::kNone) order_[next[entity]++] = label;
  }
  for (size_t e = 0; e + 1 < label_begin_.size(); ++e) {
    std::stable_sort(
        order_.begin() + static_cast<std::ptrdiff_t>(label_begin_[e]),
        order_.begin() + static_cast<std::ptrdiff_t>(label_begin_[e + 1]),
        [this](uint32_t a, uint32_t b) { return labels_.instants[a] < labels_.instants[b]; });
  }
}

void LabelWindows::CutEntity(uint32_t entity, const std::vector<WindowLength>& windows,
                             const TimeZone& zone) {
  const size_t from = bounds_.size();
  const size_t begin = label_begin_[entity];
  const size_t end = label_begin_[entity + 1];
  std::vector<int64_t> begins;
  begins.reserve((end - begin) * windows_);
  for (size_t place = begin; place < end; ++place) {
    const int64_t instant = labels_.instants[order_[place]];
    bounds_.push_back(instant);
    for (const WindowLength& window : windows) {
      begins.push_back(WindowBeginAt(instant, window, zone));
      bounds_.push_back(begins.back());
    }
  }
  const auto first = bounds_.begin() + static_cast<std::ptrdiff_t>(from);
  std::sort(first, bounds_.end());
  bounds_.erase(std::unique(first, bounds_.end()), bounds_.end());
  const auto index_of = [&](int64_t bound) {
    const auto entity_bounds = bounds_.begin() + static_cast<std::ptrdiff_t>(from);
    return static_cast<int32_t>(std::lower_bound(entity_bounds, bounds_.end(), bound) -
                                entity_bounds);
  };
  // `depth` counts the windows that hold an interval.
  std::vector<int32_t> depth(bounds_.size() - from + 1, 0);
  for (size_t place = begin; place < end; ++place) {
    const int32_t after = index_of(labels_.instants[order_[place]]);
    last_[place] = after - 1;
    for (size_t w = 0; w < windows_; ++w) {
      const int32_t interval = index_of(begins[(place - begin) * windows_ + w]);
      first_[place * windows_ + w] = interval;
      ++depth[static_cast<size_t>(interval)];
      --depth[static_cast<size_t>(after)];
    }
  }
  int32_t covering = 0;
  for (size_t i = 0; i < bounds_.size() - from; ++i) {
    covering += depth[i];
    is_covered_.push_back(covering > 0 ? 1 : 0);
  }
  bound_begin_.push_back(bounds_.size());
}

int32_t LabelWindows::IntervalOf(uint32_t entity, int64_t instant) const {
  const auto begin = bounds_.begin() + static_cast<std::ptrdiff_t>(bound_begin_[entity]);
  const auto end = bounds_.begin() + static_cast<std::ptrdiff_t>(bound_begin_[entity + 1]);
  const auto after = std::upper_bound(begin, end, instant);
  if (after == begin) return -1;
  const auto interval = after - begin - 1;
  const bool is_covered = is_covered_[bound_begin_[entity] + static_cast<size_t>(interval)] != 0;
  return is_covered ? static_cast<int32_t>(interval) : -1;
}

RowGroups GroupByIntervals(const LabelWindows& windows, RowGroups entities,
                           const std::vector<int64_t>& instants) {
  std::vector<uint32_t> entity_of_group(entities.num_groups, EntityIndex::kNone);
  for (size_t g = 0; g < entities.num_groups; ++g) {
    if (entities.first_row[g] >= 0) entity_of_group[g] = windows.Find(entities.keys[g]);
  }
  RowGroups result;
  result.rows_without_entity = entities.rows_without_entity;
  const size_t n = instants.size();
  result.group_storage.assign(n, 0);
  result.selected_storage.assign(n, 0);
  CodeTable pairs(n / 8 + 16);
  for (size_t i = 0; i < n; ++i) {
    if (entities.selected != nullptr && !entities.selected[i]) continue;
    const uint32_t group = entities.groups[i];
    const uint32_t entity = entity_of_group[group];
    if (entity == EntityIndex::kNone) continue;
    const int32_t interval = windows.IntervalOf(entity, instants[i]);
    if (interval < 0) continue;
    const uint32_t code = pairs.Insert({group, static_cast<uint64_t>(interval)});
    if (code == result.first_row.size()) {
      result.first_row.push_back(static_cast<int64_t>(i));
      result.keys.push_back(entities.keys[group]);
      result.strata.push_back(interval);
    }
    result.group_storage[i] = code;
    result.selected_storage[i] = 1;
  }
  result.num_groups = pairs.size();
  result.groups = result.group_storage.data();
  result.selected = result.selected_storage.data();
  result.key_arena = std::move(entities.key_arena);
  return result;
}

}  // namespace tidemill
