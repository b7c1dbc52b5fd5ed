// How fast what crosses a wire is masked and kept, as JSON members without the last comma.
#pragma once

#include <string>

namespace swiperig {

std::string capture_rates();

}  // namespace swiperig
