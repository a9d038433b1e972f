#include "engine/tile_layout.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace tidemill {
namespace {

std::string InputKey(const std::vector<ExpressionPtr>& arguments, const ExpressionPtr& filter) {
  std::string key = filter == nullptr ? "" : filter->key;
  for (const ExpressionPtr& argument : arguments) {
    key += "\n" + argument->key + " " + argument->type->ToString();
  }
  return key;
}

void AddOnce(int value, std::vector<int>* list) {
  if (std::find(list->begin(), list->end(), value) == list->end()) list->push_back(value);
}

}  // namespace

void TileLayout::Initialize(uint8_t* row) const {
  std::memset(row, 0, states_size);
  for (const StateSlot& state : states) state.kernel.initialize(row + state.offset, 1);
  for (const ResultSlot& result : results) {
    if (result.is_fed) result.kernel.initialize(row + result.fed_offset, 1);
  }
}

arrow::Result<TileLayout> MakeTileLayout(const BoundPipeline& pipeline) {
  TileLayout layout;
  layout.window_states.resize(pipeline.windows.size());
  layout.window_distincts.resize(pipeline.windows.size());
  std::vector<std::string> state_keys;
  std::vector<std::string> distinct_keys;
  size_t offset = 0;
  auto reserve = [&offset](size_t size) {
    const size_t at = offset;
    offset += (size + 7) & ~size_t{7};
    return at;
  };
  auto index_of = [](std::vector<std::string>* keys, const std::string& key) {
    const auto found = std::find(keys->begin(), keys->end(), key);
    const int index = static_cast<int>(found - keys->begin());
    if (found == keys->end()) keys->push_back(key);
    return index;
  };

  for (const WindowedAggregate& aggregate : pipeline.aggregates) {
    const AggregateCall& call = aggregate.call;
    const auto window = static_cast<size_t>(aggregate.window);
    ResultSlot result;
    result.window = aggregate.window;
    result.kernel = aggregate.kernel;
    const std::string input = InputKey(call.arguments, call.filter);
    if (call.distinct) {
      result.distinct = index_of(&distinct_keys, input);
      if (static_cast<size_t>(result.distinct) == layout.distincts.size()) {
        DistinctSlot slot{call.arguments[0], call.filter};
        slot.mask_offset = reserve(sizeof(uint64_t));
        layout.distincts.push_back(std::move(slot));
      }
      if (call.function != "count") {
        result.is_fed = true;
        result.fed_offset = reserve(result.kernel.state_size);
        layout.distincts[static_cast<size_t>(result.distinct)].may_mask = false;
      }
      AddOnce(result.distinct, &layout.window_distincts[window]);
    } else {
      result.state = index_of(&state_keys, aggregate.kernel.state_name + "\n" + input);
      if (static_cast<size_t>(result.state) == layout.states.size()) {
        StateSlot slot{aggregate.kernel, call.arguments, call.filter};
        slot.offset = reserve(slot.kernel.state_size);
        layout.states.push_back(std::move(slot));
      }
      AddOnce(result.state, &layout.window_states[window]);
    }
    layout.results.push_back(std::move(result));
  }
  layout.states_size = offset;
  return layout;
}

}  // namespace tidemill
