// Where a run leaves what it made.
#pragma once

#include <string>

namespace swiperig {

/// `wanted`, new or empty; without one `runs/<name>-<n>`, the first n that is free. Throws ConfigError.
std::string fresh_directory(const std::string& wanted, const std::string& name);

}  // namespace swiperig
