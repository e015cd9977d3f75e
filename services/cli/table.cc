#include "services/cli/table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy::cli {
namespace {

constexpr size_t kGap = 2;
constexpr absl::string_view kCutMark = "...";

bool IsContinuation(char c) {
  return (c & '\xC0') == '\x80';
}

// The first `count` characters.
absl::string_view Beginning(absl::string_view text, size_t count) {
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && seen++ == count) break;
  }
  return text.substr(0, end);
}

// Fits `text` into `room` characters.
std::string Fit(absl::string_view text, size_t room) {
  if (Characters(text) <= room) return std::string(text);
  if (room <= kCutMark.size()) return std::string(Beginning(text, room));
  return absl::StrCat(Beginning(text, room - kCutMark.size()), kCutMark);
}

}  // namespace

size_t Characters(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

Table::Table(std::vector<Column> columns, size_t width, Style style)
    : columns_(std::move(columns)), width_(width), style_(style) {
  for (const Column& column : columns_) widths_.push_back(Characters(column.name));
}

std::string Table::Render(const std::vector<std::vector<Cell>>& rows) {
  std::vector<std::vector<Cell>> printable = rows;
  for (std::vector<Cell>& row : printable) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i].text = Printable(row[i].text);
      widths_[i] = std::max(widths_[i], Characters(row[i].text));
    }
  }
  std::string text;
  if (!std::exchange(has_names_, true)) {
    std::vector<Cell> names;
    for (const Column& column : columns_) names.push_back({column.name, Color::kDim});
    text = Line(names);
  }
  for (const std::vector<Cell>& row : printable) text += Line(row);
  return text;
}

std::string Table::Line(const std::vector<Cell>& cells) const {
  std::string line;
  size_t blanks = 0;  // due before the next cell that has a text
  size_t used = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    const size_t padding = widths_[i] - Characters(cell.text);
    if (columns_[i].is_number) blanks += padding;
    if (!cell.text.empty()) {
      if (width_ != 0 && used + blanks >= width_) break;
      const std::string text = width_ == 0 ? cell.text : Fit(cell.text, width_ - used - blanks);
      line.append(blanks, ' ');
      absl::StrAppend(&line, cell.color.has_value() ? Paint(style_, *cell.color, text) : text);
      used += blanks + Characters(text);
      blanks = 0;
    }
    if (!columns_[i].is_number) blanks += padding;
    blanks += kGap;
  }
  return line + "\n";
}

}  // namespace understudy::cli
