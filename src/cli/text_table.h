#pragma once

/// Rows of text in aligned columns.

#include <string>
#include <vector>

namespace tidemill {

struct TextTable {
  std::vector<std::string> headers;
  std::vector<bool> right_aligned;             ///< one per column
  std::vector<std::vector<std::string>> rows;  ///< one cell per column
};

/// Headers, a rule and the rows, each line ending with '\n'. Cells are cut to `max_cell` cells.
std::string RenderTable(const TextTable& table, int max_cell, bool has_colour);

/// The cells that RenderTable's lines take.
int TableWidth(const TextTable& table, int max_cell);

/// One block for each row, one line for each column: for tables wider than the terminal. Cells are
/// cut so that lines fit `width`.
std::string RenderVertically(const TextTable& table, int width, bool has_colour);

}  // namespace tidemill
