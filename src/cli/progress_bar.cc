#include "cli/progress_bar.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/display_text.h"

namespace tidemill {
namespace {

constexpr int kBarWidth = 20;
constexpr int kStageWidth = 8;
constexpr std::chrono::milliseconds kDrawInterval(100);
constexpr double kSecondsBeforeGuess = 1;

std::string Bar(double share) {
  const int filled = static_cast<int>(share * kBarWidth);
  std::string bar(static_cast<size_t>(filled), '=');
  if (filled < kBarWidth) bar += '>';
  bar.resize(kBarWidth, ' ');
  return bar;
}

std::string TimeLeft(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02} left", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02} left", whole / 60, whole % 60);
}

}  // namespace

std::string RenderProgress(const Progress& progress, double seconds, int width) {
  std::string line = PadRight(progress.stage, kStageWidth);
  const bool has_total = progress.total > 0;
  const double share =
      has_total
          ? std::clamp(static_cast<double>(progress.done) / static_cast<double>(progress.total),
                       0.0, 1.0)
          : 0;
  if (has_total) line += fmt::format(" [{}] {:3.0f} %", Bar(share), share * 100);
  line += fmt::format("  {} {}", FormatCount(progress.done), progress.unit);
  if (seconds > 0 && progress.done > 0) {
    line += fmt::format("  {} {}/s", FormatShort(static_cast<double>(progress.done) / seconds),
                        progress.unit);
  }
  if (has_total && share > 0 && share < 1 && seconds >= kSecondsBeforeGuess) {
    line += "  " + TimeLeft(seconds * (1 - share) / share);
  }
  return Cut(line, width);
}

void ProgressBar::Update(const Progress& progress) {
  if (!enabled_) return;
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  const bool is_new_stage = progress.stage != stage_;
  if (is_new_stage) {
    stage_ = progress.stage;
    stage_start_ = now;
  }
  const bool is_complete = progress.total > 0 && progress.done >= progress.total;
  if (!is_new_stage && !is_complete && now - last_draw_ < kDrawInterval) return;
  last_draw_ = now;
  is_drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - stage_start_).count();
  const std::string line = RenderProgress(progress, seconds, width_ - 1);
  std::fprintf(stream_, "\r%s\x1b[K", line.c_str());
  std::fflush(stream_);
}

void ProgressBar::Clear() {
  const std::lock_guard lock(mutex_);
  if (!is_drawn_) return;
  is_drawn_ = false;
  last_draw_ = {};
  std::fputs("\r\x1b[K", stream_);
  std::fflush(stream_);
}

}  // namespace tidemill
