// What the codecs do in a second on one core, as JSON members without the last comma.
#pragma once

#include <string>

namespace swiperig {

std::string codec_rates();

}  // namespace swiperig
