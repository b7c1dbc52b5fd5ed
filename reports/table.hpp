// Columns of text for a terminal, aligned by the cells that they take.
#pragma once

#include <string>
#include <vector>

namespace swiperig {

/// One line a row; all rows have as many columns as the first. Chinese takes two cells a character.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

}  // namespace swiperig
