#include "sql/spark_zones.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/calendar.h"
#include "sql/civil.h"
#include "sql/signatures.h"
#include "sql/to_sql.h"

namespace tidemill {
namespace {

constexpr const char* kEpoch = "TIMESTAMP_NTZ '1970-01-01 00:00:00'";
constexpr int64_t kMicros = 1'000'000;
constexpr int64_t kHourMicros = 3'600 * kMicros;
constexpr int64_t kDayMicros = kSecondsPerDay * kMicros;

/// Local times that clocks skip, in microseconds.
struct Gap {
  int64_t begin;
  int64_t length;

  int64_t end() const { return begin + length; }
  /// What is missing from the last multiple of its length to its end.
  int64_t shift() const { return FloorModulo(end(), length); }
};

/// The gaps of 1900 to 2100. Older ones are where a zone left the time of the sun.
std::vector<Gap> GapsOf(const TimeZone& zone) {
  std::vector<Gap> gaps;
  if (zone.is_utc()) return gaps;
  const CivilDay last = MakeCivilDay(2100, 1, 1);
  for (CivilDay day = MakeCivilDay(1900, 1, 1); day < last; ++day) {
    int64_t before = day * kDayMicros;
    int64_t after = before + kDayMicros;
    const int64_t offset = zone.OffsetAt(before);
    const int64_t length = zone.OffsetAt(after) - offset;
    if (length <= 0) continue;
    while (after - before > kMicros) {
      const int64_t middle = before + (after - before) / kMicros / 2 * kMicros;
      (zone.OffsetAt(middle) == offset ? before : after) = middle;
    }
    gaps.push_back({after + offset, length});
  }
  return gaps;
}

std::string LocalLiteral(int64_t micros) {
  const arrow::TimestampScalar value(micros, arrow::timestamp(arrow::TimeUnit::MICRO));
  return *LiteralToSql(value, Dialect::kSpark);
}

/// The shift() of the gap that holds `local` and is `length` long. Gaps of one length that follow
/// each other and have one shift share a branch; most have none to speak of.
std::string ShiftOf(const std::vector<Gap>& gaps, const std::string& local,
                    const std::string& length) {
  std::map<int64_t, std::vector<Gap>> by_length;
  for (const Gap& gap : gaps) by_length[gap.length].push_back(gap);
  std::string branches;
  for (const auto& [micros, alike] : by_length) {
    for (size_t first = 0; first < alike.size();) {
      size_t end = first + 1;
      while (end < alike.size() && alike[end].shift() == alike[first].shift()) ++end;
      if (alike[first].shift() != 0) {
        branches += fmt::format(" WHEN {} = {}L AND {} BETWEEN {} AND {} THEN {}L", length, micros,
                                local, LocalLiteral(alike[first].begin),
                                LocalLiteral(alike[end - 1].end()), alike[first].shift());
      }
      first = end;
    }
  }
  return branches.empty() ? "" : "CASE" + branches + " ELSE 0L END";
}

}  // namespace

const std::string& ZoneOf(const arrow::DataType& type) {
  return static_cast<const arrow::TimestampType&>(type).timezone();
}

bool IsZoned(const arrow::DataType& type) { return IsTimestamp(type) && !ZoneOf(type).empty(); }

std::string SparkInstantOf(const std::string& local, const std::string& zone) {
  const auto known = TimeZone::Find(zone);
  const std::vector<Gap> gaps = known == nullptr ? std::vector<Gap>() : GapsOf(*known);
  const std::string instant = "CAST(" + local + " AS TIMESTAMP)";
  if (gaps.empty()) return instant;
  // Spark moves local times in a gap on by the gap's length, so they lie in what is as long after
  // it. Cut to a multiple of the length, or to the hour, they are at the gap's end.
  const std::string shown = "CAST(" + instant + " AS TIMESTAMP_NTZ)";
  std::string cut = "date_trunc('HOUR', " + instant + ")";
  const bool are_hours = std::ranges::all_of(gaps, [](const Gap& gap) {
    return gap.length <= kHourMicros && gap.end() % kHourMicros == 0;
  });
  if (!are_hours) {
    const std::string micros = SparkMicrosOfLocalTime(shown);
    const std::string length = "(" + micros + " - " + SparkMicrosOfLocalTime(local) + ")";
    const std::string shift = ShiftOf(gaps, local, length);
    cut = fmt::format("timestamp_micros(unix_micros({}) - pmod({}{}, nullif({}, 0L)))", instant,
                      micros, shift.empty() ? "" : " - " + shift, length);
  }
  return "if(" + shown + " = " + local + ", " + instant + ", " + cut + ")";
}

std::string SparkMicrosOfLocalTime(const std::string& local) {
  return fmt::format("(({} - {}) div INTERVAL '0.000001' SECOND)", local, kEpoch);
}

std::string SparkMicrosInterval(const std::string& micros) {
  return "make_dt_interval(0, 0, 0, CAST(CAST(" + micros +
         " AS DECIMAL(20,0)) / 1000000 AS DECIMAL(18,6)))";
}

std::string SparkLocalTimeOfMicros(const std::string& micros) {
  return "(" + std::string(kEpoch) + " + " + SparkMicrosInterval(micros) + ")";
}

std::string SparkLocalTime(const std::string& instant, const std::string& zone,
                           const std::string& session_zone) {
  if (zone == session_zone) return "CAST(" + instant + " AS TIMESTAMP_NTZ)";
  const std::string utc = SparkLocalTimeOfMicros("unix_micros(" + instant + ")");
  if (zone == "UTC") return utc;
  return "convert_timezone('UTC', " + QuoteText(zone, Dialect::kSpark) + ", " + utc + ")";
}

}  // namespace tidemill
