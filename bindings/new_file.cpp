#include "bindings/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bindings/config.hpp"

namespace swiperig {

void write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) {
    throw ConfigError(path + (errno == EEXIST ? std::string(": is there already; remove it, or choose another name")
                                              : std::string(": cannot be written: ") + std::strerror(errno)));
  }
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                     ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (whole) return;
  ::unlink(path.c_str());
  throw ConfigError(path + ": cannot be written: " + std::strerror(why));
}

}  // namespace swiperig
