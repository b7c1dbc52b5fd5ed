#include "bindings/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "bindings/config.hpp"

namespace swiperig {

namespace {

[[noreturn]] void fail(const std::string& path, const char* done, int why) {
  throw ConfigError(path + ": cannot be " + done + ": " + std::strerror(why));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// A name in a folder is durable once the folder is.
void keep_name(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

void put(const std::string& path, const std::string& text, mode_t mode, bool keep_old) {
  const std::string fresh = path + ".new", old = path + ".old";
  ::unlink(fresh.c_str());  // of one that was cut short
  write_new(fresh, text, mode);
  if (keep_old && ::access(path.c_str(), F_OK) == 0) {
    ::unlink(old.c_str());
    if (::link(path.c_str(), old.c_str()) != 0) {
      const int why = errno;
      ::unlink(fresh.c_str());
      fail(old, "kept", why);
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const int why = errno;
    ::unlink(fresh.c_str());
    fail(path, "replaced", why);
  }
  keep_name(path);
}

}  // namespace

void write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) throw ConfigError(path + ": is there already; remove it, or choose another name");
  if (fd < 0) fail(path, "written", errno);
  const bool whole = write_all(fd, text) && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (!whole) {
    ::unlink(path.c_str());
    fail(path, "written", why);
  }
  keep_name(path);
}

void write_over(const std::string& path, const std::string& text, mode_t mode) { put(path, text, mode, false); }

void replace_keeping_old(const std::string& path, const std::string& text, mode_t mode) { put(path, text, mode, true); }

bool is_only_ours(const std::string& path) {
  struct stat at = {};
  return ::stat(path.c_str(), &at) == 0 && S_ISREG(at.st_mode) && at.st_uid == ::geteuid() && (at.st_mode & 077) == 0;
}

}  // namespace swiperig
