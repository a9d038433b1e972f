#pragma once

/// A pipeline file, parsed and checked in itself: the start of the data's road.
///
/// Expressions are kept as text with their place in the file. They are parsed and typed against the
/// source's schema by `BindPipeline` (pipeline/bound_pipeline.h), so that a file can be read where
/// its source cannot be reached.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tidemill/error.h"

namespace tidemill {

/// Text of the pipeline file together with where it stands.
struct LocatedText {
  std::string text;
  SourcePosition position;  ///< of the first character of `text`
};

enum class Grain { kDay, kHour };

/// A length of time counted in slots of a calendar: `31d`, `6h`.
struct WindowLength {
  int32_t count = 0;
  Grain unit = Grain::kDay;

  /// "31d", as it is written in files and in feature names.
  std::string ToString() const;
  bool operator==(const WindowLength&) const = default;
};

enum class NullEntity { kDrop, kKeep, kError };
enum class Severity { kError, kWarn };

/// Where rows are read from.
struct TableSpec {
  LocatedText path;                     ///< as written, after ${NAME} substitution
  std::string format;                   ///< "parquet" | "delta"; empty: what is there
  std::optional<int64_t> version;       ///< of a Delta table; else the latest
  std::optional<int64_t> timestamp_ms;  ///< the latest version not after it, since the epoch
};

/// A column of a dimension and the name for it among the columns of events.
struct JoinColumn {
  LocatedText name;
  LocatedText column;  ///< of the dimension
};

/// A dimension whose columns are looked up for each event.
struct JoinSpec : TableSpec {
  std::vector<JoinColumn> key;      ///< names are of columns that events have already
  std::vector<JoinColumn> columns;  ///< names are new
  bool is_inner = false;            ///< events without a match leave
  bool is_dated = false;            ///< `as_of: day`: the state of the event's day counts
  std::optional<LocatedText> day;   ///< the column that dates the dimension's partitions
};

struct SourceSpec : TableSpec {
  std::optional<LocatedText> day;
  std::optional<LocatedText> event_time;
  std::string timezone = "UTC";
  std::optional<LocatedText> where;
  std::vector<std::pair<LocatedText, LocatedText>> columns;  ///< name, expression; in file order
  std::vector<JoinSpec> joins;                               ///< in file order
};

struct CheckSpec {
  LocatedText check;
  Severity severity = Severity::kError;
  bool quarantine = false;         ///< every(condition) as a row rule that quarantines
  std::optional<double> max_rate;  ///< likewise
};

/// A condition that every event of the windows must meet.
struct RowRuleSpec {
  LocatedText rule;
  std::string name;                ///< empty: the text of the rule
  bool quarantine = false;         ///< failing rows leave the input
  std::optional<double> max_rate;  ///< share of failing rows that is tolerated, 0 to 1
  Severity severity = Severity::kError;
};

/// One output column. A long form with `windows` is expanded to one FeatureSpec per window.
struct FeatureSpec {
  LocatedText name;
  LocatedText expr;
  std::optional<WindowLength> window;        ///< its own; else the pipeline's
  std::optional<LocatedText> default_value;  ///< a literal, in place of NULL
};

/// One element of `partition_by`.
struct PartitionTerm {
  enum class Kind { kFeatureDate, kFeatureHour, kYear, kMonth, kDay, kColumn, kBucket };
  Kind kind = Kind::kFeatureDate;
  LocatedText column;   ///< kColumn, kBucket
  int32_t buckets = 0;  ///< kBucket
};

/// How the rows of a partition are ordered: `sort(a, b)`, `zorder(a, b)`, `hilbert(a, b)`.
struct ClusterSpec {
  enum class Kind { kNone, kSort, kZorder, kHilbert };
  Kind kind = Kind::kNone;           ///< kNone: by entity, as they come
  std::vector<LocatedText> columns;  ///< distinct; at least one unless kNone
};

/// The table of the entities that have a row whether or not they have events.
struct EntitiesSpec : TableSpec {
  std::vector<LocatedText> columns;  ///< one per entity column; empty: named like these
};

struct OutputSpec {
  LocatedText path;
  std::string format = "parquet";  ///< "parquet" | "delta"
  std::string mode = "overwrite";  ///< "overwrite" | "merge"
  std::vector<PartitionTerm> partition_by;
  ClusterSpec cluster_by;
  int64_t file_size = 128'000'000;   ///< target bytes of a file, compressed
  int64_t max_rows_per_file = 0;     ///< 0: no limit
  std::string compression = "zstd";  ///< zstd | snappy | lz4 | gzip | none
  std::optional<EntitiesSpec> entities;
};

/// Values for `${NAME}`, which win over the environment.
using NameValues = std::map<std::string, std::string>;

struct Pipeline {
  std::string file;                     ///< the path it was loaded from
  std::string text;                     ///< of the file, as it was read
  NameValues names;                     ///< what `${NAME}`s of it took from outside
  std::vector<std::string> file_lines;  ///< after ${NAME} substitution, for carets
  std::string name;
  std::string description;
  SourceSpec source;
  Grain grain = Grain::kDay;
  std::vector<LocatedText> entity;
  NullEntity null_entity = NullEntity::kDrop;
  std::optional<WindowLength> window;
  std::vector<RowRuleSpec> row_rules;
  std::vector<CheckSpec> input_checks;
  std::vector<CheckSpec> output_checks;
  std::vector<FeatureSpec> features;
  OutputSpec output;

  /// `path` as seen from the folder of the pipeline file; absolute paths and URIs as they are.
  std::string Resolve(const std::string& path) const;
};

/// Whether a `${NAME}` without a given value may take that of the environment.
enum class Environment { kRead, kIgnore };

/// Reads and checks a pipeline file. Errors (kInvalid) name every fault of the file, not the first.
arrow::Result<Pipeline> LoadPipeline(const std::string& path, const NameValues& names = {});

/// The same for text that is already in memory; `path` names it in errors and resolves relative
/// paths. Its own `text` and `names` with the environment ignored give a pipeline again, anywhere.
arrow::Result<Pipeline> ParsePipeline(const std::string& text, const std::string& path,
                                      const NameValues& names = {},
                                      Environment environment = Environment::kRead);

/// Reads the notation of `cluster_by`. Errors (kInvalid) name every fault.
arrow::Result<ClusterSpec> ParseClusterSpec(const std::string& text);

}  // namespace tidemill
