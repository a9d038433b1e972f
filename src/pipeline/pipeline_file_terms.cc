#include "pipeline/pipeline_file_terms.h"

#include <charconv>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "base/nearest_name.h"

namespace tidemill {
namespace {

constexpr int32_t kMaxWindowDays = 36'600;  // a hundred years
constexpr int32_t kMaxBuckets = 100'000;
/// Each further column leaves the others less of a curve's resolution.
constexpr size_t kMaxCurveColumns = 8;
constexpr const char* kOrderForms = "write sort(a, b), zorder(a, b) or hilbert(a, b)";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<int32_t> ParseCount(std::string_view digits) {
  int32_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty() ||
      digits.front() == '-') {
    return std::nullopt;
  }
  return count;
}

/// Takes "bucket( n , column )" apart; nothing for text that is not of that form.
std::optional<PartitionTerm> ParseBucket(const LocatedText& text) {
  const std::string_view whole = text.text;
  const size_t open = whole.find('(');
  const size_t comma = whole.find(',', open);
  if (Trim(whole.substr(0, open)) != "bucket" || comma == std::string_view::npos ||
      Trim(whole).back() != ')') {
    return std::nullopt;
  }
  const size_t close = whole.rfind(')');
  if (close < comma) return std::nullopt;
  const std::optional<int32_t> buckets = ParseCount(Trim(whole.substr(open + 1, comma - open - 1)));
  const std::string_view column = Trim(whole.substr(comma + 1, close - comma - 1));
  if (!buckets || column.empty()) return std::nullopt;

  PartitionTerm term;
  term.kind = PartitionTerm::Kind::kBucket;
  term.buckets = *buckets;
  term.column.text = column;
  term.column.position = text.position;
  term.column.position.column += static_cast<int>(column.data() - whole.data());
  return term;
}

/// The terms as they were meant: in `[feature_date, bucket(16, user_id)]` YAML takes the comma
/// inside the parentheses for one of the list's own.
std::vector<LocatedText> ReadTermTexts(const YamlNode& list, Faults* faults) {
  std::vector<LocatedText> texts;
  if (list.kind != YamlNode::Kind::kList) {
    if (auto text = ReadText(list, "'output.partition_by'", faults)) texts.push_back(*text);
    return texts;
  }
  bool is_open = false;
  for (const YamlNode* item : list.items) {
    auto text = ReadText(*item, "a term of 'output.partition_by'", faults);
    if (!text) continue;
    if (is_open) {
      texts.back().text += ", " + text->text;
    } else {
      texts.push_back(*text);
    }
    const std::string& whole = texts.back().text;
    is_open = whole.find('(') != std::string::npos && whole.find(')') == std::string::npos;
  }
  return texts;
}

std::optional<PartitionTerm::Kind> DateTermKind(const std::string& text) {
  if (text == "feature_date") return PartitionTerm::Kind::kFeatureDate;
  if (text == "feature_hour") return PartitionTerm::Kind::kFeatureHour;
  if (text == "year") return PartitionTerm::Kind::kYear;
  if (text == "month") return PartitionTerm::Kind::kMonth;
  if (text == "day") return PartitionTerm::Kind::kDay;
  return std::nullopt;
}

/// How many terms at the start tell the feature date; 0 if they do not.
size_t CountDateTerms(const std::vector<LocatedText>& texts, Grain grain) {
  const auto starts_with = [&](const std::vector<std::string>& names) {
    if (texts.size() < names.size()) return false;
    for (size_t i = 0; i < names.size(); ++i) {
      if (texts[i].text != names[i]) return false;
    }
    return true;
  };
  if (grain == Grain::kHour) {
    if (starts_with({"feature_date", "feature_hour"})) return 2;
    return starts_with({"year", "month", "day", "feature_hour"}) ? 4 : 0;
  }
  if (starts_with({"feature_date"})) return 1;
  return starts_with({"year", "month", "day"}) ? 3 : 0;
}

std::optional<PartitionTerm> ReadValueTerm(const LocatedText& text, Faults* faults) {
  const std::string name = fmt::format("partition_by term '{}'", text.text);
  if (DateTermKind(text.text)) {
    faults->Add(text.position, name + " stands in the wrong place",
                "the date comes first, once: feature_date, or year, month, day");
    return std::nullopt;
  }
  if (text.text.find('(') == std::string::npos) {
    PartitionTerm term;
    term.kind = PartitionTerm::Kind::kColumn;
    term.column = text;
    return term;
  }
  std::optional<PartitionTerm> term = ParseBucket(text);
  if (!term) {
    faults->Add(text.position, name + " is neither a column nor a bucket",
                "write a column, or bucket(16, user_id)");
  } else if (term->buckets < 1 || term->buckets > kMaxBuckets) {
    faults->Add(text.position, fmt::format("{} wants between 1 and {} buckets", name, kMaxBuckets));
    return std::nullopt;
  }
  return term;
}

std::optional<ClusterSpec::Kind> ClusterKind(std::string_view name) {
  if (name == "sort") return ClusterSpec::Kind::kSort;
  if (name == "zorder") return ClusterSpec::Kind::kZorder;
  if (name == "hilbert") return ClusterSpec::Kind::kHilbert;
  return std::nullopt;
}

/// Takes an order of rows apart.
class ClusterReader {
 public:
  ClusterReader(const LocatedText& text, const std::vector<PartitionTerm>& partition_by,
                Faults* faults)
      : text_(text), partition_by_(partition_by), faults_(faults) {}

  ClusterSpec Read() {
    const std::string_view whole = text_.text;
    const size_t open = whole.find('(');
    const std::string_view name = Trim(whole.substr(0, open));
    const std::optional<ClusterSpec::Kind> kind = ClusterKind(name);
    if (open == std::string_view::npos) {
      Fail(whole, Written() + "which is not an order of rows",
           kind ? fmt::format("name the columns: {}(a, b)", name) : kOrderForms);
      return {};
    }
    if (!kind) {
      Fail(name.empty() ? whole : name, fmt::format("cluster_by has no order '{}'", name),
           SuggestOne(std::string(name), {"sort", "zorder", "hilbert"}, "there are "));
    }
    const std::string_view columns = Trim(whole.substr(open + 1));
    if (columns.empty() || columns.back() != ')') {
      Fail(whole, Written() + "which does not end with ')'",
           "inside { } it needs quotes: {cluster_by: \"hilbert(a, b)\"}");
      return {};
    }
    spec_.kind = kind.value_or(ClusterSpec::Kind::kNone);
    ReadColumns(columns.substr(0, columns.size() - 1));
    if (spec_.columns.size() > kMaxCurveColumns && kind != ClusterSpec::Kind::kSort) {
      Fail(whole,
           fmt::format("cluster_by has a curve through {} columns; {} are the most",
                       spec_.columns.size(), kMaxCurveColumns),
           "name the two or three columns that readers filter by");
    }
    return is_sound_ ? std::move(spec_) : ClusterSpec();
  }

 private:
  void ReadColumns(std::string_view list) {
    for (size_t begin = 0; begin <= list.size();) {
      const size_t comma = std::min(list.find(',', begin), list.size());
      const std::string_view place = list.substr(begin, comma - begin);
      begin = comma + 1;
      if (const std::string_view column = Trim(place); column.empty()) {
        Fail(place, "cluster_by lacks the name of a column", kOrderForms);
      } else {
        AddColumn(column);
      }
    }
  }

  void AddColumn(std::string_view column) {
    for (const LocatedText& other : spec_.columns) {
      if (other.text != column) continue;
      Fail(column, fmt::format("cluster_by names '{}' twice", column));
      return;
    }
    for (const PartitionTerm& term : partition_by_) {
      if (term.kind != PartitionTerm::Kind::kColumn || term.column.text != column) continue;
      Fail(column, fmt::format("cluster_by names '{}', which is a partition column", column),
           "all rows of a partition have the same; leave it out");
      return;
    }
    spec_.columns.push_back({std::string(column), PositionOf(column)});
  }

  SourcePosition PositionOf(std::string_view part) const {
    SourcePosition position = text_.position;
    if (position.line > 0) position.column += static_cast<int>(part.data() - text_.text.data());
    return position;
  }

  std::string Written() const { return fmt::format("cluster_by is '{}', ", text_.text); }

  void Fail(std::string_view part, std::string message, std::string hint = "") {
    is_sound_ = false;
    faults_->Add(PositionOf(part), std::move(message), std::move(hint));
  }

  const LocatedText& text_;
  const std::vector<PartitionTerm>& partition_by_;
  Faults* faults_;
  ClusterSpec spec_;
  bool is_sound_ = true;
};

}  // namespace

std::optional<WindowLength> ReadWindow(const LocatedText& text, const std::string& name,
                                       Grain grain, Faults* faults) {
  const std::string_view written = Trim(text.text);
  const std::string units = grain == Grain::kDay ? "31d" : "31d or 6h";
  const auto fault = [&](const std::string& why, const std::string& hint) {
    faults->Add(text.position, fmt::format("{} is '{}': {}", name, text.text, why), hint);
    return std::nullopt;
  };
  if (ParseCount(written)) {
    return fault("a window needs a unit", fmt::format("write '{}d' for days", written));
  }
  const std::optional<int32_t> count = ParseCount(written.substr(0, written.size() - 1));
  const char unit = written.back();
  if (!count || (unit != 'd' && unit != 'h')) {
    return fault("that is not a length of time",
                 fmt::format("a window is a number of whole {}, as in {}",
                             grain == Grain::kDay ? "days" : "days or hours", units));
  }
  if (unit == 'h' && grain == Grain::kDay) {
    return fault("a window in hours needs 'grain: hour'", "at grain day, count days, as in 31d");
  }
  if (*count < 1)
    return fault("a window is at least one slot long", "the feature date alone is 1d");
  const int32_t limit = unit == 'd' ? kMaxWindowDays : kMaxWindowDays * 24;
  if (*count > limit) return fault(fmt::format("the longest window is {}{}", limit, unit), "");
  return WindowLength{*count, unit == 'd' ? Grain::kDay : Grain::kHour};
}

std::vector<PartitionTerm> ReadPartitionTerms(const YamlNode& list, Grain grain, Faults* faults) {
  std::vector<PartitionTerm> terms;
  if (list.unresolved) return terms;
  const std::vector<LocatedText> texts = ReadTermTexts(list, faults);
  if (texts.empty()) {
    if (list.kind == YamlNode::Kind::kList && list.items.empty()) {
      faults->Add(list.position, "'output.partition_by' is an empty list",
                  "each feature date is a partition: [feature_date]");
    }
    return terms;
  }

  const size_t num_date_terms = CountDateTerms(texts, grain);
  if (num_date_terms == 0) {
    const std::string first = grain == Grain::kHour ? "feature_date, feature_hour"
                                                    : "feature_date, or with year, month, day";
    std::string hint = "each feature date is a partition, so that a run replaces exactly its own";
    if (auto nearest = NearestName(texts.front().text, {"feature_date"});
        nearest && *nearest != texts.front().text) {
      hint = fmt::format("did you mean '{}'?", *nearest);
    }
    faults->Add(texts.front().position, "'output.partition_by' must start with " + first, hint);
    return terms;
  }
  for (size_t i = 0; i < num_date_terms; ++i) {
    PartitionTerm term;
    term.kind = *DateTermKind(texts[i].text);
    terms.push_back(std::move(term));
  }
  std::set<std::string> seen;
  for (size_t i = num_date_terms; i < texts.size(); ++i) {
    std::optional<PartitionTerm> term = ReadValueTerm(texts[i], faults);
    if (!term) continue;
    if (!seen.insert(term->column.text).second) {
      faults->Add(texts[i].position,
                  fmt::format("'output.partition_by' uses '{}' twice", term->column.text));
      continue;
    }
    terms.push_back(*std::move(term));
  }
  return terms;
}

ClusterSpec ReadClusterSpec(const YamlNode& value, const std::vector<PartitionTerm>& partition_by,
                            Faults* faults) {
  if (value.kind == YamlNode::Kind::kList || value.kind == YamlNode::Kind::kMap) {
    faults->Add(value.position, fmt::format("cluster_by must be text, not {}", KindName(value)),
                kOrderForms);
    return {};
  }
  const std::optional<LocatedText> text = ReadText(value, "'output.cluster_by'", faults);
  return text ? ClusterReader(*text, partition_by, faults).Read() : ClusterSpec();
}

arrow::Result<ClusterSpec> ParseClusterSpec(const std::string& text) {
  Faults faults({});
  ClusterSpec spec = ClusterReader({text, {}}, {}, &faults).Read();
  ARROW_RETURN_NOT_OK(faults.ToStatus());
  return spec;
}

}  // namespace tidemill
