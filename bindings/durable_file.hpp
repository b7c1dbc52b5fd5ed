// Small files that must not be half there: keys, allow-lists, taught positions, the number of a lease. Each is written
// whole and durable, under another name where one stands already, or what was there stays as it was. Failures are
// ConfigError with the path.
#pragma once

#include <sys/types.h>

#include <string>

namespace swiperig {

/// Makes a file that must not be there yet.
void write_new(const std::string& path, const std::string& text, mode_t mode);
/// In place of what is there, in one step; by way of PATH.new.
void write_over(const std::string& path, const std::string& text, mode_t mode);
/// The same, the file of before beside it as PATH.old.
void replace_keeping_old(const std::string& path, const std::string& text, mode_t mode);

/// A file of this user that nobody else may read or write, as one with a secret has to be.
bool is_only_ours(const std::string& path);

}  // namespace swiperig
