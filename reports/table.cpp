#include "reports/table.hpp"

#include <algorithm>
#include <string_view>

namespace swiperig {

namespace {

/// How many cells of a terminal a text takes; Chinese takes two each.
std::size_t cells(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) count += byte >= 0xe2 ? 2 : 1;
  }
  return count;
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& table) {
  std::vector<std::size_t> widths(table.front().size());
  for (const auto& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], cells(row[i]));
  }
  std::string out;
  for (const auto& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - cells(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace swiperig
