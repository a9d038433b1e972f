#include "sql/clock.h"

#include <map>
#include <mutex>

namespace tidemill {

namespace {

/// Zones are tables of some hundred spans: read each once.
std::shared_ptr<const TimeZone> CachedZone(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const TimeZone>> zones;
  const std::lock_guard lock(mutex);
  const auto found = zones.find(name);
  if (found != zones.end()) return found->second;
  return zones[name] = TimeZone::Find(name);
}

}  // namespace

std::optional<int64_t> ParseUtcOffset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  constexpr int64_t kUnits[] = {3600, 60, 1};
  constexpr int kLimits[] = {15, 59, 59};  // PostgreSQL's: no zone is 16 hours from UTC
  int64_t seconds = 0;
  size_t at = 1;
  for (size_t field = 0; field < 3 && (field == 0 || at < text.size()); ++field) {
    if (field > 0 && text[at] == ':') ++at;
    if (at + 2 > text.size()) return std::nullopt;
    const int tens = text[at] - '0';
    const int ones = text[at + 1] - '0';
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return std::nullopt;
    if (tens * 10 + ones > kLimits[field]) return std::nullopt;
    seconds += (tens * 10 + ones) * kUnits[field];
    at += 2;
  }
  if (at != text.size()) return std::nullopt;
  return text[0] == '-' ? -seconds : seconds;
}

arrow::Result<Clock> Clock::Of(const arrow::TimestampType& type, const std::string& zone) {
  Clock clock;
  clock.ticks_ = TicksPerSecond(type.unit());
  const std::string& name = zone.empty() ? type.timezone() : zone;
  if (name.empty() || name == "UTC") return clock;
  if (const std::optional<int64_t> offset = ParseUtcOffset(name)) {
    clock.fixed_offset_ = *offset * clock.ticks_;
    return clock;
  }
  clock.zone_ = CachedZone(name);
  if (clock.zone_ == nullptr) return arrow::Status::Invalid("unknown time zone '", name, "'");
  if (clock.zone_->is_utc()) clock.zone_ = nullptr;
  return clock;
}

}  // namespace tidemill
