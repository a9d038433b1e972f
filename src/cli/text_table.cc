#include "cli/text_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/console.h"
#include "cli/display_text.h"

namespace tidemill {
namespace {

constexpr int kGap = 2;
constexpr int kMinCell = 8;

std::vector<int> ColumnWidths(const TextTable& table, int max_cell) {
  std::vector<int> widths;
  for (size_t column = 0; column < table.headers.size(); ++column) {
    int width = DisplayWidth(table.headers[column]);
    for (const auto& row : table.rows) width = std::max(width, DisplayWidth(row[column]));
    widths.push_back(std::min(width, max_cell));
  }
  return widths;
}

std::string Line(const std::vector<std::string>& cells, const std::vector<bool>& right_aligned,
                 const std::vector<int>& widths) {
  std::string line;
  for (size_t column = 0; column < cells.size(); ++column) {
    if (column > 0) line.append(kGap, ' ');
    const std::string cell = Cut(cells[column], widths[column]);
    line += right_aligned[column] ? PadLeft(cell, widths[column]) : PadRight(cell, widths[column]);
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

std::string RenderTable(const TextTable& table, int max_cell, bool has_colour) {
  const std::vector<int> widths = ColumnWidths(table, max_cell);
  std::string text =
      Painted(Line(table.headers, table.right_aligned, widths), Paint::kBold, has_colour) + "\n";
  std::vector<std::string> rule;
  for (const int width : widths) rule.emplace_back(static_cast<size_t>(width), '-');
  text += Painted(Line(rule, table.right_aligned, widths), Paint::kDim, has_colour) + "\n";
  for (const auto& row : table.rows) text += Line(row, table.right_aligned, widths) + "\n";
  return text;
}

int TableWidth(const TextTable& table, int max_cell) {
  int total = 0;
  for (const int width : ColumnWidths(table, max_cell)) total += width + kGap;
  return std::max(total - kGap, 0);
}

std::string RenderVertically(const TextTable& table, int width, bool has_colour) {
  int name_width = 0;
  for (const std::string& header : table.headers) {
    name_width = std::max(name_width, DisplayWidth(header));
  }
  name_width = std::min(name_width, std::max(width - kGap - kMinCell, kMinCell));
  const int cell_width = std::max(width - name_width - kGap, kMinCell);
  std::string text;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    if (i > 0) text += "\n";
    text += Painted(fmt::format("row {}", i + 1), Paint::kDim, has_colour) + "\n";
    for (size_t column = 0; column < table.headers.size(); ++column) {
      const std::string name = PadRight(Cut(table.headers[column], name_width), name_width);
      text += fmt::format("{}  {}\n", Painted(name, Paint::kBold, has_colour),
                          Cut(table.rows[i][column], cell_width));
    }
  }
  return text;
}

}  // namespace tidemill
