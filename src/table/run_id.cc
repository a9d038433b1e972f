#include "table/run_id.h"

#include <chrono>
#include <random>

#include <fmt/format.h>

#include "base/calendar.h"

namespace tidemill {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

struct Moment {
  CivilDay day;
  int hour, minute, second;
  int micros;
};

Moment ToMoment(int64_t micros) {
  int64_t day = micros / kMicrosPerDay;
  int64_t rest = micros % kMicrosPerDay;
  if (rest < 0) {
    --day;
    rest += kMicrosPerDay;
  }
  const auto seconds = static_cast<int>(rest / kMicrosPerSecond);
  return {static_cast<CivilDay>(day), seconds / 3600, seconds / 60 % 60, seconds % 60,
          static_cast<int>(rest % kMicrosPerSecond)};
}

}  // namespace

int64_t NowMicros() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::string FormatInstant(int64_t micros) {
  const Moment at = ToMoment(micros);
  return fmt::format("{}T{:02}:{:02}:{:02}.{:06}Z", FormatCivilDay(at.day), at.hour, at.minute,
                     at.second, at.micros);
}

std::string MakeRunId() {
  const Moment at = ToMoment(NowMicros());
  const YearMonthDay date = ToYearMonthDay(at.day);
  std::random_device random;
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}{:06}Z-{:08x}", date.year, date.month,
                     date.day, at.hour, at.minute, at.second, at.micros, random());
}

std::string MakeUuid() {
  std::random_device random;
  const uint32_t words[4] = {random(), random(), random(), random()};
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                     words[1] & 0xfff, (words[2] >> 16 & 0x3fff) | 0x8000, words[2] & 0xffff,
                     words[3]);
}

}  // namespace tidemill
