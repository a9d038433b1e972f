#include "cli/preview_table.h"

#include "cli/cell_text.h"
#include "cli/text_table.h"

namespace tidemill {
namespace {

constexpr int kMaxCell = 32;

}  // namespace

std::string RenderPreview(const arrow::Table& features, int width, bool has_colour) {
  if (features.num_rows() == 0) return "(no rows)\n";
  const TextTable table = ToTextTable(features);
  if (TableWidth(table, kMaxCell) <= width) return RenderTable(table, kMaxCell, has_colour);
  return RenderVertically(table, width, has_colour);
}

}  // namespace tidemill
