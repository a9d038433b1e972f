#include "pipeline/definition_hash.h"

#include <map>

#include "base/hash.h"

namespace tidemill {

std::string FeatureHash(const BoundFeature& feature) { return HashHex(feature.definition); }

std::string DefinitionHash(const BoundPipeline& pipeline) {
  const Pipeline& spec = pipeline.spec;
  std::string text = "source " + spec.source.path.text + "\ntimezone " + spec.source.timezone +
                     "\ngrain " + (spec.grain == Grain::kDay ? "day" : "hour") + "\nnull_entity " +
                     std::to_string(static_cast<int>(spec.null_entity));
  if (pipeline.day) text += "\nday " + pipeline.day->key;
  if (pipeline.event_time >= 0)
    text += "\nevent_time " + pipeline.rows->field(pipeline.event_time)->name();
  if (pipeline.where) text += "\nwhere " + pipeline.where->key;
  for (const JoinSpec& join : spec.source.joins) {
    text += "\njoin " + join.path.text + (join.is_inner ? " inner" : " left");
    if (join.is_dated) text += " as of " + (join.day ? join.day->text : "its day");
    for (const JoinColumn& key : join.key) text += "\n  " + key.name.text + " = " + key.column.text;
    for (const JoinColumn& column : join.columns) {
      text += "\n  " + column.name.text + " is " + column.column.text;
    }
  }
  for (const BoundRowRule& rule : pipeline.row_rules) {
    if (rule.quarantine) text += "\nquarantine unless " + rule.condition->key;
  }
  for (const DerivedColumn& column : pipeline.derived) {
    text += "\ncolumn " + column.name + " = " + column.expression->key;
  }
  if (const auto& entities = spec.output.entities) {
    text += "\nentities " + entities->path.text;
    for (const LocatedText& column : entities->columns) text += "\nentities column " + column.text;
  }
  for (int index : pipeline.entity) text += "\nentity " + pipeline.rows->field(index)->name();
  std::map<std::string, std::string> features;
  for (const BoundFeature& feature : pipeline.features) features[feature.name] = feature.definition;
  for (const auto& [name, definition] : features) text += "\nfeature " + name + " = " + definition;
  // An entity has a row if it has an event in the longest window. Which of the longest in days and
  // the longest in hours that is depends on the date.
  for (const Grain unit : {Grain::kDay, Grain::kHour}) {
    const WindowLength* longest = nullptr;
    for (const WindowLength& window : pipeline.windows) {
      if (window.unit != unit) continue;
      if (longest == nullptr || window.count > longest->count) longest = &window;
    }
    if (longest != nullptr) text += "\nlongest window " + longest->ToString();
  }
  return HashHex(text);
}

}  // namespace tidemill
