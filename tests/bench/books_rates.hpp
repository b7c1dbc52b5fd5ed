// How fast the books of a stored run are added up again on one core, and beside it the same rows scanned by plain
// SQLite and every cycle judged again from its events, as JSON members without the last comma.
#pragma once

#include <string>

namespace swiperig {

std::string books_rates();

}  // namespace swiperig
