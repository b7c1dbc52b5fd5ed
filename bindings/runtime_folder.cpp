#include "bindings/runtime_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "bindings/config.hpp"

namespace swiperig {

void own_folder(const std::string& folder, const std::string& risk) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    throw ConfigError(folder + ": expected a folder of your own: " + std::strerror(errno));
  }
  struct stat at = {};
  if (lstat(folder.c_str(), &at) != 0 || !S_ISDIR(at.st_mode)) throw ConfigError(folder + ": expected a folder");
  if (at.st_uid != geteuid() || (at.st_mode & 077) != 0) {
    throw ConfigError(folder + ": others may enter this folder, so they could " + risk +
                      ": expected a folder of your own with mode 0700, or a new name, which is made so");
  }
}

std::string runtime_folder() {
  const char* given = std::getenv("XDG_RUNTIME_DIR");
  const std::string folder = given != nullptr && *given == '/' ? std::string(given) + "/swiperig"
                                                               : "/tmp/swiperig-" + std::to_string(geteuid());
  own_folder(folder, "take the bench");
  return folder;
}

}  // namespace swiperig
