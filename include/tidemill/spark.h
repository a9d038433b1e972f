#pragma once

/// A pass as SQL for a Spark cluster.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <arrow/table.h>

namespace tidemill {

class PassEngine;

/// A temporary view over files.
struct SparkView {
  std::string view;                                          ///< its name
  std::string format;                                        ///< "parquet" | "delta"
  std::vector<std::string> paths;                            ///< none: a view without rows
  std::string schema;                                        ///< empty: the table's
  std::vector<std::pair<std::string, std::string>> options;  ///< of the reader
  /// Whether it has, beside its own columns, the URI of a row's file and its number there.
  bool has_origins = false;
};

inline constexpr const char* kSparkFileColumn = "tidemill file";
inline constexpr const char* kSparkRowColumn = "tidemill row";

/// A query with all that it needs of its session. It reads the view that it is itself, and others.
struct SparkQuery : SparkView {
  std::vector<std::pair<std::string, std::string>> settings;  ///< of the session, by name
  std::vector<SparkView> tables;                              ///< those beside the source
  std::string sql;
};

/// A Spark session, classic or Spark Connect.
class SparkClient {
 public:
  virtual ~SparkClient() = default;

  /// Runs the query and brings its (few) rows here.
  virtual arrow::Result<std::shared_ptr<arrow::Table>> Collect(const SparkQuery& query) = 0;

  /// Runs the query and writes its rows as Parquet below `uri`, a directory per value of the column
  /// `partition`. In each, the rows are in the order of the query if its files are read by name.
  /// Returns how many rows Spark counted on their way into the files.
  virtual arrow::Result<int64_t> Write(const SparkQuery& query, const std::string& partition,
                                       const std::string& uri) = 0;

  /// Ends what runs, which then fails. Called from another thread, at any time.
  virtual void Cancel() = 0;
};

/// Computes passes on Spark. Integers, strings and times are the native engine's; doubles agree to
/// 1e-9.
std::shared_ptr<PassEngine> SparkEngine(std::shared_ptr<SparkClient> client);

}  // namespace tidemill
