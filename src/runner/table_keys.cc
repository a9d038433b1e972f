// `tidemill table inspect --keys`: how unevenly the rows of a table are spread over its keys.
//
// A row group is counted by itself, by dictionary code where the key is one column of text, and
// added to KeyCounts. These know keys by their hashes, so the values of the hot ones are looked for
// in a second read, which ends where all are found: hot keys are in nearly every row group.

#include <algorithm>
#include <mutex>
#include <tuple>
#include <unordered_map>

#include <arrow/array/builder_base.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest_name.h"
#include "runner/key_counts.h"
#include "runner/open_table.h"
#include "runner/prepare.h"
#include "storage/column_types.h"
#include "storage/nested_columns.h"
#include "storage/parallel_for.h"
#include "table/key_set.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

/// A key with more than this share of the rows makes one partition of 200 ten times the mean.
constexpr double kHot = 0.05;
/// No more keys than that can have such a share.
constexpr size_t kMostHot = 20;
constexpr double kUneven = 1.5;
constexpr double kManyNulls = 0.05;

/// The key columns of some rows: an array each, which may be a dictionary.
struct KeyColumns {
  int64_t num_rows = 0;
  arrow::ArrayVector columns;
};

/// The hash of the key of each row; rows without a key are not `valid`.
struct HashedKeys {
  std::vector<Hash128> hashes;
  std::vector<uint8_t> valid;
};

/// A column as the hash of each of its values and, where it is a dictionary, the code of each row.
struct HashedColumn {
  std::vector<Hash128> values;
  const int32_t* codes = nullptr;  ///< null: value i is of row i
  std::shared_ptr<arrow::Array> array;

  static arrow::Result<HashedColumn> Make(const std::shared_ptr<arrow::Array>& array) {
    HashedColumn column;
    column.array = array;
    std::shared_ptr<arrow::Array> values = array;
    if (array->type_id() == arrow::Type::DICTIONARY) {
      const auto& coded = checked_cast<const arrow::DictionaryArray&>(*array);
      values = coded.dictionary();
      column.codes = checked_cast<const arrow::Int32Array&>(*coded.indices()).raw_values();
    }
    ARROW_ASSIGN_OR_RAISE(column.values, HashKeys({values}, values->length()));
    return column;
  }

  const Hash128& Of(int64_t row) const {
    return values[static_cast<size_t>(codes != nullptr ? codes[row] : row)];
  }
};

arrow::Result<HashedKeys> HashRows(const KeyColumns& keys) {
  const auto n = static_cast<size_t>(keys.num_rows);
  HashedKeys hashed{std::vector<Hash128>(n), std::vector<uint8_t>(n, 1)};
  for (size_t c = 0; c < keys.columns.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(const HashedColumn column, HashedColumn::Make(keys.columns[c]));
    for (size_t i = 0; i < n; ++i) {
      const auto row = static_cast<int64_t>(i);
      if (column.array->IsNull(row)) {
        hashed.valid[i] = 0;
        continue;
      }
      const Hash128& value = column.Of(row);
      Hash128& hash = hashed.hashes[i];
      hash = c == 0 ? value
                    : Hash128{CombineHashes(hash.low, value.low),
                              CombineHashes(hash.high, value.high)};
    }
  }
  return hashed;
}

/// Adds the rows of each key to `counts`; returns how many rows have none.
arrow::Result<int64_t> CountRows(const KeyColumns& keys, CountsByKey* counts) {
  if (keys.columns.size() == 1 && keys.columns[0]->type_id() == arrow::Type::DICTIONARY) {
    ARROW_ASSIGN_OR_RAISE(const HashedColumn column, HashedColumn::Make(keys.columns[0]));
    std::vector<int64_t> rows(column.values.size(), 0);
    const bool has_nulls = column.array->null_count() > 0;
    for (int64_t i = 0; i < keys.num_rows; ++i) {
      if (!has_nulls || !column.array->IsNull(i)) ++rows[static_cast<size_t>(column.codes[i])];
    }
    for (size_t code = 0; code < rows.size(); ++code) {
      if (rows[code] > 0) (*counts)[column.values[code]] += rows[code];
    }
    return column.array->null_count();
  }
  ARROW_ASSIGN_OR_RAISE(const HashedKeys hashed, HashRows(keys));
  int64_t nulls = 0;
  for (size_t i = 0; i < hashed.hashes.size(); ++i) {
    if (hashed.valid[i]) {
      ++(*counts)[hashed.hashes[i]];
    } else {
      ++nulls;
    }
  }
  return nulls;
}

class KeyInspector {
 public:
  KeyInspector(const Location& location, const TableContents& contents, const KeyOptions& options)
      : location_(location), contents_(contents), options_(options) {
    run_.threads = options.threads;
    for (size_t f = 0; f < contents.footers.size(); ++f) {
      for (int g = 0; g < contents.footers[f].metadata->num_row_groups(); ++g) {
        groups_.emplace_back(f, g);
      }
    }
  }

  arrow::Result<KeyReport> Inspect() {
    report_.path = location_.uri;
    report_.format = contents_.is_delta ? "delta" : "parquet";
    if (contents_.is_delta) report_.version = contents_.delta->version;
    report_.columns = options_.columns;
    ARROW_RETURN_NOT_OK(FindColumns());
    ARROW_RETURN_NOT_OK(Count());
    ARROW_RETURN_NOT_OK(FindValues());
    Advise();
    return std::move(report_);
  }

 private:
  arrow::Status FindColumns() {
    const arrow::Schema& partitions = *contents_.listing.partition_schema;
    std::vector<std::string> all = contents_.schema->field_names();
    for (const std::string& name : partitions.field_names()) all.push_back(name);
    arrow::FieldVector fields;
    std::vector<Diagnostic> faults;
    for (const std::string& name : options_.columns) {
      const int partition = partitions.GetFieldIndex(name);
      const auto field =
          partition >= 0 ? partitions.field(partition) : contents_.schema->GetFieldByName(name);
      if (field == nullptr) {
        const auto nearest = NearestName(name, all);
        faults.push_back({fmt::format("--keys: there is no column '{}'", name),
                          nearest ? fmt::format("did you mean '{}'?", *nearest)
                                  : fmt::format("there is {}", fmt::join(all, ", ")),
                          {},
                          ""});
        continue;
      }
      if (!IsReadable(*field->type()) || IsListOrMap(*field->type())) {
        faults.push_back({fmt::format("--keys: column '{}' has type {}, which is no key", name,
                                      field->type()->ToString()),
                          "a key is made of plain values",
                          {},
                          ""});
        continue;
      }
      fields.push_back(field);
      partition_of_.push_back(partition);
      if (partition < 0) of_files_.push_back(name);
    }
    if (options_.columns.empty()) {
      faults.push_back({"--keys: name at least one column", "", {}, ""});
    }
    if (!faults.empty()) return MakeError(ErrorCode::kInvalid, std::move(faults));
    schema_ = arrow::schema(std::move(fields));
    return arrow::Status::OK();
  }

  arrow::Result<KeyColumns> Read(size_t index) const {
    const auto [file, row_group] = groups_[index];
    const DataFile& data = contents_.listing.files[file];
    ARROW_ASSIGN_OR_RAISE(const RowGroupColumns read,
                          ReadRowGroup(location_, data, contents_.footers[file], row_group,
                                       *contents_.schema, of_files_));
    KeyColumns keys;
    keys.num_rows = read.num_rows;
    size_t next = 0;
    for (const int partition : partition_of_) {
      if (partition < 0) {
        keys.columns.push_back(read.arrays[next++]);
        continue;
      }
      const auto& value = data.partition_values[static_cast<size_t>(partition)];
      ARROW_ASSIGN_OR_RAISE(auto column, arrow::MakeArrayFromScalar(*value, read.num_rows));
      keys.columns.push_back(std::move(column));
    }
    return keys;
  }

  arrow::Status Count() {
    ScratchFolder scratch(options_.scratch);
    const int64_t memory =
        options_.memory_bytes > 0 ? options_.memory_bytes / 2 : MemoryOf(run_) / 3;
    KeyCounts counts(memory, &scratch);
    std::mutex mutex;
    ARROW_RETURN_NOT_OK(ParallelFor(
        static_cast<int64_t>(groups_.size()), ThreadsOf(run_), options_.cancelled,
        [&](int64_t index, int) -> arrow::Status {
          ARROW_ASSIGN_OR_RAISE(const KeyColumns keys, Read(static_cast<size_t>(index)));
          CountsByKey of_group;
          ARROW_ASSIGN_OR_RAISE(const int64_t nulls, CountRows(keys, &of_group));
          ARROW_RETURN_NOT_OK(counts.Add(of_group));
          const std::lock_guard lock(mutex);
          report_.rows += keys.num_rows;
          report_.null_rows += nulls;
          return arrow::Status::OK();
        }));
    std::vector<std::vector<int64_t>> partitions;
    for (const int n : options_.partitions) partitions.emplace_back(static_cast<size_t>(n), 0);
    ARROW_RETURN_NOT_OK(counts.ForEach([&](const Hash128& key, int64_t rows) {
      ++report_.distinct;
      for (auto& rows_of : partitions) rows_of[key.low % rows_of.size()] += rows;
      Offer(key, rows);
    }));
    report_.spilled_bytes = counts.spilled_bytes();
    std::ranges::sort(hot_, IsHotter);
    const auto with_key = static_cast<double>(report_.rows - report_.null_rows);
    for (const auto& rows_of : partitions) {
      const int64_t largest = std::ranges::max(rows_of);
      const double mean = with_key / static_cast<double>(rows_of.size());
      report_.partitionings.push_back({static_cast<int>(rows_of.size()), largest,
                                       mean > 0 ? static_cast<double>(largest) / mean : 1});
    }
    for (const auto& [key, rows] : hot_) shares_.push_back(static_cast<double>(rows) / with_key);
    hot_.resize(std::min(hot_.size(), static_cast<size_t>(std::max<int64_t>(options_.top, 0))));
    for (size_t h = 0; h < hot_.size(); ++h) {
      report_.hot.push_back({hot_[h].second, shares_[h]});
    }
    return arrow::Status::OK();
  }

  using KeyRows = std::pair<Hash128, int64_t>;

  static bool IsHotter(const KeyRows& a, const KeyRows& b) {
    return std::tie(b.second, a.first.high, a.first.low) <
           std::tie(a.second, b.first.high, b.first.low);
  }

  /// Keeps the hottest keys: a heap with the least of them on top.
  void Offer(const Hash128& key, int64_t rows) {
    const KeyRows offered{key, rows};
    if (hot_.size() ==
        std::max(static_cast<size_t>(std::max<int64_t>(options_.top, 0)), kMostHot)) {
      if (!IsHotter(offered, hot_.front())) return;
      std::ranges::pop_heap(hot_, IsHotter);
      hot_.pop_back();
    }
    hot_.push_back(offered);
    std::ranges::push_heap(hot_, IsHotter);
  }

  arrow::Status FindValues() {
    std::vector<arrow::ScalarVector> values(hot_.size());
    size_t found = 0;
    for (size_t g = 0; g < groups_.size() && found < hot_.size(); ++g) {
      if (options_.cancelled != nullptr && *options_.cancelled) {
        return MakeError(ErrorCode::kInterrupted, "interrupted");
      }
      ARROW_ASSIGN_OR_RAISE(const KeyColumns keys, Read(g));
      ARROW_ASSIGN_OR_RAISE(const HashedKeys hashed, HashRows(keys));
      std::unordered_map<Hash128, int64_t, HashFold> row_of;
      for (size_t i = 0; i < hashed.hashes.size(); ++i) {
        if (hashed.valid[i]) row_of.emplace(hashed.hashes[i], static_cast<int64_t>(i));
      }
      for (size_t h = 0; h < hot_.size(); ++h) {
        const auto row = row_of.find(hot_[h].first);
        if (!values[h].empty() || row == row_of.end()) continue;
        ++found;
        for (const auto& column : keys.columns) {
          ARROW_ASSIGN_OR_RAISE(auto value, column->GetScalar(row->second));
          if (value->type->id() == arrow::Type::DICTIONARY) {
            ARROW_ASSIGN_OR_RAISE(
                value, checked_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue());
          }
          values[h].push_back(std::move(value));
        }
      }
    }
    arrow::ArrayVector columns;
    for (int c = 0; c < schema_->num_fields(); ++c) {
      ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(schema_->field(c)->type()));
      for (const auto& key : values) {
        ARROW_RETURN_NOT_OK(builder->AppendScalar(*key[static_cast<size_t>(c)]));
      }
      ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
      columns.push_back(std::move(column));
    }
    report_.hot_keys = arrow::Table::Make(schema_, columns);
    return arrow::Status::OK();
  }

  void Advise() {
    const auto advise = [&](std::string text) { report_.advice.push_back(std::move(text)); };
    const int64_t with_key = report_.rows - report_.null_rows;
    if (with_key == 0) return;
    const std::string names = fmt::format("{}", fmt::join(report_.columns, ", "));
    const double most = shares_.empty() ? 0 : shares_.front();
    const auto worst =
        std::ranges::max_element(report_.partitionings, {}, &KeyPartitioning::imbalance);
    const bool has_partitions = worst != report_.partitionings.end();
    if (most >= kHot) {
      const auto hot = std::ranges::count_if(shares_, [](double share) { return share >= kHot; });
      advise(fmt::format(
          "{} of {} {} hot, the hottest with {:.1f} % of the rows: an engine that spreads rows by "
          "the hash of {} gives {} to single tasks. In Spark salt the key, broadcast the other "
          "side of a join, or let adaptive execution split such partitions "
          "(spark.sql.adaptive.skewJoin.enabled). In Tidemill there is nothing to do: rows are not "
          "spread by key, and a key is looked up once per row group",
          hot == 1 ? "one key" : fmt::format("{} keys", hot), names, hot == 1 ? "is" : "are",
          100 * most, names, hot == 1 ? "it" : "them"));
    } else if (has_partitions && worst->imbalance > kUneven) {
      advise(fmt::format(
          "no key of {} is hot, but {} partitions by its hash are uneven ({:.1f} times the mean at "
          "most): there are few keys for so many. Fewer partitions are as fast",
          names, worst->partitions, worst->imbalance));
    } else {
      advise(fmt::format("no key of {} is hot: joins and aggregations by it are even", names));
    }
    const double nulls = static_cast<double>(report_.null_rows) / static_cast<double>(report_.rows);
    if (nulls >= kManyNulls) {
      advise(fmt::format(
          "{:.1f} % of the rows have no key (NULL). They match nothing in a join; an engine that "
          "spreads rows by key sends all of them to one task, so filter them out before, or as "
          "null_entity: drop does",
          100 * nulls));
    }
  }

  const Location& location_;
  const TableContents& contents_;
  const KeyOptions& options_;
  RunOptions run_;
  std::vector<std::pair<size_t, int>> groups_;  ///< file, row group
  std::shared_ptr<arrow::Schema> schema_;       ///< of the key
  std::vector<int> partition_of_;               ///< per key column: the partition column, or -1
  std::vector<std::string> of_files_;           ///< the other key columns
  std::vector<KeyRows> hot_;                    ///< the hottest first, as many as are shown
  std::vector<double> shares_;                  ///< of the hottest, shown or not
  KeyReport report_;
};

}  // namespace

arrow::Result<KeyReport> InspectKeys(const std::string& path, const KeyOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const Location location, LocateTable(path));
  RunOptions run;
  run.threads = options.threads;
  ARROW_ASSIGN_OR_RAISE(const TableContents contents, ReadContents(location, ThreadsOf(run)));
  return KeyInspector(location, contents, options).Inspect();
}

}  // namespace tidemill
