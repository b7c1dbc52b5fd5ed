#include "bindings/out_folder.hpp"

#include <filesystem>

#include "bindings/config.hpp"

namespace swiperig {

namespace fs = std::filesystem;

std::string fresh_directory(const std::string& wanted, const std::string& name) try {
  if (!wanted.empty()) {
    if (fs::exists(wanted) && !(fs::is_directory(wanted) && fs::is_empty(wanted))) {
      throw ConfigError(wanted + ": expected a new or empty directory; a trace is never overwritten");
    }
    fs::create_directories(wanted);
    return wanted;
  }
  fs::create_directories("runs");
  for (int n = 1;; ++n) {
    const std::string free = "runs/" + name + "-" + std::to_string(n);
    if (fs::create_directory(free)) return free;
  }
} catch (const fs::filesystem_error& e) {
  throw ConfigError(e.path1().string() + ": expected a place for the results: " + e.code().message());
}

}  // namespace swiperig
