#include "engine/entity_universe.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/compute/cast.h>

#include "base/nearest_name.h"
#include "engine/argument_reader.h"
#include "engine/group_rows.h"
#include "engine/scan.h"
#include "engine/sort_keys.h"
#include "sql/function_registry.h"
#include "storage/column_types.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

TableRole EntitiesRole() {
  return {"output.entities",
          "check output.entities.path; files and folders whose name starts "
          "with '_' or '.' are not read",
          /*may_be_file=*/true};
}

arrow::Status OpenAll(const BoundPipeline& pipeline, int threads, EntityUniverse* universe) {
  const EntitiesSpec& spec = *pipeline.spec.output.entities;
  ARROW_ASSIGN_OR_RAISE(Location root, ParseLocation(pipeline.spec.Resolve(spec.path.text)));
  ARROW_ASSIGN_OR_RAISE(const auto listed,
                        ListedTable::List(spec, std::move(root), EntitiesRole()));
  for (size_t f = 0; f < listed->listing().files.size(); ++f) {
    ARROW_ASSIGN_OR_RAISE(universe->files.emplace_back(), listed->WithDeletedRows(f));
  }
  return OpenFiles(listed.get(), threads, universe);
}

/// Whether values of the table can be entities: the same type, or another size of integers.
bool CanBe(const arrow::DataType& from, const arrow::DataType& to) {
  return from.Equals(to) || (arrow::is_integer(from.id()) && arrow::is_integer(to.id()));
}

std::string LineOf(const Pipeline& pipeline, const SourcePosition& position) {
  const auto index = static_cast<size_t>(position.line - 1);
  return position.line > 0 && index < pipeline.file_lines.size() ? pipeline.file_lines[index] : "";
}

/// The columns of the table that hold the entity.
arrow::Status BindColumns(const BoundPipeline& pipeline, EntityUniverse* universe) {
  const EntitiesSpec& spec = *pipeline.spec.output.entities;
  std::vector<Diagnostic> diagnostics;
  const auto fail = [&](const LocatedText& at, std::string message, std::string hint) {
    diagnostics.push_back(
        {std::move(message), std::move(hint), at.position, LineOf(pipeline.spec, at.position)});
  };
  for (size_t i = 0; i < pipeline.entity.size(); ++i) {
    const LocatedText& entity = pipeline.spec.entity[i];
    const LocatedText& name = spec.columns.empty() ? entity : spec.columns[i];
    const LocatedText& place = spec.columns.empty() ? spec.path : name;
    auto field = universe->partition_schema->GetFieldByName(name.text);
    if (field == nullptr) field = universe->file_schema->GetFieldByName(name.text);
    if (field == nullptr) {
      std::vector<std::string> names = universe->file_schema->field_names();
      for (const std::string& partition : universe->partition_schema->field_names()) {
        names.push_back(partition);
      }
      const auto nearest = NearestName(name.text, names);
      fail(place, "output.entities: " + universe->root.uri + " has no column '" + name.text + "'",
           nearest ? "did you mean '" + *nearest + "'?"
                   : "'column' names the column that holds " + entity.text);
      continue;
    }
    const auto type = PlainType(field->type());
    const auto wanted = PlainType(pipeline.rows->field(pipeline.entity[i])->type());
    if (!CanBe(*type, *wanted)) {
      // Timestamps of two units have one name.
      const bool is_same = TypeName(*type) == TypeName(*wanted);
      const auto name_of = [&](const arrow::DataType& one) {
        return is_same ? one.ToString() : TypeName(one);
      };
      fail(place,
           "output.entities: column '" + name.text + "' is " + name_of(*type) + ", and entity '" +
               entity.text + "' is " + name_of(*wanted),
           "both must be of one type; source.columns can cast the entity");
    }
    universe->columns.push_back(name.text);
  }
  if (!diagnostics.empty()) return MakeError(ErrorCode::kInvalid, std::move(diagnostics));
  return arrow::Status::OK();
}

/// Tiles of no events for entities, in their order, each once.
TileRun EmptyTiles(const TileLayout& layout, const std::vector<Bytes>& keys) {
  std::vector<uint32_t> order(keys.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  SortByKey(keys, &order);
  const auto repeated = std::unique(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return CompareKeys(keys[a], keys[b]) == 0;
  });
  order.erase(repeated, order.end());
  size_t heap_size = 8;
  for (const uint32_t i : order) heap_size += keys[i].size;
  const size_t bytes = order.size() * layout.row_size();
  TileRun run;
  run.num_rows = static_cast<int64_t>(order.size());
  run.rows = TileBytes(bytes);
  run.heap = TileBytes(heap_size);
  run.memory = static_cast<int64_t>(bytes + heap_size);
  run.distincts.resize(layout.distincts.size());
  uint8_t* row = run.rows.get();
  uint8_t* key = run.heap.get();
  for (const uint32_t i : order) {
    if (keys[i].size > 0) std::memcpy(key, keys[i].data, keys[i].size);
    const TileHeader header{key, static_cast<uint32_t>(keys[i].size), kUniverseStratum};
    std::memcpy(row, &header, sizeof header);
    layout.Initialize(row + sizeof header);
    row += layout.row_size();
    key += keys[i].size;
  }
  return run;
}

class UniverseScanner {
 public:
  UniverseScanner(const Plan& plan, const ScanResult& scan)
      : pipeline_(*plan.pipeline), universe_(*plan.universe), scan_(scan) {}

  arrow::Result<TileRun> Scan(size_t file, int row_group) const {
    Frame frame;
    ARROW_RETURN_NOT_OK(Read(file, row_group, &frame));
    if (frame.num_rows == 0) return TileRun{};
    std::vector<ExpressionPtr> entity;
    for (size_t i = 0; i < universe_.columns.size(); ++i) {
      entity.push_back(ColumnExpression(static_cast<int>(i), universe_.columns[i], TypeOf(i)));
    }
    Evaluator evaluator(&frame);
    ArgumentReader reader(&frame, &evaluator);
    const bool drops_nulls = pipeline_.spec.null_entity != NullEntity::kKeep;
    ARROW_ASSIGN_OR_RAISE(const RowGroups groups,
                          GroupRows(entity, *scan_.codec, drops_nulls, nullptr, 0, &reader));
    std::vector<Bytes> keys;
    for (uint32_t g = 0; g < groups.num_groups; ++g) {
      if (groups.first_row[g] >= 0) keys.push_back(groups.keys[g]);
    }
    return EmptyTiles(*scan_.layout, keys);
  }

 private:
  std::shared_ptr<arrow::DataType> TypeOf(size_t entity) const {
    return PlainType(pipeline_.rows->field(pipeline_.entity[entity])->type());
  }

  arrow::Status Read(size_t file, int row_group, Frame* frame) const {
    const DataFile& data = universe_.files[file];
    std::vector<std::string> from_file;
    for (const std::string& name : universe_.columns) {
      if (universe_.partition_schema->GetFieldIndex(name) < 0) from_file.push_back(name);
    }
    auto result = ReadRowGroup(universe_.root, data, universe_.footers[file], row_group,
                               *universe_.file_schema, from_file);
    if (!result.ok()) {
      return arrow::Status(arrow::StatusCode::IOError, result.status().message(),
                           result.status().detail());
    }
    RowGroupColumns read = *std::move(result);
    frame->num_rows = read.num_rows;
    size_t next = 0;
    for (size_t i = 0; i < universe_.columns.size(); ++i) {
      const int partition = universe_.partition_schema->GetFieldIndex(universe_.columns[i]);
      arrow::Datum column =
          partition >= 0 ? arrow::Datum(data.partition_values[static_cast<size_t>(partition)])
                         : arrow::Datum(read.arrays[next++]);
      const auto type = TypeOf(i);
      if (column.type()->id() != arrow::Type::DICTIONARY && !column.type()->Equals(*type)) {
        auto cast = arrow::compute::Cast(column, type, arrow::compute::CastOptions::Safe(type));
        if (!cast.ok()) {
          return MakeError(ErrorCode::kRunFailed,
                           universe_.root.uri + "/" + data.relative_path + ": column '" +
                               universe_.columns[i] + "': " + cast.status().message(),
                           "its values must fit the type of the entity, " + TypeName(*type));
        }
        column = *std::move(cast);
      }
      frame->columns.push_back(std::move(column));
    }
    return arrow::Status::OK();
  }

  const BoundPipeline& pipeline_;
  const EntityUniverse& universe_;
  const ScanResult& scan_;
};

}  // namespace

arrow::Result<std::shared_ptr<const EntityUniverse>> OpenUniverse(const BoundPipeline& pipeline,
                                                                  int threads) {
  const auto& spec = pipeline.spec.output.entities;
  if (!spec) return nullptr;
  auto universe = std::make_shared<EntityUniverse>();
  universe->path = spec->path.text;
  ARROW_RETURN_NOT_OK(WithContext(OpenAll(pipeline, threads, universe.get()), "output.entities"));
  ARROW_RETURN_NOT_OK(BindColumns(pipeline, universe.get()));
  return universe;
}

arrow::Status ScanUniverse(const Plan& plan, const PassOptions& options, ScanResult* scan) {
  std::vector<std::pair<size_t, int>> row_groups;
  for (size_t f = 0; f < plan.universe->footers.size(); ++f) {
    for (int g = 0; g < plan.universe->footers[f].metadata->num_row_groups(); ++g) {
      row_groups.emplace_back(f, g);
    }
  }
  const UniverseScanner scanner(plan, *scan);
  return ParallelFor(static_cast<int64_t>(row_groups.size()), std::max(options.threads, 1),
                     options.cancelled, [&](int64_t index, int) -> arrow::Status {
                       const auto& [file, row_group] = row_groups[static_cast<size_t>(index)];
                       ARROW_ASSIGN_OR_RAISE(TileRun run, scanner.Scan(file, row_group));
                       return scan->tiles->Add(std::move(run));
                     });
}

}  // namespace tidemill
