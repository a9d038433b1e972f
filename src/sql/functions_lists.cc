/// Lists and maps, the results of collect_list, top_k, histogram and their like: how long they are,
/// and what stands at a place.

#include <arrow/array/array_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>

#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {
namespace {

bool IsList(const arrow::DataType& type) { return type.id() == arrow::Type::LIST; }
bool IsMap(const arrow::DataType& type) { return type.id() == arrow::Type::MAP; }

arrow::Result<ScalarSignature> ResolveCardinality(const std::vector<ArgumentInfo>& arguments) {
  if (!IsList(*arguments[0].type)) {
    return NoSignature("cardinality", arguments, "the argument must be a list");
  }
  return ScalarSignature{{arguments[0].type}, arrow::int64()};
}

const arrow::ListArray& AsList(const Datum& datum, std::shared_ptr<arrow::Array>* owner) {
  *owner = datum.make_array();
  return static_cast<const arrow::ListArray&>(**owner);
}

arrow::Result<Datum> Cardinality(const Arguments& arguments, const CallContext& context) {
  std::shared_ptr<arrow::Array> owner;
  const arrow::ListArray& list = AsList(arguments[0], &owner);
  arrow::Int64Builder lengths;
  ARROW_RETURN_NOT_OK(lengths.Reserve(context.num_rows));
  for (int64_t row = 0; row < list.length(); ++row) {
    if (list.IsNull(row)) {
      lengths.UnsafeAppendNull();
    } else {
      lengths.UnsafeAppend(list.value_length(row));
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto array, lengths.Finish());
  return Datum(array);
}

arrow::Result<ScalarSignature> ResolveElement(const std::vector<ArgumentInfo>& arguments) {
  const arrow::DataType& type = *arguments[0].type;
  if (IsList(type)) {
    if (Accept(arguments[1], Wanted::kInteger) == nullptr) {
      return NoSignature("element_at", arguments, "the place in a list must be an integer");
    }
    return ScalarSignature{{arguments[0].type, arrow::int64()}, type.field(0)->type()};
  }
  if (IsMap(type)) {
    const auto& map = static_cast<const arrow::MapType&>(type);
    if (arguments[1].literal == nullptr || !arguments[1].literal->is_valid) {
      return NoSignature("element_at", arguments, "the key of a map must be a constant");
    }
    return ScalarSignature{{arguments[0].type, map.key_type()}, map.item_type()};
  }
  return NoSignature("element_at", arguments, "the first argument must be a list or a map");
}

/// The element at `place`, from 1, or from the end if it is negative; -1 for none.
int64_t IndexOf(const arrow::ListArray& list, int64_t row, int64_t place) {
  const int64_t length = list.value_length(row);
  const int64_t index = place > 0 ? place - 1 : length + place;
  if (place == 0 || index < 0 || index >= length) return -1;
  return list.value_offset(row) + index;
}

arrow::Result<Datum> Element(const Arguments& arguments, const CallContext& context) {
  std::shared_ptr<arrow::Array> owner;
  const arrow::ListArray& list = AsList(arguments[0], &owner);
  const bool is_map = IsMap(*list.type());
  arrow::Int64Builder places;
  ARROW_RETURN_NOT_OK(places.Reserve(context.num_rows));
  const auto append = [&](int64_t index) {
    if (index < 0) {
      places.UnsafeAppendNull();
    } else {
      places.UnsafeAppend(index);
    }
  };
  if (is_map) {
    const auto& map = static_cast<const arrow::MapArray&>(list);
    if (!arguments[1].is_scalar()) return arrow::Status::NotImplemented("keys that vary");
    ARROW_ASSIGN_OR_RAISE(const auto key, arrow::MakeArrayFromScalar(*arguments[1].scalar(), 1));
    for (int64_t row = 0; row < map.length(); ++row) {
      int64_t found = -1;
      for (int64_t i = map.value_offset(row); map.IsValid(row) && i < map.value_offset(row + 1);
           ++i) {
        const auto options = arrow::EqualOptions::Defaults().nans_equal(true);
        if (map.keys()->RangeEquals(*key, i, i + 1, 0, options)) found = i;
      }
      append(found);
    }
  } else {
    const bool varies = arguments[1].is_array();
    const std::shared_ptr<arrow::Array> column = varies ? arguments[1].make_array() : nullptr;
    for (int64_t row = 0; row < list.length(); ++row) {
      if (list.IsNull(row) || (varies && column->IsNull(row))) {
        append(-1);
        continue;
      }
      const int64_t place = varies ? static_cast<const arrow::Int64Array&>(*column).Value(row)
                                   : ScalarValue<int64_t>(*arguments[1].scalar());
      append(IndexOf(list, row, place));
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto indices, places.Finish());
  const auto values = is_map ? static_cast<const arrow::MapArray&>(list).items() : list.values();
  return arrow::compute::Take(values, indices);
}

}  // namespace

void RegisterLists(ScalarRegistry* registry) {
  registry->Add({.name = "cardinality",
                 .aliases = {"array_size"},
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {.signature = "cardinality(x)",
                         .summary = "How many elements a list has.",
                         .example = "cardinality(collect_list(event_type))",
                         .result = ""},
                 .resolve = ResolveCardinality,
                 .evaluate = OnRows(Cardinality),
                 .duckdb = "len({0})"});
  registry->Add(
      {.name = "element_at",
       .min_arguments = 2,
       .max_arguments = 2,
       .doc = {.signature = "element_at(x, i)",
               .summary = "The element of a list at place i, from 1, or from the end with "
                          "-1, -2, ...; the value of a map under the constant key i. "
                          "NULL where there is none.",
               .example = "element_at(top_k(event_type, 2), 1)",
               .result = ""},
       .resolve = ResolveElement,
       .evaluate = OnRows(Element),
       .duckdb = "{0}[{1}]"});
}

}  // namespace tidemill
