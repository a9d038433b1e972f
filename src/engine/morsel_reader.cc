#include "engine/morsel_reader.h"

#include <utility>

namespace tidemill {

std::shared_ptr<arrow::Array> RawMorsel::Take(const std::string& name) {
  for (auto& [column, array] : columns) {
    if (column == name) return std::move(array);
  }
  return nullptr;
}

arrow::Result<RawMorsel> ReadMorsel(const Source& source, int file, int row_group,
                                    const arrow::Schema& schema,
                                    const std::vector<std::string>& columns) {
  const auto f = static_cast<size_t>(file);
  auto read = ReadRowGroup(source.root, source.files[f], source.footers[f], row_group, schema,
                           columns, TextForm::kAsStored);
  if (!read.ok()) {
    const arrow::Status status = NamingFile(read.status(), source, file);
    return arrow::Status(arrow::StatusCode::IOError, status.message(), status.detail());
  }
  RawMorsel morsel;
  morsel.num_rows = read->num_rows;
  for (size_t i = 0; i < columns.size(); ++i) {
    morsel.columns.emplace_back(columns[i], std::move(read->arrays[i]));
  }
  return morsel;
}

arrow::Status NamingFile(const arrow::Status& status, const Source& source, int file) {
  const std::string& path = source.files[static_cast<size_t>(file)].relative_path;
  return status.message().find(path) != std::string::npos ? status : WithContext(status, path);
}

}  // namespace tidemill
