#pragma once

/// What a task answers, and its form as text. Answers are small: data is in files of the work
/// folder, and an answer names them.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <arrow/result.h>

#include "engine/feature_file.h"
#include "engine/scan.h"
#include "engine/tile_file.h"

namespace tidemill {

/// What became of a ScanTask.
struct ScanAnswer {
  ScanCounts counts;
  std::optional<TileFile> tiles;  ///< without its file system; absent if there are none
  std::string metrics;        ///< path of the encoded FrameMetrics; empty if there are no checks
  int64_t spilled_bytes = 0;  ///< by the task, to its own disk
  std::vector<RowSpoolFile> quarantined;  ///< without their file system
};

/// What became of a WindowTask.
struct WindowAnswer {
  FeatureFile features;
  int64_t entities = 0;
  std::vector<std::pair<size_t, arrow::Status>> failed;  ///< dates, and why
};

/// An answer; or the failure of a task that would fail again.
using TaskAnswer = std::variant<ScanAnswer, WindowAnswer, arrow::Status>;

std::string AnswerToText(const TaskAnswer& answer);

/// An error (kRunFailed) for anything but an answer; a failed task's answer is its own error.
template <typename Answer>
arrow::Result<Answer> AnswerFromText(const std::string& text);

}  // namespace tidemill
