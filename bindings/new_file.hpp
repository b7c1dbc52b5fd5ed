// A file that must not be there yet, keys above all: whole and durable, or not there.
#pragma once

#include <sys/types.h>

#include <string>

namespace swiperig {

/// Throws ConfigError; what was there stays as it was.
void write_new(const std::string& path, const std::string& text, mode_t mode);

}  // namespace swiperig
