#include "runner/spark_tiles.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "runner/spark_queries.h"
#include "sql/sql_fragment.h"

namespace tidemill {
namespace {

// Columns of the steps; no pipeline has such names.
constexpr const char* kStratum = "`tidemill stratum`";
constexpr const char* kNext = "`tidemill next`";  ///< stratum in which a distinct value comes again
constexpr const char* kKind = "`tidemill kind`";  ///< 0: a tile; k: a value of distinct value k
constexpr const char* kOrdinal = "`tidemill ordinal`";  ///< of the date, among those wanted

std::string ValueColumn(size_t index) { return fmt::format("`tidemill value {}`", index + 1); }
std::string PartialColumn(size_t index) { return fmt::format("`tidemill partial {}`", index + 1); }
std::string WindowColumn(size_t window) { return fmt::format("`tidemill window {}`", window + 1); }

/// The index of `text` in `texts`, to which it is added if it is not there.
size_t IndexOf(const std::string& text, std::vector<std::string>* texts) {
  const auto found = std::find(texts->begin(), texts->end(), text);
  if (found != texts->end()) return static_cast<size_t>(found - texts->begin());
  texts->push_back(text);
  return texts->size() - 1;
}

}  // namespace

/// Which columns tiles have.
struct SparkTiles::Layout {
  std::vector<std::string> values;    ///< different texts of distinct values
  std::vector<std::string> partials;  ///< different texts of partial results
  std::vector<size_t> column_of;      ///< per aggregate, in `values` or `partials`
  std::vector<size_t> windows;        ///< that are not the longest of every date
};

SparkTiles::SparkTiles(const Plan& plan, std::vector<bool> wanted, Grid grid) : plan_(plan) {
  position_of_offset_.assign(static_cast<size_t>(plan.strata.slots().size()), -1);
  for (size_t d = 0; d < wanted.size(); ++d) {
    if (!wanted[d]) continue;
    dates_.push_back(d);
    const SlotRange window = plan.strata.WindowSlots(d, plan.strata.Longest(d));
    for (Slot slot = window.first; slot <= window.last; slot = slot + 1) {
      const int32_t offset = slot - plan.strata.slots().first;
      position_of_offset_[static_cast<size_t>(offset)] =
          grid == Grid::kStrata ? plan.strata.Of(slot) : offset;
    }
  }
}

int32_t SparkTiles::PositionOf(Slot slot) const {
  return position_of_offset_[static_cast<size_t>(slot - plan_.strata.slots().first)];
}

int32_t SparkTiles::First(size_t date, size_t window) const {
  return PositionOf(plan_.strata.WindowSlots(date, window).first);
}

int32_t SparkTiles::Last(size_t date) const { return PositionOf(plan_.dates[date]); }

std::string SparkTiles::PositionOfRow(const PipelineQuery& query) const {
  const SlotRange slots = plan_.strata.slots();
  const std::string slot = query.Name(PipelineQuery::SlotColumn());
  const std::string first = query.SlotText(slots.first);
  const std::string offset = query.by_hour() ? "CAST(" + slot + " - " + first + " AS INTEGER)"
                                             : "datediff(" + slot + ", " + first + ")";
  bool is_offset = true;
  std::vector<std::string> positions;
  for (size_t i = 0; i < position_of_offset_.size(); ++i) {
    is_offset &= position_of_offset_[i] == static_cast<int32_t>(i);
    positions.push_back(std::to_string(position_of_offset_[i]));
  }
  const std::string position =
      is_offset ? offset : "element_at(array(" + Join(positions, ", ") + "), " + offset + " + 1)";
  return "CASE WHEN " + slot + " BETWEEN " + first + " AND " + query.SlotText(slots.last) +
         " THEN " + position + " ELSE -1 END";
}

SparkTiles::Layout SparkTiles::LayOut(const std::vector<SparkTileAggregate>& aggregates) const {
  Layout layout;
  std::set<size_t> windows;
  for (const SparkTileAggregate& aggregate : aggregates) {
    const SparkAggregate& spelled = aggregate.spelled;
    layout.column_of.push_back(spelled.is_distinct()
                                   ? IndexOf(spelled.Value(), &layout.values)
                                   : IndexOf(spelled.Partial(), &layout.partials));
    if (aggregate.window < 0) continue;
    const auto window = static_cast<size_t>(aggregate.window);
    const bool is_longest = std::all_of(dates_.begin(), dates_.end(), [&](size_t date) {
      return First(date, window) == First(date, plan_.strata.Longest(date));
    });
    if (!is_longest) windows.insert(window);
  }
  layout.windows.assign(windows.begin(), windows.end());
  return layout;
}

void SparkTiles::AddTiles(const std::vector<std::string>& keys,
                          const std::vector<std::pair<std::string, std::string>>& counts,
                          const Layout& layout, PipelineQuery* query) const {
  const std::vector<std::string>& values = layout.values;
  if (!values.empty()) {
    std::string text = "SELECT *";
    for (size_t i = 0; i < values.size(); ++i) {
      text += ",\n    " + values[i] + " AS " + ValueColumn(i);
    }
    query->AddStep("valued", text + "\n  FROM " + query->last());
  }
  std::vector<std::string> group = keys;
  group.emplace_back(kStratum);
  const std::string base = Join(group, ", ");
  std::string select = "SELECT " + base;
  std::string by = base;
  if (!values.empty()) {
    std::string kind;
    std::string sets = "(" + base + ")";
    for (size_t i = 0; i < values.size(); ++i) {
      const std::string value = ValueColumn(i);
      select += ", " + value;
      kind += fmt::format(" WHEN grouping({}) = 0 THEN {}", value, i + 1);
      sets += ", (" + base + ", " + value + ")";
    }
    select += ",\n    CASE" + kind + " ELSE 0 END AS " + kKind;
    by = "GROUPING SETS (" + sets + ")";
  }
  for (const auto& [name, text] : counts) select += ",\n    " + text + " AS " + name;
  for (size_t i = 0; i < layout.partials.size(); ++i) {
    select += ",\n    " + layout.partials[i] + " AS " + PartialColumn(i);
  }
  query->AddStep("tiles", select + "\n  FROM " + query->last() + "\n  GROUP BY " + by);
}

void SparkTiles::AddRuns(const std::vector<std::string>& keys, const Layout& layout,
                         PipelineQuery* query) const {
  if (layout.values.empty()) return;
  std::vector<std::string> partition = keys;
  partition.emplace_back(kKind);
  std::string is_there;
  for (size_t i = 0; i < layout.values.size(); ++i) {
    partition.push_back(ValueColumn(i));
    is_there += fmt::format(" WHEN {} THEN {} IS NOT NULL", i + 1, ValueColumn(i));
  }
  query->AddStep("recurring",
                 fmt::format("SELECT *,\n    CASE WHEN {} > 0 THEN lead({}) OVER (PARTITION BY {} "
                             "ORDER BY {}) END AS {}\n  FROM {}\n  WHERE CASE {}{} ELSE TRUE END",
                             kKind, kStratum, Join(partition, ", "), kStratum, kNext, query->last(),
                             kKind, is_there));
}

std::string SparkTiles::StrataTable() const {
  std::vector<std::pair<int32_t, int32_t>> range_of;  // first and last date, by position
  for (size_t i = 0; i < dates_.size(); ++i) {
    const auto ordinal = static_cast<int32_t>(i);
    const size_t date = dates_[i];
    for (int32_t p = First(date, plan_.strata.Longest(date)); p <= Last(date); ++p) {
      const auto at = static_cast<size_t>(p);
      if (range_of.size() <= at) range_of.resize(at + 1, {-1, -1});
      if (range_of[at].first < 0) range_of[at].first = ordinal;
      range_of[at].second = ordinal;
    }
  }
  std::vector<std::string> rows;
  for (size_t p = 0; p < range_of.size(); ++p) {
    const auto [first, last] = range_of[p];
    if (first >= 0) rows.push_back(fmt::format("({}, {}, {})", p, first, last));
  }
  return "SELECT * FROM VALUES " + Join(rows, ", ") + "\n    AS t(stratum, first_date, last_date)";
}

std::string SparkTiles::DatesTable(const Layout& layout) const {
  std::vector<std::string> rows;
  for (size_t i = 0; i < dates_.size(); ++i) {
    const size_t date = dates_[i];
    std::string row = fmt::format("({}, {}, DATE '{}'", i, date,
                                  FormatCivilDay(plan_.calendar->DayOf(plan_.dates[date])));
    for (size_t window : layout.windows) row += ", " + std::to_string(First(date, window));
    rows.push_back(row + ")");
  }
  std::string columns =
      std::string(kOrdinal) + ", `" + DateIndexColumn() + "`, `" + DateColumn() + "`";
  for (size_t window : layout.windows) columns += ", " + WindowColumn(window);
  return "SELECT * FROM VALUES " + Join(rows, ", ") + "\n    AS t(" + columns + ")";
}

std::string SparkTiles::ResultsOf(const std::vector<SparkTileAggregate>& aggregates,
                                  const Layout& layout, const PipelineQuery& query) const {
  std::string text;
  for (size_t i = 0; i < aggregates.size(); ++i) {
    const SparkTileAggregate& aggregate = aggregates[i];
    const size_t column = layout.column_of[i];
    const bool is_distinct = aggregate.spelled.is_distinct();
    std::vector<std::string> conditions;
    if (!layout.values.empty()) {
      conditions.push_back(fmt::format("{} = {}", kKind, is_distinct ? column + 1 : 0));
    }
    const auto window = static_cast<size_t>(aggregate.window);
    if (std::ranges::count(layout.windows, window) > 0) {
      conditions.push_back(std::string(kStratum) + " >= " + WindowColumn(window));
    } else if (query.has_universe()) {
      conditions.push_back(std::string(kStratum) + " IS NOT NULL");
    }
    const std::string condition = Join(conditions, " AND ");
    text += ",\n    " +
            (is_distinct ? aggregate.spelled.OverValues(ValueColumn(column), condition)
                         : aggregate.spelled.Merged(PartialColumn(column), condition)) +
            " AS " + query.Name(aggregate.column);
  }
  return text;
}

void SparkTiles::AddSteps(const std::vector<std::string>& keys,
                          const std::vector<SparkTileAggregate>& aggregates,
                          PipelineQuery* query) const {
  const Layout layout = LayOut(aggregates);
  AddTiles(keys, {}, layout, query);
  AddRuns(keys, layout, query);
  query->AddTable("strata", StrataTable());
  query->AddTable("dates", DatesTable(layout));
  const bool has_values = !layout.values.empty();
  query->AddStep(
      "dated",
      fmt::format(
          "SELECT t.*, explode(sequence(s.first_date, {})) AS {}\n  FROM {} t JOIN strata s "
          "ON t.{} = s.stratum{}",
          has_values ? "least(s.last_date, n.first_date - 1)" : "s.last_date", kOrdinal,
          query->last(), kStratum,
          has_values ? fmt::format("\n    LEFT JOIN strata n ON t.{} = n.stratum\n  WHERE "
                                   "n.first_date IS NULL OR n.first_date > s.first_date",
                                   kNext)
                     : ""));
  if (query->has_universe()) {
    std::vector<std::string> dated_keys = keys;
    dated_keys.emplace_back(kOrdinal);
    query->AddEveryEntity(dated_keys, " CROSS JOIN dates");
  }
  const std::string group =
      fmt::format("{}, `{}`, `{}`", Join(keys, ", "), DateIndexColumn(), DateColumn());
  query->AddStep(
      "aggregates",
      fmt::format("SELECT {}{}\n  FROM {} JOIN dates USING ({})\n  GROUP BY {}", group,
                  ResultsOf(aggregates, layout, *query), query->last(), kOrdinal, group));
}

void SparkTiles::AddScanSteps(const std::vector<std::pair<std::string, std::string>>& counts,
                              const std::vector<SparkTileAggregate>& aggregates,
                              PipelineQuery* query) const {
  const Layout layout = LayOut(aggregates);
  AddTiles({}, counts, layout, query);
  AddRuns({}, layout, query);
  query->AddTable("strata", StrataTable());
  const bool has_values = !layout.values.empty();
  const std::string no_dates = "CAST(array() AS ARRAY<INTEGER>)";
  std::string positions = fmt::format("array(CASE WHEN t.{0} >= 0 THEN {1} - t.{0} ELSE t.{0} END)",
                                      kStratum, SparkScanColumns::PositionOf(0));
  if (has_values) {
    positions = fmt::format("CASE WHEN t.{} = 0 THEN {} ELSE {} END", kKind, positions, no_dates);
  }
  query->AddStep(
      "dated",
      fmt::format(
          "SELECT t.*, explode(concat({},\n      CASE WHEN s.first_date IS NOT NULL{} THEN "
          "sequence(s.first_date, {}) ELSE {} END)) AS {}\n  FROM {} t LEFT JOIN strata s ON t.{} "
          "= "
          "s.stratum{}",
          positions, has_values ? " AND coalesce(n.first_date > s.first_date, TRUE)" : "",
          has_values ? "least(s.last_date, n.first_date - 1)" : "s.last_date", no_dates, kOrdinal,
          query->last(), kStratum,
          has_values ? fmt::format("\n    LEFT JOIN strata n ON t.{} = n.stratum", kNext) : ""));
  std::string text = fmt::format("SELECT {} AS `{}`", kOrdinal, SparkScanColumns::kPosition);
  const std::string filter = has_values ? fmt::format(" FILTER (WHERE {} = 0)", kKind) : "";
  for (const auto& [name, count] : counts) {
    text += ",\n    coalesce(sum(" + name + ")" + filter + ", 0L) AS " + name;
  }
  text += ResultsOf(aggregates, layout, *query);
  query->AddStep("measured", text + "\n  FROM dated\n  GROUP BY " + kOrdinal);
}

}  // namespace tidemill
