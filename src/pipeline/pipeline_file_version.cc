#include "pipeline/pipeline_file_version.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include "base/calendar.h"

namespace tidemill {
namespace {

/// Milliseconds since the epoch of "2026-03-02T14:00:00Z" or "2026-03-02 14:00:00.250"; UTC.
std::optional<int64_t> ParseInstantMillis(const std::string& text) {
  int hour = 0;
  int minute = 0;
  double second = 0;
  char separator = 0;
  int end = 0;
  const auto day = ParseCivilDay(text.substr(0, 10));
  if (!day) return std::nullopt;
  if (text.size() == 10) return int64_t{*day} * 86'400'000;
  if (std::sscanf(text.c_str() + 10, "%c%2d:%2d:%lf%n", &separator, &hour, &minute, &second,
                  &end) != 4 ||
      (separator != 'T' && separator != ' ') || hour > 23 || minute > 59 || second < 0 ||
      second >= 60) {
    return std::nullopt;
  }
  const std::string rest = text.substr(10 + static_cast<size_t>(end));
  if (!rest.empty() && rest != "Z") return std::nullopt;
  return ((int64_t{*day} * 24 + hour) * 60 + minute) * 60'000 + std::llround(second * 1000);
}

}  // namespace

std::optional<int64_t> ReadCount(const LocatedText& text, int64_t least, const std::string& key,
                                 const std::string& meaning, Faults* faults) {
  int64_t count = 0;
  const char* end = text.text.data() + text.text.size();
  const auto [rest, error] = std::from_chars(text.text.data(), end, count);
  if (error == std::errc() && rest == end && count >= least) return count;
  faults->Add(text.position, fmt::format("{} is '{}', which is not {}", key, text.text, meaning),
              fmt::format("write a whole number of at least {}", least));
  return std::nullopt;
}

void ReadTableVersion(const MapReader& map, const std::string& name, TableSpec* spec,
                      Faults* faults) {
  const auto version = map.Text("version");
  if (version) {
    spec->version = ReadCount(*version, 0, map.NameOf("version"), "a version of the table", faults);
  }
  const auto timestamp = map.Text("timestamp");
  if (!timestamp) return;
  if (version) {
    faults->Add(timestamp->position, fmt::format("the {} has both 'version' and 'timestamp'", name),
                "one of them says which version of the table is read");
  }
  spec->timestamp_ms = ParseInstantMillis(timestamp->text);
  if (!spec->timestamp_ms) {
    faults->Add(timestamp->position,
                fmt::format("{} is '{}', which is not an instant", map.NameOf("timestamp"),
                            timestamp->text),
                "write it in UTC, as in 2026-03-02T14:00:00Z");
  }
}

}  // namespace tidemill
