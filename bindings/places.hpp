// Where this checkout is: the one file that is compiled with its path, so that a compiler cache finds all others again
// in any other checkout.
#pragma once

#include <string>

namespace swiperig {

extern const char* const source_dir;

/// The bench file that was given, or the virtual bench that comes with the program.
std::string bench_or_virtual(const std::string& given);

}  // namespace swiperig
