#include "table/delta_plan.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "storage/percent_encoding.h"
#include "table/delta_commits.h"
#include "table/delta_features.h"
#include "table/delta_writer.h"
#include "table/ledger_json.h"
#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Json = nlohmann::ordered_json;
using NamedTypes = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kTypeWidening = "delta.enableTypeWidening";

/// Names that a table without column mapping cannot have.
arrow::Status CheckName(const std::string& name) {
  if (name.find_first_of(" ,;{}()\n\t=") == std::string::npos) return arrow::Status::OK();
  return MakeError(ErrorCode::kInvalid,
                   fmt::format("a Delta table cannot have a column named '{}'", name),
                   "names hold none of: space , ; { } ( ) = tab newline");
}

/// The columns that directories stand for, in their order, then those of the rows, with their
/// types.
arrow::Result<NamedTypes> WantedColumns(const PartitionLayout& layout, const arrow::Schema& rows) {
  NamedTypes columns;
  for (const auto& field : rows.fields()) {
    ARROW_ASSIGN_OR_RAISE(std::string type, DeltaTypeOf(*field));
    columns.emplace_back(field->name(), std::move(type));
  }
  for (auto& column : layout.DateColumns()) columns.push_back(std::move(column));
  for (const PartitionTerm& term : layout.column_terms()) {
    if (term.kind == PartitionTerm::Kind::kBucket) {
      columns.emplace_back(PartitionLayout::NameOf(term), "integer");
    }
  }
  for (const auto& [name, type] : columns) ARROW_RETURN_NOT_OK(CheckName(name));
  return columns;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nothing" : text;
}

/// The rows' columns in their stored types.
arrow::Result<std::shared_ptr<arrow::Schema>> StoredSchema(const arrow::Schema& rows,
                                                           const NamedTypes& columns,
                                                           const std::vector<std::string>& types) {
  arrow::FieldVector fields;
  for (const auto& field : rows.fields()) {
    const auto at =
        std::ranges::find(columns, field->name(), [](const auto& c) { return c.first; });
    const std::string& type = types[static_cast<size_t>(at - columns.begin())];
    fields.push_back(field->WithType(ArrowTypeOf(type)));
  }
  return arrow::schema(std::move(fields));
}

int IndexedColumns(const DeltaMetadata& metadata) {
  const std::string count = metadata.Property("delta.dataSkippingNumIndexedCols", "32");
  return static_cast<int>(std::strtol(count.c_str(), nullptr, 10));
}

/// Of a file's statistics; 0 if they do not tell.
int64_t RowsOf(const DeltaFile& file) {
  const Json stats = Json::parse(file.stats, nullptr, /*allow_exceptions=*/false);
  if (!stats.is_object()) return 0;
  const auto rows = stats.find("numRecords");
  return rows != stats.end() && rows->is_number_integer() ? rows->get<int64_t>() : 0;
}

/// Every column that the table has in files, whoever put it there.
arrow::Result<std::shared_ptr<arrow::Schema>> AllFileColumns(const std::string& schema_string,
                                                             const PartitionLayout& layout) {
  ARROW_ASSIGN_OR_RAISE(const auto fields, ParseDeltaSchema(schema_string));
  const std::vector<std::string> directories = layout.ColumnNames();
  arrow::FieldVector columns;
  for (const DeltaField& field : fields) {
    if (std::ranges::find(directories, field.name) != directories.end()) continue;
    const auto type = ArrowTypeOf(field.type);
    if (type == nullptr) {
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("column '{}' of the table has a type that a merge cannot carry "
                                   "over to rewritten files",
                                   field.name),
                       "drop the column, or use mode: overwrite");
    }
    columns.push_back(arrow::field(field.name, type));
  }
  return arrow::schema(std::move(columns));
}

/// "feature_date=2026-03-02/country=a%20b/": where files of these partition values are put.
std::string FolderOf(const std::vector<std::string>& columns, const PartitionValues& values) {
  std::string folder;
  for (const std::string& column : columns) {
    const auto at = values.find(column);
    const bool is_null = at == values.end() || !at->second.has_value();
    folder += PercentEncodeForHive(column) + "=" +
              (is_null ? "__HIVE_DEFAULT_PARTITION__" : PercentEncodeForHive(*at->second)) + "/";
  }
  return folder;
}

}  // namespace

arrow::Result<DeltaTableChange> PlanTableChange(const Table& table, const DeltaView& view,
                                                const arrow::Schema& rows) {
  ARROW_ASSIGN_OR_RAISE(const NamedTypes columns, WantedColumns(table.layout(), rows));
  const std::vector<std::string> partition_columns = table.layout().ColumnNames();
  DeltaTableChange change;
  if (view.snapshot == nullptr) {
    const EvolvedSchema schema = NewDeltaSchema(columns);
    ARROW_ASSIGN_OR_RAISE(change.stored, StoredSchema(rows, columns, schema.types));
    change.schema_string = schema.schema_string;
    change.actions = ProtocolAction(NewDeltaProtocol(schema.types)) +
                     NewMetadataAction(schema.schema_string, partition_columns, NowMicros() / 1000);
    return change;
  }
  const DeltaMetadata& metadata = view.metadata;
  ARROW_ASSIGN_OR_RAISE(const auto fields, ParseDeltaSchema(metadata.schema_string));
  ARROW_RETURN_NOT_OK(CheckDeltaWritable(metadata, fields, table.path()));
  if (metadata.partition_columns != partition_columns) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("{}: the table is partitioned by {}, and partition_by says {}", table.path(),
                    Joined(metadata.partition_columns), Joined(partition_columns)),
        "correct output.partition_by, or write to another path");
  }
  const auto evolved = EvolveDeltaSchema(metadata.schema_string, columns);
  if (!evolved.ok()) return WithContext(evolved.status(), table.path());
  const EvolvedSchema& schema = *evolved;
  ARROW_ASSIGN_OR_RAISE(change.stored, StoredSchema(rows, columns, schema.types));
  change.schema_string = schema.schema_string;
  if (!schema.is_changed()) return change;
  std::map<std::string, std::string> properties;
  std::vector<std::string> needed;
  if (!schema.widened.empty()) {
    needed.emplace_back("typeWidening");
    properties[kTypeWidening] = "true";
  }
  for (const std::string& name : schema.added) {
    const auto at = std::ranges::find(columns, name, [](const auto& c) { return c.first; });
    if (HasLocalTime(at->second)) needed.emplace_back("timestampNtz");
  }
  DeltaMetadata upgraded = metadata;
  std::string protocol;
  for (const std::string& feature : needed) {
    const std::string with = ProtocolWithFeature(upgraded, feature);
    if (with.empty()) continue;
    protocol = with;
    const Json json = Json::parse(with);
    upgraded.min_reader_version = json.at("minReaderVersion");
    upgraded.min_writer_version = json.at("minWriterVersion");
    upgraded.reader_features = json.at("readerFeatures");
    upgraded.writer_features = json.at("writerFeatures");
  }
  if (!protocol.empty()) change.actions += ProtocolAction(protocol);
  change.actions += ChangedMetadataAction(metadata, schema.schema_string, properties);
  return change;
}

arrow::Result<std::vector<PlacedFile>> DeltaDatePlanner::NewFiles(const DeltaView& view) {
  std::vector<PlacedFile> files;
  for (size_t i = 0; i < staged_.files().size(); ++i) {
    const PublishedFile& file = staged_.files()[i];
    if (file.rows == 0) continue;
    // "part-00000.parquet" -> "part-00000-RUN.parquet": nobody else has this name.
    std::string path = file.path;
    path.insert(path.size() - std::string_view(".parquet").size(), "-" + run_id_);
    const std::string local_path =
        staged_.directory() + file.path.substr(staged_.partition().size());
    ARROW_ASSIGN_OR_RAISE(std::string stats, DeltaStatsOf(local_path, IndexedColumns(view.metadata),
                                                          staged_.nan_columns(i)));
    files.push_back({local_path, path, PartitionValuesOf(path), file.rows, file.bytes, file.hash,
                     std::move(stats)});
  }
  return files;
}

arrow::Result<DeltaRewrite> DeltaDatePlanner::Merge(const DeltaView& view,
                                                    const std::string& schema_string,
                                                    std::vector<DeltaFile> files) {
  DeltaMergeInput input;
  input.table = &table_.location();
  input.snapshot = view.snapshot.get();
  input.files = std::move(files);
  input.keys = table_.options().entity;
  input.new_keys = &*new_keys_;
  ARROW_ASSIGN_OR_RAISE(input.schema, AllFileColumns(schema_string, table_.layout()));
  input.options = staged_.options();
  return RewriteForMerge(input, fmt::format("{}.rest-{}", staged_.directory(), merges_++));
}

arrow::Result<std::vector<PlacedFile>> DeltaDatePlanner::RestFiles(const DeltaRewrite& rewrite,
                                                                   const DeltaView& view) {
  std::vector<PlacedFile> files;
  for (const DeltaRest& rest : rewrite.rest) {
    const PublishedFile& file = rest.written.file;
    ARROW_ASSIGN_OR_RAISE(std::string stats, DeltaStatsOf(file.path, IndexedColumns(view.metadata),
                                                          rest.written.nan_columns));
    const std::string path = fmt::format("{}rest-{:05}-{}-{}.parquet",
                                         FolderOf(table_.layout().ColumnNames(), rest.partition),
                                         files.size(), run_id_, merges_);
    files.push_back(
        {file.path, path, rest.partition, file.rows, file.bytes, file.hash, std::move(stats)});
  }
  return files;
}

arrow::Result<DeltaDatePlan> DeltaDatePlanner::Plan(const DeltaView& view, PublishedState state) {
  DeltaDatePlan plan;
  plan.attempt = MakeUuid();
  const int64_t now = NowMicros();
  ARROW_ASSIGN_OR_RAISE(const DeltaTableChange change,
                        PlanTableChange(table_, view, *staged_.schema()));
  if (!table_.layout().FileSchema(*change.stored)->Equals(*staged_.file_schema())) {
    return MakeError(ErrorCode::kConflict,
                     fmt::format("{}: the types of its columns changed while {} was computed",
                                 table_.path(), lock_.date()),
                     "run again");
  }
  const bool is_merge = table_.options().mode == TableOptions::Mode::kMerge;
  if (!new_files_) {
    if (is_merge) {
      ARROW_ASSIGN_OR_RAISE(new_keys_, KeysOfStaged(staged_, table_.options().entity));
    }
    ARROW_ASSIGN_OR_RAISE(new_files_, NewFiles(view));
    unplaced_ = *new_files_;
  }

  const PartitionValues partition = PartitionValuesOf(staged_.partition() + "/");
  std::vector<DeltaFile> of_date;
  for (const DeltaFile& file : view.files) {
    ARROW_ASSIGN_OR_RAISE(const PartitionValues values,
                          ParsePartitionValues(file.partition_values));
    if (LiesIn(values, partition)) of_date.push_back(file);
  }
  std::vector<DeltaFile> removed = of_date;
  std::vector<PlacedFile> added = *new_files_;
  state.files.clear();
  if (is_merge) {
    ARROW_ASSIGN_OR_RAISE(const DeltaRewrite rewrite, Merge(view, change.schema_string, of_date));
    removed = rewrite.replaced;
    ARROW_ASSIGN_OR_RAISE(const auto rest, RestFiles(rewrite, view));
    added.insert(added.end(), rest.begin(), rest.end());
    unplaced_.insert(unplaced_.end(), rest.begin(), rest.end());
    for (const DeltaFile& file : of_date) {
      const bool is_replaced = std::ranges::any_of(
          removed, [&](const DeltaFile& other) { return other.path == file.path; });
      if (!is_replaced) state.files.push_back({file.path, RowsOf(file), file.size, ""});
    }
  }

  const std::string app_id = DeltaAppId(table_.options().pipeline, lock_.date());
  int64_t last = -1;
  if (view.snapshot != nullptr) {
    ARROW_ASSIGN_OR_RAISE(last, view.snapshot->Transaction(app_id));
  }
  state.transaction = std::max(now, last + 1);
  planned_.clear();
  for (const PlacedFile& file : added) {
    state.files.push_back({file.path, file.rows, file.bytes, file.hash});
    planned_.insert(file.path);
  }
  plan.state = std::move(state);

  std::string where;
  for (const auto& [column, value] : partition) {
    where += fmt::format("{}{} = '{}'", where.empty() ? "" : " AND ", column, value.value_or(""));
  }
  DeltaCommitInfo info;
  info.operation = is_merge ? "MERGE" : "WRITE";
  info.parameters = Json({{"mode", is_merge ? "Merge" : "Overwrite"},
                          {"partitionBy", Json(table_.layout().ColumnNames()).dump()},
                          {"predicate", where}})
                        .dump();
  info.attempt = plan.attempt;
  info.timestamp_ms = now / 1000;
  info.ledger_entry = EntryToJson(EntryOf(lock_.date(), plan.state));
  plan.lines = CommitInfoAction(info) + change.actions +
               TransactionAction(app_id, plan.state.transaction, now / 1000);
  for (const DeltaFile& file : removed) plan.lines += RemoveAction(file, now / 1000, true);
  for (const PlacedFile& file : added) {
    plan.lines += AddAction({file.path, file.partition, file.bytes, now / 1000, file.stats, true});
  }
  return plan;
}

void DeltaDatePlanner::MarkPlaced() {
  placed_.insert(placed_.end(), unplaced_.begin(), unplaced_.end());
  unplaced_.clear();
}

std::vector<PlacedFile> DeltaDatePlanner::All() const {
  std::vector<PlacedFile> all = placed_;
  all.insert(all.end(), unplaced_.begin(), unplaced_.end());
  return all;
}

std::vector<PlacedFile> DeltaDatePlanner::Obsolete() const {
  std::vector<PlacedFile> obsolete;
  for (const PlacedFile& file : placed_) {
    if (!planned_.contains(file.path)) obsolete.push_back(file);
  }
  return obsolete;
}

}  // namespace tidemill
