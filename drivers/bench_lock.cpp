#include "drivers/bench_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace swiperig {
namespace {

constexpr std::size_t kNameBytes = 180;
constexpr std::string_view kSerial = "serial:";

struct Held {
  std::uint64_t number = 0;
  long pid = 0;
};

/// What is no number counts as none.
Held read_held(int file) noexcept {
  std::array<char, 64> text;
  const ssize_t n = ::pread(file, text.data(), text.size(), 0);
  const char* end = text.data() + std::max<ssize_t>(n, 0);
  Held held;
  const auto number = std::from_chars(text.data(), end, held.number);
  if (number.ec != std::errc() || number.ptr == end) return {};
  std::from_chars(number.ptr + 1, end, held.pid);
  return held;
}

bool same_file(int file, const std::string& path) {
  struct stat here {
  }, there{};
  return ::fstat(file, &here) == 0 && ::stat(path.c_str(), &there) == 0 && here.st_ino == there.st_ino &&
         here.st_dev == there.st_dev;
}

int take(const std::string& path, const std::string& instrument) {
  for (int tries = 0; tries < 10; ++tries) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) throw BenchTaken(path + ": cannot be opened: " + std::generic_category().message(errno));
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      const Held held = read_held(file);
      ::close(file);
      throw BenchTaken("the bench is taken: " + instrument + " belongs to the guardian " + std::to_string(held.pid) +
                       " (fencing number " + std::to_string(held.number) +
                       "); end that run, or wait until its guardian has made the bench safe");
    }
    // between opening and locking it may have been removed
    if (same_file(file, path)) return file;
    ::close(file);
  }
  throw BenchTaken(path + ": is removed again and again; who cleans this folder?");
}

}  // namespace

std::string lock_name(const std::string& instrument) {
  std::string name = instrument;
  if (name.starts_with(kSerial)) {
    std::error_code ignored;
    const auto device = std::filesystem::canonical(name.substr(kSerial.size()), ignored);
    if (!ignored) name = std::string(kSerial) + device.string();
  }
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (!plain) c = '_';
  }
  if (name.size() > kNameBytes) name.erase(0, name.size() - kNameBytes);
  return name + ".lock";
}

BenchLock::BenchLock(const std::string& folder, std::vector<std::string> instruments) {
  // two controllers take the same two locks in the same order
  std::sort(instruments.begin(), instruments.end(),
            [](const std::string& a, const std::string& b) { return lock_name(a) < lock_name(b); });
  try {
    for (std::size_t i = 0; i < std::min(instruments.size(), files_.size()); ++i) {
      files_[i] = take(folder + "/" + lock_name(instruments[i]), instruments[i]);
    }
  } catch (...) {
    for (const int file : files_) {
      if (file >= 0) ::close(file);
    }
    throw;
  }
  next();  // whoever is refused from now on is told who we are
}

BenchLock::~BenchLock() {
  for (const int file : files_) {
    if (file >= 0) ::close(file);
  }
}

std::uint64_t BenchLock::next() noexcept {
  std::uint64_t number = 0;
  for (const int file : files_) {
    if (file >= 0) number = std::max(number, read_held(file).number);
  }
  ++number;
  std::array<char, 64> text;
  const int n = std::snprintf(text.data(), text.size(), "%llu %ld\n", static_cast<unsigned long long>(number),
                              static_cast<long>(::getpid()));
  for (const int file : files_) {
    if (file < 0) continue;
    if (::pwrite(file, text.data(), static_cast<std::size_t>(n), 0) != n || ::ftruncate(file, n) != 0) return 0;
  }
  return number;
}

bool BenchLock::holds() const noexcept {
  for (const int file : files_) {
    struct stat there {};
    if (file >= 0 && (::fstat(file, &there) != 0 || there.st_nlink == 0)) return false;
  }
  return true;
}

}  // namespace swiperig
