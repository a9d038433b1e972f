#include "base/calendar.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <vector>

#include <date/tz.h>
#include <fmt/format.h>

// A zone is read once into a table of spans of constant offset; after that, time arithmetic is
// integers and a binary search. Two cases need care:
//
// - Midnight may not exist (clocks go from 00:00 to 01:00, as in Beirut), or a whole day may not
// (Apia, 2011-12-30).
//   The day then begins with the first instant after the gap; a day that is skipped has no
//   instants.
// - Clocks may be put back across midnight. Where they go from 00:00 to 23:00 (Sao Paulo), midnight
// is reached once,
//   an hour later. Where they go from 00:01 to 23:01 (St. John's until 2011), the new day has
//   already begun: it goes on, and is not interrupted by an hour of the day before. So days are
//   monotone in time, and the day of an instant is always the one whose range of instants holds it.
//   `earliest_day` of a span carries that.
//
// At grain hour a slot is an hour of UTC. In zones whose offset is not a whole number of hours its
// label is the local hour in which it begins.

namespace tidemill {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerHour = 3600 * kMicrosPerSecond;
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;
/// More than any zone has ever been from UTC, in hours: local times within it may be the same
/// instant.
constexpr int32_t kMaxOffsetHours = 26;
/// Instants are clamped to this, so that adding an offset or a day cannot overflow.
constexpr int64_t kMaxInstant = std::numeric_limits<int64_t>::max() - 4 * kMicrosPerDay;

constexpr int64_t FloorDivide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient - (a % b < 0 ? 1 : 0);
}

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return -FloorDivide(-a, b); }

int64_t ClampInstant(int64_t instant) { return std::clamp(instant, -kMaxInstant, kMaxInstant); }

/// The hour count of an instant, saturated to the range of a slot.
int32_t HourOf(int64_t micros) {
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(std::clamp(FloorDivide(micros, kMicrosPerHour), kMin, kMax));
}

/// `count` decimal digits at `text[at]`, or -1.
int ParseDigits(std::string_view text, size_t at, size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool IsLeapYear(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[month - 1];
}

/// "+01:00"; with seconds where the offset has them (local mean times).
std::string FormatOffset(int64_t micros) {
  const int64_t seconds = std::abs(micros) / kMicrosPerSecond;
  std::string text =
      fmt::format("{}{:02}:{:02}", micros < 0 ? '-' : '+', seconds / 3600, seconds / 60 % 60);
  if (seconds % 60 != 0) text += fmt::format(":{:02}", seconds % 60);
  return text;
}

/// The inverse of FormatOffset.
std::optional<int64_t> ParseOffset(std::string_view text) {
  if (text.size() != 6 && text.size() != 9) return std::nullopt;
  if ((text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  if (text.size() == 9 && text[6] != ':') return std::nullopt;
  const int hours = ParseDigits(text, 1, 2);
  const int minutes = ParseDigits(text, 4, 2);
  const int seconds = text.size() == 9 ? ParseDigits(text, 7, 2) : 0;
  if (hours < 0 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return std::nullopt;
  const int64_t micros = (hours * 3600 + minutes * 60 + seconds) * kMicrosPerSecond;
  return text[0] == '-' ? -micros : micros;
}

class UtcZone : public TimeZone {
 public:
  explicit UtcZone(std::string name) : name_(std::move(name)) {}

  const std::string& name() const override { return name_; }
  bool is_utc() const override { return true; }
  int64_t OffsetAt(int64_t) const override { return 0; }
  int64_t ToInstant(int64_t local_micros) const override { return local_micros; }
  void CivilDays(const int64_t* instants, int64_t n, int32_t* days) const override {
    for (int64_t i = 0; i < n; ++i) {
      days[i] = static_cast<int32_t>(FloorDivide(instants[i], kMicrosPerDay));
    }
  }

 private:
  std::string name_;
};

/// A zone of the system's time zone database.
class TableZone : public TimeZone {
 public:
  TableZone(std::string name, const date::time_zone& zone) : name_(std::move(name)) {
    using std::chrono::seconds;
    // The database holds transitions from the 19th century to 2037.
    const date::sys_seconds last_read = date::sys_days(date::year(2100) / 1 / 1);
    date::sys_seconds at = date::sys_days(date::year(1800) / 1 / 1);
    while (at < last_read) {
      const date::sys_info info = zone.get_info(at);
      const int64_t begin = spans_.empty() ? std::numeric_limits<int64_t>::min()
                                           : at.time_since_epoch().count() * kMicrosPerSecond;
      AddSpan(begin, info.offset.count() * kMicrosPerSecond);
      if (info.end <= at) break;
      at = info.end;
    }
  }

  const std::string& name() const override { return name_; }
  bool is_utc() const override { return false; }

  int64_t OffsetAt(int64_t instant_micros) const override { return SpanAt(instant_micros)->offset; }

  int64_t ToInstant(int64_t local_micros) const override {
    const int64_t local = ClampInstant(local_micros);
    const Span* span = SpanAt(ClampInstant(local - kMaxOffsetHours * kMicrosPerHour));
    for (;; ++span) {
      if (local < EndOf(span) + span->offset) return std::max(span->begin, local - span->offset);
    }
  }

  void CivilDays(const int64_t* instants, int64_t n, int32_t* days) const override {
    const Span* span = &spans_.front();
    int64_t begin = span->begin;
    int64_t end = EndOf(span);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t instant = ClampInstant(instants[i]);
      if (instant < begin || instant >= end) {
        span = SpanAt(instant);
        begin = span->begin;
        end = EndOf(span);
      }
      const auto local_day =
          static_cast<int32_t>(FloorDivide(instant + span->offset, kMicrosPerDay));
      days[i] = std::max(local_day, span->earliest_day);
    }
  }

 private:
  /// Instants from `begin` up to the begin of the next span.
  struct Span {
    int64_t begin;
    int64_t offset;
    int32_t earliest_day;  ///< the day of the instant before `begin`
  };

  void AddSpan(int64_t begin, int64_t offset) {
    int32_t earliest_day = std::numeric_limits<int32_t>::min();
    if (!spans_.empty()) {
      if (spans_.back().offset == offset) return;
      const int64_t before = begin - 1;
      CivilDays(&before, 1, &earliest_day);
    }
    spans_.push_back({begin, offset, earliest_day});
  }

  const Span* SpanAt(int64_t instant) const {
    const auto after =
        std::upper_bound(spans_.begin() + 1, spans_.end(), instant,
                         [](int64_t at, const Span& span) { return at < span.begin; });
    return &*(after - 1);
  }

  /// The instant after the span, as far as arithmetic with it is safe.
  int64_t EndOf(const Span* span) const {
    return span == &spans_.back() ? kMaxInstant + 2 * kMicrosPerDay : (span + 1)->begin;
  }

  std::string name_;
  std::vector<Span> spans_;  // in order; the first begins before all time
};

/// The local hour (hours since the local epoch) in which an hour slot begins.
int32_t LocalHour(const TimeZone& zone, int32_t hour) {
  const int64_t begin = hour * kMicrosPerHour;
  return HourOf(begin + zone.OffsetAt(begin));
}

}  // namespace

CivilDay MakeCivilDay(int year, int month, int day) {
  // days_from_civil of Howard Hinnant, "chrono-compatible low-level date algorithms": years begin
  // in March, so that the leap day comes last, and are counted within eras of 400 years.
  const int y = month <= 2 ? year - 1 : year;
  const int era = (y >= 0 ? y : y - 399) / 400;
  const int year_of_era = y - era * 400;
  const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

YearMonthDay ToYearMonthDay(CivilDay civil_day) {
  // civil_from_days of the same source.
  const int64_t shifted = int64_t{civil_day} + 719468;
  const int64_t era = FloorDivide(shifted, 146097);
  const int day_of_era = static_cast<int>(shifted - era * 146097);
  const int year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int shifted_month = (5 * day_of_year + 2) / 153;
  const int day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const int month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const int year = static_cast<int>(era * 400) + year_of_era + (month <= 2 ? 1 : 0);
  return {year, month, day};
}

std::optional<CivilDay> ParseCivilDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int year = ParseDigits(text, 0, 4);
  const int month = ParseDigits(text, 5, 2);
  const int day = ParseDigits(text, 8, 2);
  if (year < 1 || month < 1 || month > 12) return std::nullopt;
  if (day < 1 || day > DaysInMonth(year, month)) return std::nullopt;
  return MakeCivilDay(year, month, day);
}

std::string FormatCivilDay(CivilDay day) {
  const YearMonthDay date = ToYearMonthDay(day);
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::shared_ptr<const TimeZone> TimeZone::Find(const std::string& name) {
  constexpr std::string_view kUtcNames[] = {"UTC",     "Etc/UTC",       "Etc/UCT",  "UCT",
                                            "Zulu",    "Etc/Zulu",      "GMT",      "Etc/GMT",
                                            "Etc/UTC", "Etc/Universal", "Universal"};
  if (std::find(std::begin(kUtcNames), std::end(kUtcNames), name) != std::end(kUtcNames)) {
    return std::make_shared<UtcZone>(name);
  }
  try {
    return std::make_shared<TableZone>(name, *date::locate_zone(name));
  } catch (const std::exception&) {  // an unknown name, or a machine without a database
    return nullptr;
  }
}

std::optional<Slot> Calendar::Parse(std::string_view label) const {
  const std::optional<CivilDay> day = ParseCivilDay(label.substr(0, 10));
  if (!day.has_value()) return std::nullopt;
  if (step_ == Step::kDay) {
    if (label.size() != 10) return std::nullopt;
    return Slot{*day};
  }

  if (label.size() < 13 || label[10] != 'T') return std::nullopt;
  const int hour_of_day = ParseDigits(label, 11, 2);
  if (hour_of_day < 0 || hour_of_day > 23) return std::nullopt;
  std::optional<int64_t> offset;
  if (label.size() > 13) {
    offset = ParseOffset(label.substr(13));
    if (!offset.has_value()) return std::nullopt;
  }
  const int32_t wanted = *day * 24 + hour_of_day;
  for (int32_t hour = wanted - kMaxOffsetHours; hour <= wanted + kMaxOffsetHours; ++hour) {
    if (LocalHour(*zone_, hour) != wanted) continue;
    if (!offset.has_value() || zone_->OffsetAt(hour * kMicrosPerHour) == *offset) return Slot{hour};
  }
  return std::nullopt;
}

std::string Calendar::Format(Slot slot) const {
  if (step_ == Step::kDay) return FormatCivilDay(slot.index);

  const int32_t local = LocalHour(*zone_, slot.index);
  const auto day = static_cast<CivilDay>(FloorDivide(local, 24));
  std::string label = fmt::format("{}T{:02}", FormatCivilDay(day), local - day * 24);
  for (int32_t back = 1; back <= kMaxOffsetHours; ++back) {
    if (LocalHour(*zone_, slot.index - back) == local) {
      return label + FormatOffset(zone_->OffsetAt(slot.index * kMicrosPerHour));
    }
  }
  return label;
}

CivilDay Calendar::DayOf(Slot slot) const {
  if (step_ == Step::kDay) return slot.index;
  const int64_t begin = slot.index * kMicrosPerHour;
  CivilDay day;
  zone_->CivilDays(&begin, 1, &day);
  return day;
}

SlotRange Calendar::SlotsOfDay(CivilDay day) const {
  if (step_ == Step::kDay) return {{day}, {day}};
  const int64_t begin = zone_->ToInstant(day * kMicrosPerDay);
  const int64_t end = zone_->ToInstant((int64_t{day} + 1) * kMicrosPerDay);
  return {{static_cast<int32_t>(CeilDivide(begin, kMicrosPerHour))},
          {static_cast<int32_t>(CeilDivide(end, kMicrosPerHour) - 1)}};
}

SlotRange Calendar::SlotsTouchingDay(CivilDay day) const {
  if (step_ == Step::kDay) return {{day}, {day}};
  const int64_t begin = zone_->ToInstant(day * kMicrosPerDay);
  const int64_t end = zone_->ToInstant((int64_t{day} + 1) * kMicrosPerDay);
  return {{HourOf(begin)}, {HourOf(end - 1)}};
}

std::pair<CivilDay, CivilDay> Calendar::DaysTouched(SlotRange slots) const {
  if (step_ == Step::kDay) return {slots.first.index, slots.last.index};
  const int64_t instants[] = {Instants(slots.first).first, Instants(slots.last).second - 1};
  CivilDay days[2];
  zone_->CivilDays(instants, 2, days);
  return {days[0], days[1]};
}

std::pair<int64_t, int64_t> Calendar::Instants(Slot slot) const {
  const int64_t index = slot.index;
  if (step_ == Step::kHour) return {index * kMicrosPerHour, (index + 1) * kMicrosPerHour};
  return {zone_->ToInstant(index * kMicrosPerDay), zone_->ToInstant((index + 1) * kMicrosPerDay)};
}

void Calendar::SlotsOfInstants(const int64_t* instants, int64_t n, int32_t* slots) const {
  if (step_ == Step::kDay) {
    zone_->CivilDays(instants, n, slots);
    return;
  }
  for (int64_t i = 0; i < n; ++i) slots[i] = HourOf(instants[i]);
}

Slot Calendar::WindowBegin(Slot last, int32_t count, Step unit) const {
  if (unit == step_) return last - (count - 1);
  // Days back at grain hour: the hour after the last one whose local hour is not after the same
  // hour, `count` days before. Where that hour is repeated, both are outside; where it is skipped,
  // the next one is inside.
  const int32_t outside = LocalHour(*zone_, last.index) - count * 24;
  int32_t hour = outside + kMaxOffsetHours;
  while (LocalHour(*zone_, hour) > outside) --hour;
  return {hour + 1};
}

Slot Calendar::After(Slot slot, int32_t count, Step unit) const {
  if (unit == step_) return slot + count;
  const int32_t wanted = LocalHour(*zone_, slot.index) + count * 24;
  int32_t hour = wanted - kMaxOffsetHours;
  while (LocalHour(*zone_, hour) < wanted) ++hour;
  return {hour};
}

}  // namespace tidemill
