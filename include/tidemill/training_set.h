#pragma once

/// Training sets: the features that each label could have had at its time.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/table.h>

#include "tidemill/error.h"
#include "tidemill/pipeline.h"
#include "tidemill/run.h"

namespace tidemill {

/// `date` and `engine` of RunOptions are not used.
struct TrainingSetOptions : RunOptions {
  std::string labels;      ///< a Parquet file, a directory of them or a Delta table
  std::string label_time;  ///< column of the labels: a timestamp or a date
  /// Entity columns that have another name in the labels: name in the labels, in the pipeline.
  std::vector<std::pair<std::string, std::string>> on;
  bool exact = false;  ///< from events, as of each label's instant; else what is published
  std::optional<WindowLength> max_age;  ///< of published features
  bool prefix = false;                  ///< feature columns are called PIPELINE__FEATURE
  /// A path ending in .parquet is a file, any other a directory; empty: the rows are returned.
  std::string out;
  bool overwrite = false;
  int64_t limit = -1;  ///< rows that are returned at most where there is no `out`; negative: all
};

/// What one pipeline brought.
struct TrainingSetFeatures {
  std::string pipeline;
  std::string table;  ///< that was read; with `exact` the source
  int64_t features = 0;
  int64_t matched = 0;  ///< labels with features
  // Labels without, by cause.
  int64_t no_time = 0;    ///< their time is NULL
  int64_t no_entity = 0;  ///< their entity is NULL
  int64_t no_date = 0;    ///< no feature date was published before them
  int64_t too_old = 0;    ///< the last one before them is older than max_age
  int64_t no_row = 0;     ///< their entity has no row there, or no event in its windows
  int64_t entities = 0;   ///< distinct entities of the labels
  /// From the end of the feature date to the label, in seconds, of labels with features: least,
  /// median, most. Nothing with `exact`, or where there are none.
  std::optional<std::array<double, 3>> ages;
  std::string first_date, last_date;  ///< feature dates that were used, or days of events
  int64_t dates_read = 0;             ///< feature dates; 0 with `exact`
  int64_t files_read = 0;
  int64_t rows_read = 0;  ///< of features, or events
  int64_t bytes_read = 0;
  int64_t spilled_bytes = 0;
};

struct TrainingSetReport {
  std::string labels_path;
  std::string label_time;
  std::string mode;  ///< "published" | "exact"
  std::string out;
  int64_t labels = 0;
  std::vector<std::string> columns;  ///< of the result
  std::vector<TrainingSetFeatures> pipelines;
  int64_t files_written = 0;
  int64_t bytes_written = 0;
  int64_t peak_memory = 0;
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, double>> seconds;  ///< per stage, "total" last
  std::shared_ptr<arrow::Table> rows;                   ///< where there is no `out`
};

/// Joins features to labels: each label gets the features of its entity at the last feature date
/// that was published and had ended at its time (never its own day's), or, with `exact`, those of
/// windows that end at its time. Labels keep their order and columns; feature columns follow, NULL
/// where there are none. The result is written at once or not at all. Errors: columns that are
/// missing, of types that do not go together or have the same name, an `out` that exists
/// (kInvalid); reading and writing (kRunFailed).
arrow::Result<TrainingSetReport> MakeTrainingSet(const std::vector<Pipeline>& pipelines,
                                                 const TrainingSetOptions& options);

/// "7d", "36h". An error (kInvalid) for anything else.
arrow::Result<WindowLength> ParseAge(const std::string& text);

/// "user=user_id": a column of the labels and one of the entity. An error (kInvalid) for anything
/// else.
arrow::Result<std::pair<std::string, std::string>> ParseEntityPair(const std::string& text);

}  // namespace tidemill
