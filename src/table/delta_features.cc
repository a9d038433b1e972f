#include "table/delta_features.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "table/delta_schema.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kTableFeaturesReader = 3;
constexpr int kTableFeaturesWriter = 7;

/// Features of readers that this house has. Checkpoints are the bridge's matter.
constexpr std::array<std::string_view, 7> kReaderFeatures = {
    "columnMapping", "deletionVectors",      "timestampNtz",       "typeWidening",
    "v2Checkpoint",  "typeWidening-preview", "vacuumProtocolCheck"};

/// Features of writers that ask nothing of a writer of whole files, or what CheckDeltaWritable
/// looks for in the properties and columns.
constexpr std::array<std::string_view, 13> kWriterFeatures = {
    "appendOnly",           "invariants",   "checkConstraints",    "changeDataFeed",
    "generatedColumns",     "timestampNtz", "deletionVectors",     "typeWidening",
    "typeWidening-preview", "v2Checkpoint", "vacuumProtocolCheck", "domainMetadata",
    "identityColumns"};

/// What the numbered writer versions before table features stand for.
std::vector<std::string> LegacyWriterFeatures(int version) {
  std::vector<std::string> features;
  if (version >= 2) features.insert(features.end(), {"appendOnly", "invariants"});
  if (version >= 3) features.emplace_back("checkConstraints");
  if (version >= 4) features.insert(features.end(), {"changeDataFeed", "generatedColumns"});
  if (version >= 5) features.emplace_back("columnMapping");
  if (version >= 6) features.emplace_back("identityColumns");
  return features;
}

template <size_t N>
std::string Unknown(const std::vector<std::string>& features,
                    const std::array<std::string_view, N>& known) {
  std::string names;
  for (const std::string& feature : features) {
    if (std::ranges::find(known, feature) != known.end()) continue;
    names += (names.empty() ? "" : ", ") + feature;
  }
  return names;
}

bool IsReaderFeature(const std::string& feature) {
  return std::ranges::find(kReaderFeatures, feature) != kReaderFeatures.end();
}

}  // namespace

arrow::Status CheckDeltaReadable(const DeltaMetadata& metadata, const std::string& table) {
  std::string unknown = Unknown(metadata.reader_features, kReaderFeatures);
  if (metadata.min_reader_version > kTableFeaturesReader) {
    unknown = fmt::format("reader version {}", metadata.min_reader_version);
  }
  if (unknown.empty()) return arrow::Status::OK();
  return MakeError(
      ErrorCode::kRunFailed,
      fmt::format("{}: this Delta table can only be read by who knows: {}", table, unknown),
      "drop the feature from the table, or read a copy without it");
}

arrow::Status CheckDeltaWritable(const DeltaMetadata& metadata,
                                 const std::vector<DeltaField>& fields, const std::string& table) {
  ARROW_RETURN_NOT_OK(CheckDeltaReadable(metadata, table));
  std::string faults = Unknown(metadata.writer_features, kWriterFeatures);
  const auto add = [&](const std::string& fault) {
    faults += (faults.empty() ? "" : ", ") + fault;
  };
  if (metadata.min_writer_version > kTableFeaturesWriter) {
    add(fmt::format("writer version {}", metadata.min_writer_version));
  }
  if (metadata.Property("delta.columnMapping.mode", "none") != "none") add("column mapping");
  if (metadata.Property("delta.appendOnly", "false") == "true") add("delta.appendOnly");
  if (metadata.Property("delta.enableRowTracking", "false") == "true") add("row tracking");
  for (const auto& [name, value] : metadata.configuration) {
    if (name.starts_with("delta.constraints.")) add("the constraint " + name.substr(18));
  }
  for (const DeltaField& field : fields) {
    if (field.is_constrained) add(fmt::format("the generated or checked column '{}'", field.name));
    if (!field.nullable) add(fmt::format("NOT NULL of column '{}'", field.name));
  }
  if (faults.empty()) return arrow::Status::OK();
  return MakeError(
      ErrorCode::kRunFailed,
      fmt::format("{}: this Delta table cannot be written here, since it needs: {}", table, faults),
      "drop them from the table, or write to another path");
}

std::string NewDeltaProtocol(const std::vector<std::string>& types) {
  if (std::ranges::none_of(types, HasLocalTime)) {
    return Json({{"minReaderVersion", 1}, {"minWriterVersion", 2}}).dump();
  }
  return Json({{"minReaderVersion", kTableFeaturesReader},
               {"minWriterVersion", kTableFeaturesWriter},
               {"readerFeatures", {"timestampNtz"}},
               {"writerFeatures", {"timestampNtz", "appendOnly", "invariants"}}})
      .dump();
}

std::string ProtocolWithFeature(const DeltaMetadata& metadata, const std::string& feature) {
  std::vector<std::string> writers = metadata.writer_features;
  std::vector<std::string> readers = metadata.reader_features;
  if (metadata.min_writer_version < kTableFeaturesWriter) {
    writers = LegacyWriterFeatures(metadata.min_writer_version);
  }
  if (metadata.min_reader_version == 2) readers.emplace_back("columnMapping");
  if (std::ranges::find(writers, feature) != writers.end()) return "";
  writers.push_back(feature);
  if (IsReaderFeature(feature)) readers.push_back(feature);
  return Json({{"minReaderVersion", kTableFeaturesReader},
               {"minWriterVersion", kTableFeaturesWriter},
               {"readerFeatures", readers},
               {"writerFeatures", writers}})
      .dump();
}

}  // namespace tidemill
