// Rows in columns, for a terminal's width or for a pipe. Pure.
#ifndef SERVICES_CLI_TABLE_H_
#define SERVICES_CLI_TABLE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/cli/render.h"

namespace understudy::cli {

struct Cell {
  std::string text = {};  // as it came: what is not printable is made so
  std::optional<Color> color = {};
};

struct Column {
  std::string name = {};
  bool is_number = false;  // to the right
};

// Characters of `text`, which is UTF-8.
size_t Characters(absl::string_view text);

class Table {
 public:
  // Lines are cut at `width` characters; 0: none is.
  Table(std::vector<Column> columns, size_t width, Style style);

  // The rows as lines; before the first of all, the columns' names. A column is as wide as the
  // widest of its cells in these rows and in those before. REQUIRES: a cell for each column.
  std::string Render(const std::vector<std::vector<Cell>>& rows);

 private:
  std::string Line(const std::vector<Cell>& cells) const;

  const std::vector<Column> columns_;
  const size_t width_;
  const Style style_;
  std::vector<size_t> widths_;
  bool has_names_ = false;  // they are printed
};

}  // namespace understudy::cli

#endif  // SERVICES_CLI_TABLE_H_
