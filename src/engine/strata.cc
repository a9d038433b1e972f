#include "engine/strata.h"

#include <algorithm>

namespace tidemill {

Strata::Strata(const Calendar& calendar, const std::vector<Slot>& dates,
               const std::vector<WindowLength>& windows)
    : windows_per_date_(windows.size()) {
  for (Slot date : dates) {
    for (const WindowLength& window : windows) {
      window_slots_.push_back(
          {calendar.WindowBegin(date, window.count, StepOf(window.unit)), date});
    }
  }
  slots_ = window_slots_.front();
  for (const SlotRange& range : window_slots_) {
    slots_.first = std::min(slots_.first, range.first);
    slots_.last = std::max(slots_.last, range.last);
  }

  // A stratum begins where a window begins or the slot after one ends. `depth` counts the windows
  // that hold a slot.
  const auto length = static_cast<size_t>(slots_.size());
  std::vector<bool> begins(length + 1, false);
  std::vector<int32_t> depth(length + 1, 0);
  for (const SlotRange& range : window_slots_) {
    const auto first = static_cast<size_t>(range.first - slots_.first);
    const auto after = static_cast<size_t>(range.last - slots_.first) + 1;
    begins[first] = begins[after] = true;
    ++depth[first];
    --depth[after];
  }
  of_slot_.assign(length, -1);
  int32_t covering = 0;
  for (size_t i = 0; i < length; ++i) {
    covering += depth[i];
    if (covering == 0) continue;
    if (begins[i]) ++size_;
    of_slot_[i] = size_ - 1;
  }
  for (const SlotRange& range : window_slots_) {
    windows_.push_back({Of(range.first), Of(range.last)});
  }
}

size_t Strata::Longest(size_t date) const {
  size_t longest = 0;
  for (size_t w = 1; w < windows_per_date_; ++w) {
    if (WindowSlots(date, w).first < WindowSlots(date, longest).first) longest = w;
  }
  return longest;
}

}  // namespace tidemill
