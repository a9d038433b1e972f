#pragma once

/// What a task is told, and its form as text.
///
/// A task is made where the pass is planned and runs in a process that knows nothing: it says which
/// pipeline, which dates and which part of the pass, and where files go. It does not say what the
/// plan is. The process plans the pass again (planned_pass.h), which needs no more than the footers
/// of the source's files, and makes sure that the plan is the same.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <arrow/result.h>

#include "engine/plan.h"
#include "engine/tile_file.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// What all tasks of a pass have in common.
struct PassDescription {
  std::string version;  ///< of Tidemill
  std::string file;     ///< of the pipeline, absolute
  std::string text;
  NameValues names;
  std::vector<int32_t> dates;  ///< indices of slots
  PlanScope scope = PlanScope::kFeatures;
  std::optional<int64_t> source_version;              ///< of a Delta table
  std::vector<std::optional<int64_t>> join_versions;  ///< likewise, one per join
  bool keep_quarantined = false;                      ///< whether quarantined rows are written
  std::string fingerprint;                            ///< of the plan
  std::string work;                                   ///< URI of the work folder
  int64_t run_timestamp = 0;
  int64_t memory = 0;  ///< bytes that a task may use, roughly
};

/// Reduces the morsels [begin, end) of the plan to tiles.
struct ScanTask {
  size_t begin = 0;
  size_t end = 0;
  int64_t segments = 0;   ///< into which the file of tiles is to be cut, roughly
  bool universe = false;  ///< whether the entities that have a row anyway are read as well
};

/// Some segments of a file of tiles.
struct TileSegments {
  std::string path;
  int64_t bytes = 0;  ///< of the file
  size_t begin = 0;
  size_t end = 0;
};

/// Computes the features of a range of entities for the wanted dates.
struct WindowTask {
  KeyRange keys;
  std::vector<TileSegments> tiles;
  std::vector<bool> wanted;  ///< per date of the plan
};

struct PassTask {
  PassDescription pass;
  std::variant<ScanTask, WindowTask> part;
};

std::string TaskToText(const PassTask& task);

/// An error (kInvalid) for anything but a task of this version.
arrow::Result<PassTask> TaskFromText(const std::string& text);

/// The same text for equal descriptions, another one for others.
std::string TextOf(const PassDescription& pass);

}  // namespace tidemill
