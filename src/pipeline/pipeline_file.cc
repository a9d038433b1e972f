// Reading a pipeline file: text -> YAML tree -> ${NAME} -> sections -> Pipeline.
//
// After the YAML itself is sound, nothing stops at the first fault: each reader reports what is
// wrong with its part and carries on with what is right, so that one look at a file shows all that
// there is to repair. Only if no fault was found is the Pipeline handed out.

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "base/byte_size.h"
#include "base/calendar.h"
#include "base/nearest_name.h"
#include "pipeline/pipeline_file_checks.h"
#include "pipeline/pipeline_file_entities.h"
#include "pipeline/pipeline_file_features.h"
#include "pipeline/pipeline_file_joins.h"
#include "pipeline/pipeline_file_names.h"
#include "pipeline/pipeline_file_reader.h"
#include "pipeline/pipeline_file_terms.h"
#include "pipeline/pipeline_file_version.h"
#include "pipeline/pipeline_file_yaml.h"
#include "tidemill/pipeline.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxFileBytes = 16'000'000;

bool IsUri(const std::string& path) { return path.find("://") != std::string::npos; }

class PipelineFileReader {
 public:
  PipelineFileReader(const YamlNode& root, Pipeline* pipeline, Faults* faults)
      : root_(root),
        pipeline_(*pipeline),
        faults_(faults),
        top_(root, "", root.position,
             {"pipeline", "description", "source", "grain", "entity", "null_entity", "window",
              "checks", "features", "output"},
             faults) {}

  void Read() {
    ReadTop();
    ReadSource();
    ReadChecks(root_, top_, &pipeline_, faults_);
    ReadOutput();
    if (const YamlNode* features = top_.Require("features")) {
      pipeline_.features = ReadFeatures(*features, pipeline_.grain, faults_);
    }
    CheckNames();
    CheckWindow();
    CheckPaths();
  }

 private:
  void ReadTop() {
    if (auto name = top_.RequireText("pipeline")) {
      pipeline_.name = name->text;
      if (name->text.find('\n') != std::string::npos || name->text.find('/') != std::string::npos) {
        faults_->Add(name->position, "the name of a pipeline has no '/' and is one line");
      }
    }
    if (const YamlNode* node = top_.Find("description");
        node != nullptr && node->kind != YamlNode::Kind::kNull) {
      if (auto text = top_.Text("description")) pipeline_.description = text->text;
    }
    if (auto grain = top_.Choice("grain", {"day", "hour"})) {
      pipeline_.grain = *grain == "hour" ? Grain::kHour : Grain::kDay;
    }
    if (const YamlNode* entity = top_.Require("entity")) {
      pipeline_.entity = top_.TextOrList("entity", *entity);
    }
    if (auto choice = top_.Choice("null_entity", {"drop", "keep", "error"})) {
      pipeline_.null_entity = *choice == "keep"    ? NullEntity::kKeep
                              : *choice == "error" ? NullEntity::kError
                                                   : NullEntity::kDrop;
    }
    if (auto window = top_.Text("window")) {
      pipeline_.window = ReadWindow(*window, "'window'", pipeline_.grain, faults_);
    }
  }

  void ReadSource() {
    if (top_.Require("source") == nullptr) return;
    const YamlNode* node = top_.Map("source");
    if (node == nullptr) return;
    const SourcePosition position = PositionOfKey(root_, "source");
    const MapReader source(*node, "source", position,
                           {"path", "format", "version", "timestamp", "day", "event_time",
                            "timezone", "where", "columns", "join"},
                           faults_);
    SourceSpec& spec = pipeline_.source;
    if (auto path = source.RequireText("path")) spec.path = *path;
    if (auto format = source.Choice("format", {"parquet", "delta"})) spec.format = *format;
    ReadTableVersion(source, "source", &spec, faults_);
    spec.day = source.Text("day");
    spec.event_time = source.Text("event_time");
    if (source.Find("day") == nullptr && source.Find("event_time") == nullptr) {
      faults_->Add(position, "the source has neither 'day' nor 'event_time'",
                   "one of them must tell on which day an event counts");
    }
    if (auto zone = source.Text("timezone")) {
      spec.timezone = zone->text;
      if (TimeZone::Find(zone->text) == nullptr) {
        faults_->Add(zone->position, fmt::format("unknown time zone '{}'", zone->text),
                     "write an IANA name, as in Europe/Berlin, or UTC");
      }
    }
    spec.where = source.Text("where");
    ReadColumns(source);
    if (const YamlNode* joins = source.Find("join")) spec.joins = ReadJoins(*joins, faults_);
  }

  void ReadColumns(const MapReader& source) {
    const YamlNode* value = source.Find("columns");
    if (value == nullptr || value->kind == YamlNode::Kind::kNull) return;
    const YamlNode* columns = source.Map("columns");
    if (columns == nullptr) return;
    for (const auto& [name, expression] : columns->entries) {
      auto column = ReadText(*name, "the name of a column", faults_);
      if (!column) continue;
      auto text = ReadText(*expression, fmt::format("column '{}'", column->text), faults_);
      if (text) pipeline_.source.columns.emplace_back(*std::move(column), *std::move(text));
    }
  }

  void ReadOutput() {
    if (top_.Require("output") == nullptr) return;
    const YamlNode* node = top_.Map("output");
    if (node == nullptr) return;
    const MapReader output(*node, "output", PositionOfKey(root_, "output"),
                           {"path", "format", "partition_by", "mode", "cluster_by", "file_size",
                            "max_rows_per_file", "compression", "entities"},
                           faults_);
    OutputSpec& spec = pipeline_.output;
    if (auto path = output.RequireText("path")) spec.path = *path;
    if (auto format = output.Choice("format", {"parquet", "delta"})) spec.format = *format;
    if (auto mode = output.Choice("mode", {"overwrite", "merge"})) spec.mode = *mode;
    if (spec.mode == "merge" && spec.format != "delta") {
      faults_->Add(PositionOfKey(*node, "mode"), "'output.mode: merge' needs 'format: delta'",
                   "directories of Parquet files can only be replaced as a whole: use overwrite");
    }
    if (output.Find("entities") != nullptr) {
      if (const YamlNode* entities = output.Map("entities")) {
        ReadEntities(*entities, PositionOfKey(*node, "entities"), &pipeline_, faults_);
      }
    }
    if (const YamlNode* terms = output.Find("partition_by")) {
      spec.partition_by = ReadPartitionTerms(*terms, pipeline_.grain, faults_);
    } else {
      spec.partition_by.push_back({PartitionTerm::Kind::kFeatureDate, {}, 0});
      if (pipeline_.grain == Grain::kHour) {
        spec.partition_by.push_back({PartitionTerm::Kind::kFeatureHour, {}, 0});
      }
    }
    if (const YamlNode* order = output.Find("cluster_by")) {
      spec.cluster_by = ReadClusterSpec(*order, spec.partition_by, faults_);
    }
    if (auto size = output.Text("file_size")) {
      const std::optional<int64_t> bytes = ParseByteSize(size->text);
      if (!bytes || *bytes <= 0) {
        faults_->Add(size->position,
                     fmt::format("'output.file_size' is '{}', which is not a size", size->text),
                     "write a number of bytes with a unit, as in 128MB");
      } else {
        spec.file_size = *bytes;
      }
    }
    if (auto rows = output.Text("max_rows_per_file")) {
      spec.max_rows_per_file =
          ReadCount(*rows, 1, "'output.max_rows_per_file'",
                    "a number of rows, or leave the key out for no limit", faults_)
              .value_or(0);
    }
    if (auto codec = output.Choice("compression", {"zstd", "snappy", "lz4", "gzip", "none"})) {
      spec.compression = *codec;
    }
  }

  /// Features, entity columns and the date columns of partitions share one table.
  void CheckNames() {
    std::set<std::string> dates = {"feature_date"};
    for (const PartitionTerm& term : pipeline_.output.partition_by) {
      if (term.kind == PartitionTerm::Kind::kFeatureHour) dates.insert("feature_hour");
      if (term.kind == PartitionTerm::Kind::kYear) dates.insert({"year", "month", "day"});
    }
    std::set<std::string> entities;
    for (const LocatedText& entity : pipeline_.entity) {
      entities.insert(entity.text);
      if (dates.contains(entity.text)) {
        faults_->Add(entity.position,
                     fmt::format("entity column '{}' has the name of a partition column of the "
                                 "output",
                                 entity.text),
                     "give it another name in source.columns");
      }
    }
    for (const FeatureSpec& feature : pipeline_.features) {
      const std::string& name = feature.name.text;
      if (entities.contains(name) || dates.contains(name)) {
        faults_->Add(feature.name.position,
                     fmt::format("feature '{}' has the name of {}", name,
                                 entities.contains(name) ? "an entity column"
                                                         : "a partition column of the output"),
                     "give it another name");
      }
    }
  }

  /// Which features need a window shows when they are bound; without any window none can be.
  void CheckWindow() {
    if (top_.Find("window") != nullptr || pipeline_.features.empty()) return;
    for (const FeatureSpec& feature : pipeline_.features) {
      if (feature.window) return;
    }
    top_.Require("window");
  }

  void CheckPaths() {
    const std::string source = AbsolutePath(pipeline_.source.path.text);
    const std::string output = AbsolutePath(pipeline_.output.path.text);
    if (source.empty() || output.empty()) return;
    const bool is_inside = output == source || output.rfind(source + "/", 0) == 0;
    if (is_inside || source.rfind(output + "/", 0) == 0) {
      faults_->Add(pipeline_.output.path.position,
                   output == source ? "'output.path' is the source's own directory"
                   : is_inside      ? "'output.path' lies inside the source's directory"
                                    : "'output.path' holds the source's directory",
                   "features would be read as events, or events as features; keep them apart");
    }
    for (const JoinSpec& join : pipeline_.source.joins) {
      KeepApart(join.path, "the dimension", output);
    }
    if (pipeline_.output.entities) {
      KeepApart(pipeline_.output.entities->path, "the table of entities", output);
    }
  }

  void KeepApart(const LocatedText& path, const char* what, const std::string& output) {
    const std::string input = AbsolutePath(path.text);
    if (input.empty()) return;
    const bool is_inside = (input + "/").rfind(output + "/", 0) == 0;
    if (!is_inside && output.rfind(input + "/", 0) != 0) return;
    faults_->Add(
        path.position,
        fmt::format("{} {} the output of this pipeline", what, is_inside ? "lies in" : "holds"),
        "what a run publishes cannot be what it reads; keep them apart");
  }

  /// Without trailing slash; URIs of object stores as they are.
  std::string AbsolutePath(const std::string& path) const {
    std::string local = path.rfind("file://", 0) == 0 ? path.substr(7) : path;
    if (local.empty()) return "";
    std::string text = local;
    if (!IsUri(local)) {
      std::error_code error;
      fs::path absolute = fs::absolute(pipeline_.Resolve(local), error).lexically_normal();
      if (error) return "";
      text = absolute.string();
    }
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    return text;
  }

  const YamlNode& root_;
  Pipeline& pipeline_;
  Faults* faults_;
  MapReader top_;
};

/// The pipeline file beside `path` that was probably meant.
std::string HintForMissingFile(const fs::path& path) {
  std::error_code error;
  std::vector<std::string> names;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".yaml" || extension == ".yml") names.push_back(entry.path().filename());
  }
  if (auto nearest = NearestName(path.filename().string(), names)) {
    return fmt::format("did you mean '{}'?", (path.parent_path() / *nearest).string());
  }
  return "";
}

arrow::Result<std::string> ReadFile(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  const auto refuse = [&](const std::string& why, const std::string& hint = "") {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("cannot read the pipeline file '{}': {}", path, why), hint);
  };
  if (status.type() == fs::file_type::not_found) {
    return refuse("there is no such file", HintForMissingFile(path));
  }
  if (error) return refuse(error.message());
  if (fs::is_directory(status)) return refuse("it is a directory", "name the YAML file in it");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return refuse(std::error_code(errno, std::generic_category()).message());
  std::string text;
  char buffer[65536];
  while (stream.read(buffer, sizeof(buffer)) || stream.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(stream.gcount()));
    if (static_cast<int64_t>(text.size()) > kMaxFileBytes) {
      return refuse("it is larger than 16 MB", "a pipeline file is a short YAML text");
    }
  }
  if (stream.bad()) return refuse("reading failed");
  return text;
}

}  // namespace

std::string WindowLength::ToString() const {
  return fmt::format("{}{}", count, unit == Grain::kDay ? 'd' : 'h');
}

std::string Pipeline::Resolve(const std::string& path) const {
  if (IsUri(path) || fs::path(path).is_absolute()) return path;
  return (fs::path(file).parent_path() / path).lexically_normal().string();
}

arrow::Result<Pipeline> LoadPipeline(const std::string& path, const NameValues& names) {
  ARROW_ASSIGN_OR_RAISE(std::string text, ReadFile(path));
  return ParsePipeline(text, path, names);
}

arrow::Result<Pipeline> ParsePipeline(const std::string& text, const std::string& path,
                                      const NameValues& names, Environment environment) {
  ARROW_ASSIGN_OR_RAISE(std::string clean, CleanText(text, path));
  ARROW_ASSIGN_OR_RAISE(YamlDocument document, ParseYaml(clean, path));
  if (document.root == nullptr || document.root->kind == YamlNode::Kind::kNull) {
    return MakeError(ErrorCode::kInvalid, "the file is empty",
                     "'tidemill demo' writes a pipeline file to start from", {path, 0, 0});
  }
  std::vector<std::string> lines = SplitLines(clean);
  NameValues used;
  const std::vector<Diagnostic> unset =
      SubstituteNames(names, environment, &document, &lines, &used);
  Faults faults(lines);
  for (const Diagnostic& fault : unset) faults.Add(fault);
  ReportDuplicateKeys(document, &faults);

  Pipeline pipeline;
  pipeline.file = path;
  pipeline.text = text;
  pipeline.names = std::move(used);
  pipeline.file_lines = std::move(lines);
  if (document.root->kind != YamlNode::Kind::kMap) {
    faults.Add(
        document.root->position,
        fmt::format("a pipeline file is a mapping of keys, not {}", KindName(*document.root)),
        "it starts with 'pipeline: name', then source, entity, features, output");
  } else {
    PipelineFileReader(*document.root, &pipeline, &faults).Read();
  }
  ARROW_RETURN_NOT_OK(faults.ToStatus());
  return pipeline;
}

}  // namespace tidemill
