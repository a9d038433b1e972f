#include "spark_client.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include "arrow_stream.h"
#include "engine/pass_engine.h"
#include "python_call.h"
#include "tidemill/spark.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tidemill::python {
namespace {

nb::list PairsOf(const std::vector<std::pair<std::string, std::string>>& pairs) {
  nb::list list;
  for (const auto& [name, value] : pairs) list.append(nb::make_tuple(name, value));
  return list;
}

nb::dict DictOf(const SparkView& view) {
  nb::list paths;
  for (const std::string& path : view.paths) paths.append(path);
  nb::dict dict;
  dict["view"] = view.view;
  dict["format"] = view.format;
  dict["paths"] = paths;
  dict["schema"] = view.schema;
  dict["options"] = PairsOf(view.options);
  nb::dict origins;
  if (view.has_origins) {
    origins["file_path"] = kSparkFileColumn;
    origins["row_index"] = kSparkRowColumn;
  }
  dict["origins"] = origins;
  return dict;
}

nb::dict DictOf(const SparkQuery& query) {
  nb::dict dict = DictOf(static_cast<const SparkView&>(query));
  nb::list tables;
  for (const SparkView& table : query.tables) tables.append(DictOf(table));
  dict["settings"] = PairsOf(query.settings);
  dict["tables"] = tables;
  dict["sql"] = query.sql;
  return dict;
}

/// tidemill.spark.Client, or what looks like it. Called from threads without the GIL.
class PythonSparkClient : public SparkClient {
 public:
  explicit PythonSparkClient(nb::object client) : client_(std::move(client)) {}

  arrow::Result<std::shared_ptr<arrow::Table>> Collect(const SparkQuery& query) override {
    return CallPython([&]() -> arrow::Result<std::shared_ptr<arrow::Table>> {
      const nb::object rows = client_.get().attr("collect")(DictOf(query));
      ARROW_ASSIGN_OR_RAISE(const auto reader, ImportStream(rows));
      return reader->ToTable();
    });
  }

  arrow::Result<int64_t> Write(const SparkQuery& query, const std::string& partition,
                               const std::string& uri) override {
    return CallPython([&]() -> arrow::Result<int64_t> {
      return nb::cast<int64_t>(client_.get().attr("write")(DictOf(query), partition, uri));
    });
  }

  void Cancel() override {
    const arrow::Status status = CallPython([&] {
      client_.get().attr("cancel")();
      return arrow::Status::OK();
    });
    // If that fails, the query runs to its end, and what it gives is not used.
    static_cast<void>(status);
  }

 private:
  HeldObject client_;
};

}  // namespace

void BindSpark(nb::module_& module) {
  module.def(
      "spark_engine",
      [](nb::object client) {
        return SparkEngine(std::make_shared<PythonSparkClient>(std::move(client)));
      },
      "client"_a,
      "An engine that has `client` run its queries: collect(query), "
      "write(query, partition, uri), cancel().");
}

}  // namespace tidemill::python
