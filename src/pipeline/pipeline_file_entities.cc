#include "pipeline/pipeline_file_entities.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "pipeline/pipeline_file_version.h"

namespace tidemill {
namespace {

class EntitiesReader {
 public:
  EntitiesReader(const YamlNode& node, SourcePosition position, const Pipeline& pipeline,
                 Faults* faults)
      : pipeline_(pipeline),
        faults_(faults),
        map_(node, "output.entities", std::move(position),
             {"path", "format", "version", "timestamp", "column", "columns", "missing"}, faults) {}

  EntitiesSpec Read() {
    EntitiesSpec spec;
    if (auto path = map_.RequireText("path")) spec.path = *std::move(path);
    if (auto format = map_.Choice("format", {"parquet", "delta"})) spec.format = *format;
    ReadTableVersion(map_, "output.entities", &spec, faults_);
    map_.Choice("missing", {"default"});
    const YamlNode* column = map_.Find("column");
    const YamlNode* columns = map_.Find("columns");
    if (column != nullptr && columns != nullptr) {
      faults_->Add(columns->position, "'output.entities' has both 'column' and 'columns'",
                   "one of them names the columns of the entity");
    }
    if (column != nullptr) {
      if (auto text = map_.Text("column")) spec.columns.push_back(*std::move(text));
      CheckCount(*column, spec.columns.size());
    } else if (columns != nullptr && columns->kind == YamlNode::Kind::kMap) {
      spec.columns = ReadMapping(*columns);
    } else if (columns != nullptr) {
      spec.columns = map_.TextOrList("columns", *columns);
      CheckCount(*columns, spec.columns.size());
    }
    return spec;
  }

 private:
  void CheckCount(const YamlNode& at, size_t count) const {
    if (count == 0 || pipeline_.entity.empty() || count == pipeline_.entity.size()) return;
    faults_->Add(at.position,
                 fmt::format("'output.entities' names {} {} for an entity of {}", count,
                             count == 1 ? "column" : "columns", pipeline_.entity.size()),
                 "give one column for each column of the entity: columns: {user_id: id}");
  }

  /// Columns by the names of the entity's columns.
  std::vector<LocatedText> ReadMapping(const YamlNode& columns) {
    std::vector<std::string> names;
    for (const LocatedText& entity : pipeline_.entity) names.push_back(entity.text);
    const MapReader map(columns, "output.entities.columns", columns.position, names, faults_);
    std::vector<LocatedText> found;
    for (const LocatedText& entity : pipeline_.entity) {
      if (auto text = map.RequireText(entity.text)) found.push_back(*std::move(text));
    }
    return found;
  }

  const Pipeline& pipeline_;
  Faults* faults_;
  MapReader map_;
};

}  // namespace

void ReadEntities(const YamlNode& node, SourcePosition position, Pipeline* pipeline,
                  Faults* faults) {
  pipeline->output.entities = EntitiesReader(node, std::move(position), *pipeline, faults).Read();
}

}  // namespace tidemill
