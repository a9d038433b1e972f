#pragma once

/// Windows of many dates in one Spark query.
///
///     input ── group by key, stratum ──> tiles ── explode dates ──> dated ── group by key, date
///
/// Each row is reduced once, to a tile: the partial results of a key and a stratum
/// (engine/strata.h). A tile counts at all dates whose windows hold its stratum; they follow each
/// other, so they are a range, and a tile is repeated for each of them. This is small beside the
/// events: a repeated tile is a row per key, stratum and date.
///
/// Distinct values have no partial result of bounded size. They are grouped by value as well, as
/// grouping sets of the same pass over the input. A value that comes again in a later stratum
/// counts there from the first date on whose windows hold both; so each of its strata has dates of
/// its own, and at every date each value is there once, at its latest stratum. Windows other than
/// the longest then only ask whether that stratum is theirs, as they do of tiles.

#include <string>
#include <vector>

#include "aggregate/spark_aggregates.h"
#include "runner/pipeline_query.h"

namespace tidemill {

/// What is aggregated per key and date.
struct SparkTileAggregate {
  SparkAggregate spelled;
  std::string column;  ///< of the result
  int window = -1;     ///< index of its window; -1: the longest of each date
};

class SparkTiles {
 public:
  /// Where tiles lie on the calendar: strata of the plan, or single slots.
  enum class Grid { kStrata, kSlots };

  /// `wanted[d]` tells which dates there are; at least one.
  SparkTiles(const Plan& plan, std::vector<bool> wanted, Grid grid);

  /// The position on the grid of a row with a slot within the plan's, -1 where no window of a
  /// wanted date holds it.
  std::string PositionOfRow(const PipelineQuery& query) const;

  /// From rows with a column "tidemill stratum" (the position) to the results of every key and
  /// date: adds the steps, of which the last has the keys, DateIndexColumn(), DateColumn() and a
  /// column per aggregate. `keys` are quoted.
  void AddSteps(const std::vector<std::string>& keys,
                const std::vector<SparkTileAggregate>& aggregates, PipelineQuery* query) const;

  /// The same for a scan: no keys, `counts` (quoted name, expression over rows) beside the
  /// aggregates, and besides a row per date one per position, as SparkScanColumns says.
  void AddScanSteps(const std::vector<std::pair<std::string, std::string>>& counts,
                    const std::vector<SparkTileAggregate>& aggregates, PipelineQuery* query) const;

  static std::string StratumColumn() { return "tidemill stratum"; }
  static std::string DateColumn() { return "tidemill date"; }
  /// The index of the date in the plan.
  static std::string DateIndexColumn() { return "tidemill date index"; }

 private:
  struct Layout;

  Layout LayOut(const std::vector<SparkTileAggregate>& aggregates) const;
  void AddTiles(const std::vector<std::string>& keys,
                const std::vector<std::pair<std::string, std::string>>& counts,
                const Layout& layout, PipelineQuery* query) const;
  /// To distinct values: the stratum in which the same value comes again.
  void AddRuns(const std::vector<std::string>& keys, const Layout& layout,
               PipelineQuery* query) const;
  std::string StrataTable() const;
  std::string DatesTable(const Layout& layout) const;
  std::string ResultsOf(const std::vector<SparkTileAggregate>& aggregates, const Layout& layout,
                        const PipelineQuery& query) const;
  int32_t PositionOf(Slot slot) const;
  int32_t First(size_t date, size_t window) const;
  int32_t Last(size_t date) const;

  const Plan& plan_;
  std::vector<size_t> dates_;  ///< wanted, ascending; their place here is their ordinal
  std::vector<int32_t> position_of_offset_;
};

}  // namespace tidemill
