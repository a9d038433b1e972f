#pragma once

/// Typed access to the mappings of a pipeline file, which collects faults instead of stopping.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/pipeline_file_yaml.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// The faults found in one file so far.
class Faults {
 public:
  explicit Faults(std::vector<std::string> lines) : lines_(std::move(lines)) {}

  void Add(const SourcePosition& position, std::string message, std::string hint = "");
  void Add(Diagnostic diagnostic);

  /// OK, or one error (kInvalid) with all of them.
  arrow::Status ToStatus() const;

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
  std::vector<Diagnostic> diagnostics_;
};

/// Reports every key that stands twice in one mapping, anywhere in the document.
void ReportDuplicateKeys(const YamlDocument& document, Faults* faults);

/// Reads the keys of one mapping. Making one reports the keys that are not in `keys`. What is
/// absent, or present and wrong (which is reported), reads as nothing.
class MapReader {
 public:
  /// `path` is how messages name the mapping, "source" or "feature 'clicks'"; empty for the whole
  /// file. `position` is where missing keys are reported. `map` must outlive the reader.
  MapReader(const YamlNode& map, std::string path, SourcePosition position,
            std::vector<std::string> keys, Faults* faults);

  /// The value of a key, whatever its kind; null if absent.
  const YamlNode* Find(const std::string& key) const;
  /// The same; a missing key is a fault.
  const YamlNode* Require(const std::string& key) const;

  /// Text that is not empty.
  std::optional<LocatedText> Text(const std::string& key) const;
  std::optional<LocatedText> RequireText(const std::string& key) const;

  /// One of `values`.
  std::optional<std::string> Choice(const std::string& key,
                                    const std::vector<std::string>& values) const;

  /// One text or a list of them (at least one), none twice.
  std::vector<LocatedText> TextOrList(const std::string& key, const YamlNode& value) const;

  /// A mapping; null (and a fault) if it is anything else.
  const YamlNode* Map(const std::string& key) const;

  /// "source.path", "window", "'expr' of feature 'clicks'": quoted for messages.
  std::string NameOf(const std::string& key) const;

 private:
  bool HasMisspelled(const std::string& key) const;

  const YamlNode& map_;
  std::string path_;
  SourcePosition position_;
  std::vector<std::string> keys_;
  Faults* faults_;
};

/// Where a missing key of a section is reported: at the section's own key.
SourcePosition PositionOfKey(const YamlNode& root, const std::string& key);

/// The text of a scalar that is not empty; otherwise nothing, and a fault that calls it `name`.
std::optional<LocatedText> ReadText(const YamlNode& node, const std::string& name, Faults* faults);

/// "did you mean 'x'?", or what there is to choose from.
std::string SuggestOne(const std::string& written, const std::vector<std::string>& candidates,
                       const std::string& listing);

/// "a, b or c".
std::string JoinChoices(const std::vector<std::string>& values);

}  // namespace tidemill
