#pragma once

/// One line on a terminal that tells how far a long step has come.

#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>

#include "tidemill/run.h"

namespace tidemill {

/// "scan   [=======>            ]  38 %  1,234,567 rows  3.4 M rows/s  0:12 left", in at most
/// `width` cells. `seconds` is the time since the stage began.
std::string RenderProgress(const Progress& progress, double seconds, int width);

/// Draws on `stream`, at most ten times a second. Safe to use from several threads.
class ProgressBar {
 public:
  /// A bar that is not `enabled` draws nothing.
  ProgressBar(std::FILE* stream, int width, bool enabled)
      : stream_(stream), width_(width), enabled_(enabled) {}
  ~ProgressBar() { Clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(const Progress& progress);

  /// Wipes the line, so that other text can be written in its place.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::FILE* stream_;
  int width_;
  bool enabled_;
  std::mutex mutex_;
  bool is_drawn_ = false;
  std::string stage_;
  Clock::time_point stage_start_;
  Clock::time_point last_draw_;
};

}  // namespace tidemill
