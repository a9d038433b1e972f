#pragma once

#include <chrono>

namespace tidemill {

/// Wall time in seconds.
class Stopwatch {
 public:
  /// Since construction or the last Lap.
  double Lap() {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - lap_).count();
    lap_ = now;
    return seconds;
  }
  /// Since construction.
  double Total() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  Clock::time_point lap_ = start_;
};

}  // namespace tidemill
