#include "sql/interval.h"

#include <map>
#include <optional>

#include "sql/source_text.h"

namespace tidemill {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kMaxDays = 3'652'500;
constexpr int64_t kMaxMicros = kMaxDays * 24 * kHour;

struct Unit {
  int64_t days;
  int64_t micros;
};

/// By singular name or abbreviation.
std::optional<Unit> UnitOf(std::string name) {
  static const std::map<std::string, Unit, std::less<>> kUnits = {
      {"microsecond", {0, 1}},
      {"us", {0, 1}},
      {"millisecond", {0, 1000}},
      {"ms", {0, 1000}},
      {"second", {0, kSecond}},
      {"sec", {0, kSecond}},
      {"s", {0, kSecond}},
      {"minute", {0, kMinute}},
      {"min", {0, kMinute}},
      {"m", {0, kMinute}},
      {"hour", {0, kHour}},
      {"hr", {0, kHour}},
      {"h", {0, kHour}},
      {"day", {1, 0}},
      {"d", {1, 0}},
      {"week", {7, 0}},
      {"w", {7, 0}},
  };
  auto found = kUnits.find(name);
  if (found == kUnits.end() && name.size() > 2 && name.ends_with('s')) {
    name.pop_back();
    found = kUnits.find(name);
  }
  if (found == kUnits.end()) return std::nullopt;
  return found->second;
}

class IntervalParser {
 public:
  explicit IntervalParser(std::string_view text) : text_(text), lower_(FoldIdentifier(text)) {}

  arrow::Result<Interval> Parse() {
    SkipBlanks();
    if (AtEnd()) return Unreadable();
    while (!AtEnd()) {
      ARROW_RETURN_NOT_OK(Term());
      SkipBlanks();
    }
    return total_;
  }

 private:
  arrow::Status Term() {
    int sign = 1;
    if (lower_[at_] == '-' || lower_[at_] == '+') sign = lower_[at_++] == '-' ? -1 : 1;
    int64_t whole = 0;
    if (!Digits(&whole)) return Unreadable();
    if (Take(':')) return Clock(sign, whole);
    int64_t fraction = 0;
    if (Take('.') && !Millionths(&fraction)) return Unreadable();
    SkipBlanks();
    const size_t begin = at_;
    while (!AtEnd() && lower_[at_] >= 'a' && lower_[at_] <= 'z') ++at_;
    const std::string name = lower_.substr(begin, at_ - begin);
    const std::optional<Unit> unit = UnitOf(name);
    if (!unit) {
      if (name.starts_with("mon") || name.starts_with("year") || name == "y") {
        return arrow::Status::Invalid("intervals of months and years have no fixed length");
      }
      return Unreadable();
    }
    if (unit->days > 0 && fraction != 0) {
      return arrow::Status::Invalid("a day of an interval cannot be split; write the hours");
    }
    __extension__ const __int128 micros = static_cast<__int128>(whole) * unit->micros +
                                          static_cast<__int128>(fraction) * unit->micros / kSecond;
    if (micros > kMaxMicros) return TooLong();
    return Add(sign, whole * unit->days, static_cast<int64_t>(micros));
  }

  /// What follows "hh:".
  arrow::Status Clock(int sign, int64_t hours) {
    int64_t minutes = 0;
    int64_t seconds = 0;
    int64_t fraction = 0;
    if (!Digits(&minutes) || minutes > 59) return Unreadable();
    if (Take(':')) {
      if (!Digits(&seconds) || seconds > 59) return Unreadable();
      if (Take('.') && !Millionths(&fraction)) return Unreadable();
    }
    if (hours > kMaxDays * 24) return TooLong();
    return Add(sign, 0, hours * kHour + minutes * kMinute + seconds * kSecond + fraction);
  }

  arrow::Status Add(int sign, int64_t days, int64_t micros) {
    total_.days += sign * days;
    total_.micros += sign * micros;
    const auto is_long = [](int64_t value, int64_t limit) {
      return value > limit || value < -limit;
    };
    if (is_long(total_.days, kMaxDays) || is_long(total_.micros, kMaxMicros)) return TooLong();
    return arrow::Status::OK();
  }

  /// At least one digit, at most twelve.
  bool Digits(int64_t* value) {
    const size_t begin = at_;
    for (; !AtEnd() && lower_[at_] >= '0' && lower_[at_] <= '9'; ++at_) {
      *value = *value * 10 + (lower_[at_] - '0');
      if (at_ - begin >= 12) return false;
    }
    return at_ > begin;
  }

  /// The digits of a fraction as millionths; no more than six of them.
  bool Millionths(int64_t* value) {
    const size_t begin = at_;
    if (!Digits(value) || at_ - begin > 6) return false;
    for (size_t digits = at_ - begin; digits < 6; ++digits) *value *= 10;
    return true;
  }

  bool Take(char c) {
    if (AtEnd() || lower_[at_] != c) return false;
    ++at_;
    return true;
  }

  void SkipBlanks() {
    while (!AtEnd() && (lower_[at_] == ' ' || lower_[at_] == '\t')) ++at_;
  }

  bool AtEnd() const { return at_ >= lower_.size(); }

  arrow::Status Unreadable() const {
    return arrow::Status::Invalid("'", text_, "' is no interval");
  }

  arrow::Status TooLong() const {
    return arrow::Status::Invalid("the interval '", text_, "' is too long");
  }

  std::string_view text_;
  std::string lower_;
  size_t at_ = 0;
  Interval total_;
};

}  // namespace

arrow::Result<Interval> ParseInterval(std::string_view text) {
  return IntervalParser(text).Parse();
}

}  // namespace tidemill
